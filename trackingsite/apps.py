from importlib import import_module

from django.apps import AppConfig


class TrackingSiteConfig(AppConfig):
    name = "trackingsite"
    verbose_name = "Site"

    def ready(self) -> None:
        import_module("trackingsite.checks")  # registers the system checks
