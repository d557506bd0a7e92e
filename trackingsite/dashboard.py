"""The admin's first page: what needs a person now, today's numbers, the decisions. No query grows with the tables."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from conversions.visitor import is_local_installation
from dispatch import clock
from dispatch.findings.current import current
from dispatch.findings.finding import PERMISSIONS
from dispatch.findings.pixels import grouped
from dispatch.models import Delivery
from dispatch.rollups.keeping import as_of
from offers.models import Offer
from trackingsite.demo import DEMO_SLUG
from trackingsite.spend import spend
from trackingsite.today import Figure, charts, days, figures

COUNTED_WAITING = 100_000


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `admin/index.html` shows, as far as the person may see it."""
    now = clock.now()
    may = request.user.has_perm
    context["title"] = "Overview"
    watched = {permission for permission in PERMISSIONS if may(permission)}
    shown = [each.seen_by(request.user) for each in current(now) if each.permission in watched] if watched else []
    context["needs"] = grouped(shown)
    context["is_watching"] = bool(watched)
    context.update(numbers(request, now))
    context["spend"] = spend(now) if may("dispatch.view_scaledecision") else None
    context["offers_link"] = reverse("admin:offers_offer_changelist")
    context["quick_links"] = [(title, icon, reverse(name)) for right, title, icon, name in LINKS if may(right)]
    context["demo_link"] = demo_link() if may("offers.view_offer") else ""
    return context


def numbers(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Today's, as far as the person may see them."""
    may, (today, yesterday) = request.user.has_perm, days(now)
    shown = [figure for permission, figure in figures(today, yesterday) if may(permission)]
    return {
        "figures": [*shown, *([waiting()] if may("dispatch.view_delivery") else [])],
        "charts": charts(today, yesterday) if may("dispatch.view_report") else [],
        "as_of": as_of(),
    }


def waiting() -> Figure:
    """What is still to be sent: the one number that is not of today, and counted where it is."""
    rows = Delivery.objects.filter(status=Delivery.Status.WAITING).order_by("pixel_id", "next_attempt_at")
    count = rows.values("pixel_id")[:COUNTED_WAITING].count()
    count -= rows.filter(is_test=True).count() if count < COUNTED_WAITING else 0
    note = "or more" if count >= COUNTED_WAITING else ""
    link = f"{reverse('admin:dispatch_delivery_changelist')}?status__exact=waiting"
    return Figure("Waiting to be sent", f"{count:,}", link, note)


def demo_link() -> str:
    """The seeded offer's tracking link, on a local installation that has it."""
    if not is_local_installation() or not Offer.objects.live().filter(slug=DEMO_SLUG).exists():
        return ""
    return f"{settings.PUBLIC_BASE_URL}{reverse('tracking_link', args=[DEMO_SLUG])}?ttclid=demo-{timezone.now():%H%M%S}"


LINKS = [
    ("offers.add_offer", "Add an offer", "add", "admin:offers_offer_add"),
    ("conversions.view_conversion", "Conversions", "paid", "admin:conversions_conversion_changelist"),
    ("conversions.view_postback", "Postbacks", "inbox", "admin:conversions_postback_changelist"),
    ("dispatch.view_deadletter", "Dead letters", "report", "admin:dispatch_deadletter_changelist"),
    ("dispatch.rotate_credential", "Rotate a credential", "autorenew", "admin:dispatch_credential_rotate_start"),
    ("auth.view_user", "Users", "person", "admin:auth_user_changelist"),
]
