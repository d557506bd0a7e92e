"""What the checks look at, read once for all of them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum
from django.urls import reverse

from conversions.outcomes import Outcome
from dispatch import standing
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.findings.limits import DAY, GAP_SPAN, LATELY, OLD_ENOUGH, VOLUME_DAYS
from dispatch.health.figures import Figures
from dispatch.health.reading import figures
from dispatch.models import NetworkSlot, OfferSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups.slots import slot_of
from dispatch.standing import Standing
from offers.models import Network, Offer, Pixel

SCOPES = {Offer: Scope.OFFER, Network: Scope.NETWORK, Pixel: Scope.PIXEL}
Subject = Offer | Network | Pixel


class Sight:
    """The site at one moment; everything is read when it is first asked for."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    @cached_property
    def offers(self) -> dict[int, Offer]:
        """The active offers."""
        return {offer.pk: offer for offer in Offer.objects.live().select_related("network", "pixel")}

    @cached_property
    def pixels(self) -> list[tuple[Any, Standing]]:
        """Every pixel, with how sending to it stands, and whether an active offer needs its credential."""
        offers = Offer.objects.live().filter(pixel=OuterRef("pk")).exclude(tracking_mode=Offer.TrackingMode.PIXEL)
        rows = standing.watched(Pixel.objects.annotate(is_needed=Exists(offers)), self.now)
        return [(pixel, standing.of(pixel, self.now)) for pixel in rows]

    @cached_property
    def day(self) -> dict[int, Figures]:
        """What the last 24 hours add up to, by offer; of inactive offers, too."""
        return figures(Scope.OFFER, self.now - DAY, self.now)

    @cached_property
    def lately(self) -> dict[int, Figures]:
        """The same of the last hours."""
        return figures(Scope.OFFER, self.now - LATELY, self.now)

    @cached_property
    def reported(self) -> dict[int, Figures]:
        """What pages told of on days that are long enough ago for the network to have reported it; one query."""
        since, until = slot_of(self.now - OLD_ENOUGH - GAP_SPAN), self.now - OLD_ENOUGH
        slots = OfferSlot.objects.filter(starts_at__gte=since, starts_at__lt=until, expected__gt=0).order_by()
        rows = slots.values_list("offer_id").annotate(Sum("expected"), missing=Sum("unreported"))
        return {key: Figures(expected=expected, unreported=missing) for key, expected, missing in rows}

    @cached_property
    def postbacks(self) -> tuple[dict[int, Counter[str]], dict[int, Counter[str]]]:
        """Those of the last day and of the last hours, by network and outcome; one query."""
        recent = Sum("postbacks", filter=Q(starts_at__gte=slot_of(self.now - LATELY)), default=0)
        slots = NetworkSlot.objects.filter(starts_at__gte=slot_of(self.now - DAY), starts_at__lt=self.now)
        rows = slots.exclude(outcome=Outcome.RECEIVED).order_by().values_list("network_id", "outcome")
        day: dict[int, Counter[str]] = defaultdict(Counter)
        lately: dict[int, Counter[str]] = defaultdict(Counter)
        for network, outcome, count, new in rows.annotate(all=Sum("postbacks"), recent=recent):
            day[network][outcome], lately[network][outcome] = count, new
        return day, lately


def found(code: Code, subject: Subject | None, tone: str, title: str, words: str, **more: Any) -> Finding:
    """A finding about a row, or about the site; it leads to the row's page unless `link` and `do` say otherwise."""
    scope = SCOPES[type(subject)] if subject else Scope.SITE
    name = str(getattr(subject, "name", "")) or "The site"
    if "link" not in more and subject is not None:
        more = {"link": own_page(subject), "do": f"Look at the {scope.value}", **more}
    key = subject.pk if subject else None
    return Finding(code, scope, key, name, tone, title, words, **more)


def same_hours(ends_at: datetime, span: timedelta) -> dict[datetime, int]:
    """The half-hours of the span that ends then, and of each day before: of which day they are, 0 the last."""
    slots = range(1, int(span / SLOT) + 1)
    days = range(VOLUME_DAYS + 1)
    return {ends_at - timedelta(days=day) - number * SLOT: day for day in days for number in slots}


def own_page(subject: Subject) -> str:
    """The admin's page of a row."""
    return reverse(f"admin:{subject._meta.app_label}_{subject._meta.model_name}_change", args=[subject.pk])


def list_page(name: str, query: Mapping[str, object] | None = None) -> str:
    """A list of the admin, filtered."""
    return reverse(f"admin:{name}_changelist", query=query)


def health_page(offer: Offer) -> str:
    """The offer's figures."""
    return reverse("admin:conversions_conversion_health_of", args=["offer", offer.pk])
