"""Every address of the site; DESIGN's public interface."""

from django.contrib import admin
from django.urls import include, path

from trackingsite import operations

urlpatterns = [
    path("", include("conversions.urls")),
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]
