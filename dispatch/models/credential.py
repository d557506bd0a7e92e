import hashlib
import os
import re
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from offers.encryption import SecretField, SecretUnreadableError
from offers.models import Pixel

SHORTEST_TOKEN = 16
ONE_WORD = re.compile(r"^[\x21-\x7e]+\Z")


# TikTok refused it and has not accepted it since; `Credential.is_refused` says the same of one that is loaded.
REFUSED = Q(last_refused_at__isnull=False) & (Q(last_ok_at=None) | Q(last_ok_at__lte=F("last_refused_at")))


class CredentialQuerySet(models.QuerySet["Credential"]):
    def usable(self) -> "CredentialQuerySet":
        """Credentials that may be sent with, the active one first, then the one that retires."""
        states = [Credential.State.ACTIVE, Credential.State.RETIRING]
        return self.filter(state__in=states).order_by("state", "-activated_at")

    def refused(self) -> "CredentialQuerySet":
        """Credentials that TikTok refused and has not accepted since."""
        return self.filter(REFUSED)


class Credential(models.Model):
    """An access token of a pixel. The token is written once, encrypted, and never shown again."""

    class State(models.TextChoices):
        STAGED = "staged", "Staged"
        ACTIVE = "active", "Active"
        RETIRING = "retiring", "Retiring"
        REVOKED = "revoked", "Revoked"

    pixel = models.ForeignKey(Pixel, models.PROTECT, related_name="credentials")
    state = models.CharField(max_length=8, choices=State, default=State.STAGED)
    token = SecretField(blank=True)
    reference = models.CharField(
        max_length=300,
        blank=True,
        help_text="env:NAME or file:/path, where the token is kept outside the database.",
    )
    fingerprint = models.CharField(max_length=12, blank=True)
    last_four = models.CharField(max_length=4, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    tested_at = models.DateTimeField(null=True, blank=True)
    test_passed = models.BooleanField(null=True)
    test_message = models.CharField(max_length=300, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    activated_because = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="Why it took over by itself; empty when a person promoted it.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    last_ok_at = models.DateTimeField("last accepted", null=True, blank=True)
    last_refused_at = models.DateTimeField("last refused", null=True, blank=True)
    last_refusal = models.CharField(max_length=300, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        ordering = ["pixel", "state", "-created_at"]
        permissions = [("rotate_credential", "Can stage, test, promote and revoke credentials")]
        constraints = [
            # Two active tokens would make it a matter of luck which one is sent.
            models.UniqueConstraint(
                fields=["pixel"], condition=Q(state="active"), name="one_active_credential_per_pixel"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pixel.code} …{self.last_four}" if self.last_four else f"{self.pixel.code} {self.reference}"

    def clean(self) -> None:
        if bool(self.token) == bool(self.reference):
            raise ValidationError("Give either a token or a reference to one.")
        if self.reference and not self.reference.startswith(("env:", "file:")):
            raise ValidationError({"reference": "A reference starts with env: or file:."})

    @property
    def is_refused(self) -> bool:
        """Whether TikTok refused it and has not accepted it since."""
        refused_at, ok_at = self.last_refused_at, self.last_ok_at
        return refused_at is not None and (ok_at is None or ok_at <= refused_at)

    def identify(self) -> None:
        """Note fingerprint and last four of the token, the only things of it that are ever shown. Does not save."""
        token = self.reveal()
        self.fingerprint = hashlib.sha256(token.encode()).hexdigest()[:12]
        self.last_four = token[-4:]

    def reveal(self) -> str:
        """The clear token, for the sender only. Raises SecretUnreadableError when it can't be had."""
        if not self.reference:
            return str(self.token.reveal())
        kind, _, name = self.reference.partition(":")
        token = os.environ.get(name, "") if kind == "env" else read_file(name)
        if not token.strip():
            raise SecretUnreadableError(f"{self.reference} holds no token.")
        return token.strip()

    def reveal_to_send(self) -> str:
        """The token as a header can carry it. Raises SecretUnreadableError for what can't be a token.

        What a reference points to may have changed since it was staged.
        """
        token = self.reveal()
        if not ONE_WORD.match(token):
            raise SecretUnreadableError("The token holds spaces, line breaks or characters that no token has.")
        return token

    def note_accepted(self, now: datetime) -> None:
        """Remember when TikTok last took this token; once a minute is enough."""
        if self.last_ok_at is None or (now - self.last_ok_at).total_seconds() > 60:
            Credential.objects.filter(pk=self.pk).update(last_ok_at=now)

    def note_refused(self, message: str, now: datetime) -> None:
        Credential.objects.filter(pk=self.pk).update(last_refused_at=now, last_refusal=message[:300])


def read_file(name: str) -> str:
    path = Path(name)
    if not path.is_file():  # a device or a pipe would be read for ever
        raise SecretUnreadableError(f"file:{name} is not a file that can be read.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadableError(f"file:{name} can't be read.") from error
