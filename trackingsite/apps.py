from django.apps import AppConfig


class TrackingSiteConfig(AppConfig):
    name = "trackingsite"
    verbose_name = "Site"
