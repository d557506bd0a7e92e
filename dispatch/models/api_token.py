import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.db import models

PREFIX = "trk_"
"""Tells people and scanners of leaked secrets what it is."""


class ApiToken(models.Model):
    """A key to the API that acts as its owner. Only its SHA-256 is kept: it is shown once, when it is made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens", verbose_name="owner")
    name = models.CharField(max_length=100, help_text="What uses it, such as “Weekly report”.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField("made", editable=False)
    expires_at = models.DateTimeField("expires", editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"
        verbose_name_plural = "API tokens"

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def make_key(self) -> str:
        """A new key in clear, of which the row keeps the digest. Does not save."""
        key = PREFIX + secrets.token_urlsafe(32)
        self.digest, self.last_four = digest_of(key), key[-4:]
        return key


def digest_of(key: str) -> str:
    """A plain digest is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(key.encode()).hexdigest()
