from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OffersConfig(AppConfig):
    name = "offers"

    def ready(self) -> None:
        """Any app may bring formats of postbacks, in its module `networks`."""
        autodiscover_modules("networks")
