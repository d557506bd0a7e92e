"""The admin's first page: what needs a person now, then today's numbers. Every query is bounded by an index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from conversions.models import Click, Conversion
from conversions.visitor import is_local_installation
from dispatch import clock
from dispatch.findings.current import current
from dispatch.findings.finding import PERMISSIONS
from dispatch.findings.pixels import grouped
from dispatch.models import Delivery
from offers.models import Offer
from trackingsite.demo import DEMO_SLUG

COUNTED_WAITING = 100_000


@dataclass(frozen=True)
class Figure:
    name: str
    value: int
    link: str
    note: str = ""

    @property
    def shown(self) -> str:
        return f"{self.value:,}"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `admin/index.html` shows, as far as the person may see it."""
    now = clock.now()
    may = request.user.has_perm
    context["title"] = "Overview"
    watched = {permission for permission in PERMISSIONS if may(permission)}
    shown = [each.seen_by(request.user) for each in current(now) if each.permission in watched] if watched else []
    context["needs"] = grouped(shown)
    context["is_watching"] = bool(watched)
    context["figures"] = [figure for permission, count in COUNTS if may(permission) for figure in count(now)]
    context["quick_links"] = [(title, icon, reverse(name)) for right, title, icon, name in LINKS if may(right)]
    context["demo_link"] = demo_link() if may("offers.view_offer") else ""
    return context


def midnight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def in_words(counts: dict[str, int], labels: list[tuple[str, str]]) -> str:
    return " · ".join(f"{label} {counts[value]:,}" for value, label in labels if value in counts)


def clicks_today(now: datetime) -> Iterator[Figure]:
    today = Click.objects.filter(created_at__gte=midnight(now))
    count = today.count() - today.filter(is_test=True).count()  # each is told by an index alone
    yield Figure("Clicks today", count, reverse("admin:conversions_click_changelist"))


def conversions_today(now: datetime) -> Iterator[Figure]:
    today = Conversion.objects.filter(created_at__gte=midnight(now), is_test=False).order_by()
    counts = dict(today.values_list("status").annotate(Count("pk")))
    link = reverse("admin:conversions_conversion_changelist")
    yield Figure("Conversions today", sum(counts.values()), link, in_words(counts, Conversion.Status.choices))


def told_today(now: datetime) -> Iterator[Figure]:
    """Of today's conversions, so that the newest part of two indexes is all that is read."""
    today = Delivery.objects.filter(conversion__created_at__gte=midnight(now), is_test=False).order_by()
    counts = dict(today.values_list("status").annotate(Count("pk")))
    link = reverse("admin:dispatch_delivery_changelist")
    accepted = counts.pop(Delivery.Status.ACCEPTED, 0)
    note = in_words(counts, Delivery.Status.choices)
    yield Figure("Of these accepted by TikTok", accepted, f"{link}?status__exact=accepted", note)


def waiting(now: datetime) -> Iterator[Figure]:
    rows = Delivery.objects.filter(status=Delivery.Status.WAITING).order_by("pixel_id", "next_attempt_at")
    count = rows.values("pixel_id")[:COUNTED_WAITING].count()
    count -= rows.filter(is_test=True).count() if count < COUNTED_WAITING else 0
    note = "or more" if count >= COUNTED_WAITING else ""
    link = f"{reverse('admin:dispatch_delivery_changelist')}?status__exact=waiting"
    yield Figure("Waiting to be sent", count, link, note)


def demo_link() -> str:
    """The seeded offer's tracking link, on a local installation that has it."""
    if not is_local_installation() or not Offer.objects.live().filter(slug=DEMO_SLUG).exists():
        return ""
    return f"{settings.PUBLIC_BASE_URL}{reverse('tracking_link', args=[DEMO_SLUG])}?ttclid=demo-{timezone.now():%H%M%S}"


COUNTS: list[tuple[str, Callable[[datetime], Iterator[Figure]]]] = [
    ("conversions.view_click", clicks_today),
    ("conversions.view_conversion", conversions_today),
    ("dispatch.view_delivery", told_today),
    ("dispatch.view_delivery", waiting),
]
LINKS = [
    ("offers.add_offer", "Add an offer", "add", "admin:offers_offer_add"),
    ("conversions.view_conversion", "Conversions", "paid", "admin:conversions_conversion_changelist"),
    ("conversions.view_postback", "Postbacks", "inbox", "admin:conversions_postback_changelist"),
    ("dispatch.view_deadletter", "Dead letters", "report", "admin:dispatch_deadletter_changelist"),
    ("dispatch.rotate_credential", "Rotate a credential", "autorenew", "admin:dispatch_credential_rotate_start"),
    ("auth.view_user", "Users", "person", "admin:auth_user_changelist"),
]
