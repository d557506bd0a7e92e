from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from conversions.outcomes import TROUBLED, UNJOINED, Outcome
from offers.encryption import SecretField
from offers.models import Network

FROM_FILE = "FILE"  # the method of what somebody uploaded
MATCH_SCHEDULE = [timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)]


class PostbackQuerySet(models.QuerySet["Postback"]):
    def due(self, now: datetime) -> "PostbackQuerySet":
        """Postbacks to digest now: new ones, and unmatched ones whose next try has come."""
        return self.filter(due_at__lte=now)

    def unmatched(self) -> "PostbackQuerySet":
        """Postbacks that still wait for their click."""
        return self.filter(outcome__in=UNJOINED, due_at__isnull=False)


class Postback(models.Model):
    """One raw call of a network, kept before anything else, with the outcome that it led to."""

    network = models.ForeignKey(Network, models.PROTECT, related_name="postbacks")
    received_at = models.DateTimeField("received")
    method = models.CharField(max_length=4)
    params = models.JSONField("parameters", default=dict, help_text="As sent; e-mail and phone are hidden.")
    raw_call = models.TextField(
        blank=True, help_text="The beginning of a call that could not be read: its query, then its body."
    )
    sealed_call = SecretField(
        blank=True,
        default="",
        db_default="",
        help_text="The whole call while its signature is refused, encrypted.",
    )
    remote_ip = models.GenericIPAddressField("from address", null=True)
    email_sha256 = models.CharField(max_length=64, blank=True)
    phone_sha256 = models.CharField(max_length=64, blank=True)

    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.RECEIVED)
    detail = models.CharField(max_length=500, blank=True)
    conversion = models.ForeignKey(
        "conversions.Conversion", models.SET_NULL, null=True, blank=True, related_name="postbacks"
    )
    click_ref = models.CharField("click id sent", max_length=100, blank=True)
    transaction_id = models.CharField(max_length=200, blank=True)
    status_word = models.CharField("status sent", max_length=60, blank=True, default="", db_default="")
    attached_to = models.CharField(
        "attached to click",
        max_length=26,
        blank=True,
        default="",
        db_default="",
        help_text="The click that a person gave it.",
    )
    leaves_out_macros = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A person has said to read it without the macros that the network did not replace.",
    )
    is_test = models.BooleanField(
        "test", default=False, db_default=False, help_text="Made by a test conversion: it counts nowhere."
    )
    due_at = models.DateTimeField("next try", null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    digested_at = models.DateTimeField(null=True, blank=True)

    objects = PostbackQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("replay_postback", "Can digest a postback again"),
            ("attach_postback", "Can attach a postback to a click by hand"),
        ]
        indexes = [
            # Used by PostbackQuerySet.due(), on every turn of the digest.
            models.Index(fields=["due_at"], name="postback_due", condition=Q(due_at__isnull=False)),
            # Used by the inbox and the list of unmapped statuses, which look for what led to nothing.
            models.Index(
                fields=["outcome", "network", "-id"], name="postback_troubled", condition=Q(outcome__in=TROUBLED)
            ),
            # Used by the admin's search and by whoever asks why a sale is missing.
            models.Index(fields=["click_ref"], name="postback_by_click", condition=~Q(click_ref="")),
            models.Index(fields=["transaction_id"], name="postback_by_transaction", condition=~Q(transaction_id="")),
            # Used by erasures, which find the calls that name a person.
            models.Index(fields=["email_sha256"], name="postback_by_email", condition=~Q(email_sha256="")),
            models.Index(fields=["phone_sha256"], name="postback_by_phone", condition=~Q(phone_sha256="")),
            # Used by the inbox's filter for tests.
            models.Index(fields=["-id"], name="postback_test", condition=Q(is_test=True)),
            # Used by the sums of what a network has sent in half an hour; keys alone do not say when it came.
            models.Index(fields=["network", "received_at"], name="postback_of_network_by_time"),
            # Used by retention, as far as addresses are still there.
            models.Index(fields=["id"], name="postback_with_address", condition=Q(remote_ip__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Postback {self.pk}"

    def settle(self, outcome: str, detail: str, now: datetime) -> None:
        """Write down what digesting led to; an unmatched one gets its next try. Does not save."""
        self.outcome, self.detail, self.digested_at = outcome, detail[:500], now
        is_lost = outcome in UNJOINED and (self.click_ref or self.transaction_id)
        self.due_at = self.next_try() if is_lost else None
        self.tries += 1

    def next_try(self) -> datetime | None:
        """When to look for the click again, counted from the arrival; None after the last try."""
        return self.received_at + MATCH_SCHEDULE[self.tries] if self.tries < len(MATCH_SCHEDULE) else None
