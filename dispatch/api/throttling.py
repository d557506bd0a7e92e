"""How often one caller may ask."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class PerCaller(SimpleRateThrottle):
    """Requests of one token, or of one person in the browser, counted by each web process."""

    rate = "120/min"
    scope = "api"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        caller = f"token-{request.auth.pk}" if request.auth else f"person-{request.user.pk}"
        return self.cache_format % {"scope": self.scope, "ident": caller}
