"""Every address of the site; DESIGN's public interface."""

from django.contrib import admin
from django.urls import include, path, re_path

from trackingsite import demo, operations

urlpatterns = [
    path("", include("conversions.urls")),
    re_path(r"^demo/(?P<name>landing|checkout|thank-you)/$", demo.page, name="demo_page"),
    path("demo/buy/", demo.buy, name="demo_buy"),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("api/", include("dispatch.api.urls")),
    path("admin/", admin.site.urls),
]
