"""Bearer tokens: DRF's own way to read them, with keys that are kept as digests, expire and can be revoked."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed

from dispatch import clock
from dispatch.models import ApiToken
from dispatch.models.api_token import digest_of

REFUSED = "The token is unknown, expired or revoked. Make a new one in the admin under People, API tokens."
USE_NOTED_EVERY = timedelta(minutes=5)


class TokenAuthentication(authentication.TokenAuthentication):
    """`Authorization: Bearer trk_…`."""

    keyword = "Bearer"

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        """Raises AuthenticationFailed, with the same words whatever is wrong."""
        now = clock.now()
        token = ApiToken.objects.select_related("user").filter(digest=digest_of(key)).first()
        if token is None or not token.is_good(now) or not token.user.is_active:
            raise AuthenticationFailed(REFUSED)
        note_use(token, now)
        return token.user, token


def note_use(token: ApiToken, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def make_token(user: User, name: str, days: int, now: datetime) -> tuple[ApiToken, str]:
    """A stored token of the person, and its key in clear, which is nowhere else."""
    token = ApiToken(user=user, name=name, created_at=now, expires_at=now + timedelta(days=days))
    key = token.make_key()
    token.save()
    return token, key
