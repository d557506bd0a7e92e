"""The admin's first page: what needs a person now, then today's numbers. Every query is bounded by an index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from conversions.models import Click, Conversion, Postback
from conversions.outcomes import GOOD, Outcome
from dispatch.models import Credential, Delivery
from dispatch.reasons import Reason
from dispatch.sending import pixels_with_work
from dispatch.tiktok.payload import is_local_installation
from offers.models import Offer, Pixel
from trackingsite.demo import DEMO_SLUG

LATE = timedelta(minutes=5)
NEWEST_POSTBACKS = 20_000  # postbacks have no index by time; their ids grow with it
HARMLESS = [*GOOD, Outcome.RECEIVED]


@dataclass(frozen=True)
class Need:
    """One thing that waits for a person; `tone` is bad when money stands still, else warn."""

    tone: str
    title: str
    words: str
    link: str
    do: str


@dataclass(frozen=True)
class Figure:
    name: str
    value: int
    link: str
    note: str = ""


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `admin/index.html` shows, as far as the person may see it."""
    now = timezone.now()
    may = request.user.has_perm
    context["title"] = "Overview"
    watched = [check for permission, check in CHECKS if may(permission)]
    needs = [need for check in watched for need in check(now, request)]
    context["needs"] = sorted(needs, key=lambda need: need.tone)  # bad before warn
    context["is_watching"] = bool(watched)
    context["figures"] = [figure for permission, count in COUNTS if may(permission) for figure in count(now)]
    context["quick_links"] = [(title, icon, reverse(name)) for right, title, icon, name in LINKS if may(right)]
    context["demo_link"] = demo_link() if may("offers.view_offer") else ""
    return context


def pixels_in_trouble(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Paused pixels, and pixels of active offers without a credential."""
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    offers = Offer.objects.live().filter(pixel=OuterRef("pk")).exclude(tracking_mode=Offer.TrackingMode.PIXEL)
    pixels = Pixel.objects.annotate(has_credential=Exists(usable), is_needed=Exists(offers))
    for pixel in pixels.filter(~Q(paused_by=Pixel.PausedBy.NOBODY) | Q(has_credential=False, is_needed=True)):
        yield need_of_pixel(pixel, request.user.has_perm("dispatch.rotate_credential"))


def need_of_pixel(pixel: Any, may_rotate: bool) -> Need:
    """`pixel` carries `has_credential`."""
    page = reverse("admin:offers_pixel_change", args=[pixel.pk])
    rotate = reverse("admin:dispatch_credential_rotate", args=[pixel.pk]) if may_rotate else page
    since = f" for {roughly(pixel.paused_at)}" if pixel.paused_at else ""
    if pixel.paused_by == Pixel.PausedBy.AUTH:
        words = f"Nothing is sent to it{since}. TikTok said: “{pixel.paused_reason}” The queue is kept."
        return Need("bad", f"TikTok refuses the credential of {pixel.name}", words, rotate, "Rotate the credential")
    if not pixel.has_credential:
        words = "Its deliveries wait until a token is pasted, tested and promoted."
        return Need("bad", f"{pixel.name} has no credential", words, rotate, "Add a credential")
    words = f"Paused by staff{since}. {pixel.paused_reason}"
    return Need("warn", f"{pixel.name} is paused", words, page, "Look at the pixel")


def roughly(since: datetime) -> str:
    """How long ago, in one unit."""
    return timesince(since).partition(",")[0]


def dead_letters(now: datetime, request: HttpRequest) -> Iterator[Need]:
    counts = Delivery.objects.undecided_counts()
    for reason, count in counts.items():
        title = f"{count:,} dead letter{'' if count == 1 else 's'}: {Reason(reason).label}"
        link = f"{reverse('admin:dispatch_deadletter_changelist')}?reason={reason}"
        yield Need("bad", title, Reason(reason).advice, link, "Review them")


def postbacks(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Postbacks of the last day that led to nothing, by outcome."""
    newest = Postback.objects.order_by("-pk").values("pk")[:1]
    yesterday = now - timedelta(days=1)
    recent = Postback.objects.filter(pk__gt=Subquery(newest) - NEWEST_POSTBACKS, received_at__gt=yesterday)
    troubled = recent.exclude(outcome__in=HARMLESS).order_by().values_list("outcome").annotate(count=Count("pk"))
    for outcome, count in troubled.order_by("-count"):
        title = f"{count:,} postback{'' if count == 1 else 's'} in 24 hours: {Outcome(outcome).label}"
        link = f"{reverse('admin:conversions_postback_changelist')}?outcome__exact={outcome}"
        yield Need("warn", title, Outcome(outcome).advice, link, "Look at them")


def stopped_workers(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Work that should have been done minutes ago. What waits for a paused pixel is no sign of it."""
    sendable = pixels_with_work(now - LATE).values("pk")
    late = Delivery.objects.due(now - LATE).filter(pixel__in=sendable).order_by("next_attempt_at")
    due_at = late.values_list("next_attempt_at", flat=True).first()
    if due_at:
        words = (
            f"The oldest delivery has been due for {roughly(due_at)}. The workers may be stopped, or busy with "
            "a long queue. Start them with: manage.py run_workers"
        )
        link = f"{reverse('admin:dispatch_delivery_changelist')}?status__exact=waiting"
        yield Need("bad", "Deliveries are late", words, link, "See what waits")


def undigested(now: datetime, request: HttpRequest) -> Iterator[Need]:
    due_at = Postback.objects.due(now - LATE).order_by("due_at").values_list("due_at", flat=True).first()
    if due_at:
        words = f"The oldest postback has waited for {roughly(due_at)}. The workers may be stopped."
        link = reverse("admin:conversions_postback_changelist")
        yield Need("bad", "Postbacks are not digested", words, link, "See the postbacks")


def midnight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def in_words(counts: dict[str, int], labels: list[tuple[str, str]]) -> str:
    return " · ".join(f"{label} {counts[value]:,}" for value, label in labels if value in counts)


def clicks_today(now: datetime) -> Iterator[Figure]:
    count = Click.objects.filter(created_at__gte=midnight(now)).count()
    yield Figure("Clicks today", count, reverse("admin:conversions_click_changelist"))


def conversions_today(now: datetime) -> Iterator[Figure]:
    today = Conversion.objects.filter(created_at__gte=midnight(now)).order_by()
    counts = dict(today.values_list("status").annotate(Count("pk")))
    link = reverse("admin:conversions_conversion_changelist")
    yield Figure("Conversions today", sum(counts.values()), link, in_words(counts, Conversion.Status.choices))


def told_today(now: datetime) -> Iterator[Figure]:
    """Of today's conversions, so that the newest part of two indexes is all that is read."""
    today = Delivery.objects.filter(conversion__created_at__gte=midnight(now)).order_by()
    counts = dict(today.values_list("status").annotate(Count("pk")))
    link = reverse("admin:dispatch_delivery_changelist")
    accepted = counts.pop(Delivery.Status.ACCEPTED, 0)
    note = in_words(counts, Delivery.Status.choices)
    yield Figure("Of these accepted by TikTok", accepted, f"{link}?status__exact=accepted", note)


def waiting(now: datetime) -> Iterator[Figure]:
    count = Delivery.objects.filter(status=Delivery.Status.WAITING).count()
    yield Figure("Waiting to be sent", count, f"{reverse('admin:dispatch_delivery_changelist')}?status__exact=waiting")


def demo_link() -> str:
    """The seeded offer's tracking link, on a local installation that has it."""
    if not is_local_installation() or not Offer.objects.live().filter(slug=DEMO_SLUG).exists():
        return ""
    return f"{settings.PUBLIC_BASE_URL}{reverse('tracking_link', args=[DEMO_SLUG])}?ttclid=demo-{timezone.now():%H%M%S}"


Check = Callable[[datetime, HttpRequest], Iterator[Need]]
CHECKS: list[tuple[str, Check]] = [
    ("offers.view_pixel", pixels_in_trouble),
    ("dispatch.view_delivery", stopped_workers),
    ("conversions.view_postback", undigested),
    ("dispatch.view_deadletter", dead_letters),
    ("conversions.view_postback", postbacks),
]
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
