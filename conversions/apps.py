from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# For a project that only has the template tags; the tracking site sets them all.
DEFAULTS: dict[str, Any] = {
    "ALLOW_CUSTOM_EVENT_NAMES": False,
    "COOKIE_DOMAIN": "",
    "COUNTRY_HEADER": "",
    "GEOIP_PATH": "",
    "REGION_HEADER": "",
    "TIKTOK_PIXEL_URL": "https://analytics.tiktok.com",
    "TRUSTED_PROXIES": [],
}
REQUIRED = {
    "PUBLIC_BASE_URL": "the address of the tracking site, such as https://track.example",
    "FIELD_ENCRYPTION_KEYS": "those of the tracking site, a list: they tell who was erased on request",
}


class ConversionsConfig(AppConfig):
    name = "conversions"

    def ready(self) -> None:
        """Fill in what the project leaves to us. Raises ImproperlyConfigured without what it can't leave to us."""
        # An empty list of keys is for the tracking site's own check to explain.
        for name, meaning in REQUIRED.items():
            if getattr(settings, name, "") == "":
                raise ImproperlyConfigured(f"The app “conversions” needs the setting {name}: {meaning}.")
        defaults = {**DEFAULTS, "IS_HTTPS": settings.PUBLIC_BASE_URL.startswith("https://")}
        for name in defaults.keys() - set(dir(settings)):
            setattr(settings, name, defaults[name])
