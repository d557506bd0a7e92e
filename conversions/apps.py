from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# For a project that only has the template tags; the tracking site sets them all.
DEFAULTS: dict[str, Any] = {
    "ALLOW_CUSTOM_EVENT_NAMES": False,
    "COOKIE_DOMAIN": "",
    "COUNTRY_HEADER": "",
    "FIELD_ENCRYPTION_KEYS": [],
    "GEOIP_PATH": "",
    "REGION_HEADER": "",
    "TIKTOK_PIXEL_URL": "https://analytics.tiktok.com",
    "TRUSTED_PROXIES": [],
}


class ConversionsConfig(AppConfig):
    name = "conversions"

    def ready(self) -> None:
        """Fill in what the project leaves to us. Raises ImproperlyConfigured without the tracking site's address."""
        if not getattr(settings, "PUBLIC_BASE_URL", ""):
            raise ImproperlyConfigured(
                "PUBLIC_BASE_URL has to be the address of the tracking site, such as https://track.example."
            )
        defaults = {**DEFAULTS, "IS_HTTPS": settings.PUBLIC_BASE_URL.startswith("https://")}
        for name in defaults.keys() - set(dir(settings)):
            setattr(settings, name, defaults[name])
