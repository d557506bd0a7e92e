from django.urls import path

from conversions import views
from conversions.api.gateway import PostbackView
from conversions.pixel.beacons import beacon
from conversions.pixel.script import script

urlpatterns = [
    path("c/<slug:slug>/", views.tracking_link, name="tracking_link"),
    path("go/<slug:name>/", views.outbound_link, name="outbound_link"),
    path("postback/<slug:slug>/<str:secret>/", PostbackView.as_view(), name="postback"),
    path("pixel/<slug:slug>/<str:what>/", beacon, name="beacon"),
    path("pixel/<slug:slug>.js", script, name="pixel_script"),
    # People paste links without the last slash; a redirect would turn a POST into a GET, and a 404 loses the visitor.
    path("c/<slug:slug>", views.tracking_link),
    path("go/<slug:name>", views.outbound_link),
    path("postback/<slug:slug>/<str:secret>", PostbackView.as_view()),
]
