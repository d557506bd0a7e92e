from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from conversions.models import Conversion
from dispatch.models.stale_slot import StaleSlot
from dispatch.money import in_words
from dispatch.reasons import Reason
from dispatch.valuing import in_words as valued_in_words
from offers.models import Pixel

DEDUP_WINDOW = timedelta(hours=48)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> "DeliveryQuerySet":
        """Deliveries to send now; their pixel may still be paused."""
        return self.filter(status=Delivery.Status.WAITING, next_attempt_at__lte=now)

    def expired(self, now: datetime) -> "DeliveryQuerySet":
        """Deliveries whose worker died or hung: nobody will settle them."""
        return self.filter(status=Delivery.Status.LEASED, lease_until__lt=now)

    def dead(self) -> "DeliveryQuerySet":
        """What automation gave up on, tests included."""
        return self.filter(status=Delivery.Status.DEAD)

    def undecided(self) -> "DeliveryQuerySet":
        """Dead letters in the wide sense: a person decides. Held ones of unknown outcome belong to them, no tests."""
        return self.filter(UNDECIDED)

    def undecided_because(self, reason: str) -> "DeliveryQuerySet":
        """Undecided deliveries of one reason, found by an index; automation holds those of unknown outcome."""
        held = reason == Reason.OUTCOME_UNKNOWN
        return self.filter(status=Delivery.Status.HELD if held else Delivery.Status.DEAD, reason=reason, is_test=False)

    def lacking_rate(self, currencies: Iterable[str]) -> "DeliveryQuerySet":
        """Deliveries held because there was no exchange rate for one of these currencies."""
        return self.filter(status=Delivery.Status.HELD, lacks_rate__in=currencies).exclude(lacks_rate="")

    def held_for(self, reason: str) -> "DeliveryQuerySet":
        """Deliveries that are held for this reason, the oldest first."""
        return self.filter(status=Delivery.Status.HELD, reason=reason).order_by("pk")

    def undecided_counts(self) -> dict[str, int]:
        """How many undecided deliveries there are of each reason, the most frequent first."""
        rows, reason = self.order_by(), Reason.OUTCOME_UNKNOWN
        counts = counted(rows.dead()) - counted(rows.dead().filter(is_test=True))  # both are told by an index alone
        counts += counted(rows.undecided_because(reason))
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def requeue(self, user: Any, now: datetime, spread_seconds: int = 0) -> int:
        """Send undecided deliveries again under their old event_id, now or spread over the seconds to come.

        Returns how many there were until now. The status guard makes a second call, by whomever, change nothing.
        """
        rows = self.still_undecided()
        with transaction.atomic():
            StaleSlot.objects.mark_deliveries(rows)
            # Whoever sends past TikTok's window has decided that no earlier copy arrived: the window starts anew.
            rows.filter(maybe_accepted=True, first_sent_at__lt=now - DEDUP_WINDOW).update(
                maybe_accepted=False, first_sent_at=None
            )
            return rows.update(
                status=Delivery.Status.WAITING,
                reason="",
                next_attempt_at=spread(now, spread_seconds) if spread_seconds else now,
                attempts=0,
                claims=0,
                batch_limit=None,
                decided_by=user,
                decided_at=now,
                decision="Re-queued",
            )

    def discard(self, user: Any, reason: str, now: datetime) -> int:
        """Give undecided deliveries up for good, with the reason; how many were undecided until now."""
        rows = self.still_undecided()
        with transaction.atomic():
            StaleSlot.objects.mark_deliveries(rows)
            return rows.update(
                status=Delivery.Status.DISCARDED,
                decided_by=user,
                decided_at=now,
                decision=f"Discarded: {reason}"[:300],
            )

    def still_undecided(self) -> "DeliveryQuerySet":
        """The undecided of these, to be changed, with the guard where PostgreSQL asks it again of a row it waited for.

        An UPDATE over a join would have it in a subquery, whose answer stands once it was given.
        """
        return Delivery.objects.filter(UNDECIDED, pk__in=self.order_by().values("pk"))


UNDECIDED = (Q(status="dead") | Q(status="held", reason=Reason.OUTCOME_UNKNOWN)) & Q(is_test=False)


def counted(rows: DeliveryQuerySet) -> Counter[str]:
    """How many there are of each reason."""
    return Counter(dict(rows.values_list("reason").annotate(models.Count("pk"))))


def spread(start: datetime, seconds: int) -> models.expressions.Combinable:
    """A time for each row of an UPDATE, within so many seconds from `start`, so that a big queue starts gently."""
    second = models.Value(timedelta(seconds=1), models.DurationField())
    place = models.ExpressionWrapper(models.F("id") % seconds, models.IntegerField())
    wait = models.ExpressionWrapper(place * second, models.DurationField())
    begin = models.Value(start, models.DateTimeField())
    return models.ExpressionWrapper(begin + wait, models.DateTimeField())


class Delivery(models.Model):
    """The promise to tell one pixel one conversion."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        LEASED = "leased", "Being sent"
        ACCEPTED = "accepted", "Accepted"
        HELD = "held", "Held"
        SUPPRESSED = "suppressed", "Not to be sent"
        DEAD = "dead", "Dead letter"
        DISCARDED = "discarded", "Discarded"

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="deliveries")
    pixel = models.ForeignKey(Pixel, models.PROTECT, related_name="deliveries")
    event_name = models.CharField("event", max_length=50)
    event_id = models.UUIDField("event_id")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    detail = models.CharField(max_length=500, blank=True)

    lacks_rate = models.CharField(
        max_length=3, blank=True, default="", db_default="", help_text="The currency that it is held for, with no rate."
    )
    converted = models.JSONField(
        null=True, blank=True, help_text="What the network sent and the rate by which it is told to TikTok."
    )

    valued = models.JSONField(
        null=True, blank=True, help_text="What replaced the value by the event rule, and what it was before."
    )
    is_test = models.BooleanField(
        "test", default=False, db_default=False, help_text="Sent with the pixel's test event code: it counts nowhere."
    )

    next_attempt_at = models.DateTimeField("next attempt", null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Tries whose outcome is on record.")
    claims = models.PositiveSmallIntegerField(default=0, help_text="Times a worker has taken it.")
    batch_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="The most deliveries that may travel with it: halved when TikTok refuses a request, 1 when a worker "
        "died with it.",
    )
    first_sent_at = models.DateTimeField("first sent", null=True, blank=True)
    accepted_at = models.DateTimeField("accepted", null=True, blank=True)
    maybe_accepted = models.BooleanField(
        "outcome unknown",
        default=False,
        help_text="An earlier try may have reached TikTok without an answer.",
    )
    created_at = models.DateTimeField("planned")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        permissions = [("export_delivery", "Can export deliveries")]
        constraints = [
            # TikTok's own deduplication key: one event is promised once.
            models.UniqueConstraint(fields=["pixel", "event_name", "event_id"], name="one_delivery_per_event"),
        ]
        indexes = [
            # Used by DeliveryQuerySet.due(), for each pixel on every turn of the sender. With the status in it SQLite
            # counts a long queue without reading its rows.
            models.Index(
                fields=["pixel", "next_attempt_at", "status"],
                name="delivery_due_by_pixel",
                condition=Q(status="waiting"),
            ),
            # Used by DeliveryQuerySet.expired(), on every sweep.
            models.Index(fields=["lease_until"], name="delivery_leased", condition=Q(status="leased")),
            # Used by the dead-letter review and its filters.
            models.Index(fields=["reason", "-id"], name="delivery_dead", condition=Q(status="dead")),
            # Used by the release of what waits for consent or credentials.
            models.Index(fields=["reason", "pixel"], name="delivery_held", condition=Q(status="held")),
            # Used by the sweep over what waits for consent, DeliveryQuerySet.held_for(), the oldest first.
            models.Index(fields=["reason", "id"], name="delivery_held_in_order", condition=Q(status="held")),
            # Used by the list's filter for tests, and by what counts deliveries without reading them.
            models.Index(fields=["status", "-id"], name="delivery_test", condition=Q(is_test=True)),
            # Used by the release of what waits for an exchange rate.
            models.Index(
                fields=["lacks_rate"], name="delivery_without_rate", condition=Q(status="held") & ~Q(lacks_rate="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} {self.event_id} → {self.pixel.code}"

    @property
    def advice(self) -> str:
        """What to do about the delivery's reason; empty when there is none."""
        return Reason(self.reason).advice if self.reason else ""

    @property
    def conversion_of_money(self) -> str:
        """What the network sent, what TikTok is told, and by which rate; empty when it is told as it was sent."""
        return in_words(self.converted) if self.converted else ""

    @property
    def value_in_words(self) -> str:
        """What replaced the value by the event rule, or why it did not; empty when nothing was to."""
        may_know = bool(self.accepted_at or self.maybe_accepted)
        is_going = self.status in (self.Status.WAITING, self.Status.LEASED)
        verb = "Told" if may_know else "It will tell" if is_going else "It would tell"
        return valued_in_words(self.valued, verb) if self.valued else ""

    def could_double(self, now: datetime) -> bool:
        """Whether sending again could count twice: TikTok merges copies of one event for 48 hours only."""
        return bool(self.maybe_accepted and self.first_sent_at and self.first_sent_at + DEDUP_WINDOW < now)


class DeadLetter(Delivery):
    """A Delivery that automation gave up on; the same row, looked at by a person."""

    class Meta:
        proxy = True
        verbose_name = "dead letter"
        permissions = [
            ("requeue_deadletter", "Can send dead letters again"),
            ("discard_deadletter", "Can discard dead letters"),
        ]
