"""The admin's first page: what needs a person now, then today's numbers. Every query is bounded by an index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from conversions.models import Click, Conversion, Postback
from conversions.outcomes import GOOD, Outcome
from conversions.visitor import is_local_installation
from dispatch import clock, standing
from dispatch.models import Delivery
from dispatch.reasons import Reason
from dispatch.standing import LATE, Code, Standing
from dispatch.takeover import recent_takeovers
from dispatch.wording import at, deliveries, quoted
from offers.models import Network, Offer, Pixel
from offers.silence import in_hours, silent_for
from trackingsite.demo import DEMO_SLUG
from trackingsite.needs import Need, strange_pages

NAMES_SHOWN = 5
COUNTED_WAITING = 100_000
NEWEST_POSTBACKS = 20_000  # postbacks have no index by time; their ids grow with it
HARMLESS = [*GOOD, Outcome.RECEIVED]


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
    watched = [check for permission, check in CHECKS if may(permission)]
    needs = [need for check in watched for need in check(now, request)]
    context["needs"] = sorted(needs, key=lambda need: need.tone)  # bad before warn
    context["is_watching"] = bool(watched)
    context["figures"] = [figure for permission, count in COUNTS if may(permission) for figure in count(now)]
    context["quick_links"] = [(title, icon, reverse(name)) for right, title, icon, name in LINKS if may(right)]
    context["demo_link"] = demo_link() if may("offers.view_offer") else ""
    return context


def pixels_in_trouble(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Pixels that nothing or too little is sent to, and pixels of active offers without a credential."""
    may_rotate = request.user.has_perm("dispatch.rotate_credential")
    offers = Offer.objects.live().filter(pixel=OuterRef("pk")).exclude(tracking_mode=Offer.TrackingMode.PIXEL)
    pixels = standing.watched(Pixel.objects.annotate(is_needed=Exists(offers)), now)
    stands = [(pixel, standing.of(pixel, now)) for pixel in pixels]
    failing = [(pixel, found) for pixel, found in stands if found.code in (Code.FAILING, Code.PROBING)]
    yield from needs_of_outage(failing, now)
    for pixel, found in stands:
        if found.code in ASK_FOR and (found.code != Code.NO_CREDENTIAL or pixel.is_needed):
            yield need_of_pixel(pixel, found, may_rotate)
        elif is_too_slow(pixel, found, now):
            title = TOO_SLOW[Code(found.code)].format(pixel.name)
            yield Need("warn", title, found.words, own_page(pixel), "Look at the pixel")


ASK_FOR = {
    Code.REFUSED: ("TikTok refuses the credential of {}", "Rotate the credential"),
    Code.NO_CREDENTIAL: ("{} has no credential", "Add a credential"),
    Code.PAUSED: ("{} is paused", "Look at the pixel"),
}
TOO_SLOW = {Code.RESTING: "{} rests because TikTok asked", Code.SLOWED: "{} is slowed down because TikTok asked"}


def need_of_pixel(pixel: Pixel, found: Standing, may_rotate: bool) -> Need:
    """Something that ends when a person ends it."""
    title, do = ASK_FOR[Code(found.code)]
    is_rotation = may_rotate and found.code != Code.PAUSED
    link = reverse("admin:dispatch_credential_rotate", args=[pixel.pk]) if is_rotation else own_page(pixel)
    tone = "warn" if found.code == Code.PAUSED else "bad"
    return Need(tone, title.format(pixel.name), found.words, link, do)


def needs_of_outage(failing: list[tuple[Any, Standing]], now: datetime) -> Iterator[Need]:
    """One need however many pixels there are: when TikTok is away, it is so for all of them."""
    if not failing:
        return
    is_long = any(found.since and now - found.since > LATE for _, found in failing)
    tone = "bad" if is_long else "warn"
    if len(failing) == 1:
        pixel, found = failing[0]
        yield Need(tone, f"TikTok fails for {pixel.name}", found.words, own_page(pixel), "Look at the pixel")
        return
    names = ", ".join(pixel.name for pixel, _ in failing[:NAMES_SHOWN])
    more = f" and {len(failing) - NAMES_SHOWN} more" if len(failing) > NAMES_SHOWN else ""
    words = f"{names}{more}. Nothing is lost: what is to be sent waits, and probes find out when TikTok works again."
    yield Need(tone, f"TikTok fails for {len(failing)} pixels", words, page_of_pixels(), "Look at the pixels")


def is_too_slow(pixel: Any, found: Standing, now: datetime) -> bool:
    """Whether a rest or a slow pace has made conversions late, or will."""
    if found.code not in TOO_SLOW:
        return False
    ends_late = found.code == Code.RESTING and found.until is not None and found.until - now > LATE
    return ends_late or bool(pixel.due_since and now - pixel.due_since > LATE)


def own_page(pixel: Pixel) -> str:
    return reverse("admin:offers_pixel_change", args=[pixel.pk])


def page_of_pixels() -> str:
    return reverse("admin:offers_pixel_changelist")


def takeovers(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Refused credentials that another one has replaced by itself, until a person revokes them or a week is over."""
    may_rotate = request.user.has_perm("dispatch.rotate_credential")
    for takeover in recent_takeovers(now):
        pixel = takeover.successor.pixel
        successor, old = takeover.successor, " and ".join(f"…{row.last_four}" for row in takeover.refused)
        title = f"TikTok refused {old} of {pixel.name}; …{successor.last_four} took over"
        words = (
            f"It did so by itself at {at(successor.activated_at or now, now)}. TikTok had said: "
            f"{quoted(takeover.refused[0].last_refusal)} Revoke {old} and stage a new spare, which would take over the "
            "next time."
        )
        link = f"{reverse('admin:dispatch_credential_changelist')}?pixel__id__exact={pixel.pk}"
        link = reverse("admin:dispatch_credential_rotate", args=[pixel.pk]) if may_rotate else link
        yield Need("warn", title, words, link, "Look at the credentials")


def roughly(since: datetime) -> str:
    """How long ago, in one unit."""
    return timesince(since).partition(",")[0]


def dead_letters(now: datetime, request: HttpRequest) -> Iterator[Need]:
    counts = Delivery.objects.undecided_counts()
    for reason, count in counts.items():
        title = f"{count:,} dead letter{'' if count == 1 else 's'}: {Reason(reason).label}"
        link = f"{reverse('admin:dispatch_deadletter_changelist')}?reason={reason}"
        yield Need("bad", title, Reason(reason).advice, link, "Review them")


def missing_rates(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Currencies that conversions are held for until somebody enters a rate."""
    held = Delivery.objects.filter(status=Delivery.Status.HELD, is_test=False).exclude(lacks_rate="").order_by()
    may_add = request.user.has_perm("offers.add_exchangerate")
    for currency, count in held.values_list("lacks_rate").annotate(Count("pk")).order_by("lacks_rate"):
        title = f"{deliveries(count)} held: there is no exchange rate for {currency}"
        reason = f"{reverse('admin:dispatch_delivery_changelist')}?reason__exact={Reason.NO_RATE}"
        link = f"{reverse('admin:offers_exchangerate_add')}?currency={currency}" if may_add else reason
        yield Need("bad", title, Reason.NO_RATE.advice, link, "Add a rate" if may_add else "See what is held")


def postbacks(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Postbacks of the last day that led to nothing, by outcome."""
    newest = Postback.objects.order_by("-pk").values("pk")[:1]
    yesterday = now - timedelta(days=1)
    recent = Postback.objects.filter(pk__gt=Subquery(newest) - NEWEST_POSTBACKS, received_at__gt=yesterday)
    troubled = recent.exclude(is_test=True).exclude(outcome__in=HARMLESS).order_by()
    for outcome, count in troubled.values_list("outcome").annotate(count=Count("pk")).order_by("-count"):
        title = f"{count:,} postback{'' if count == 1 else 's'} in 24 hours: {Outcome(outcome).label}"
        is_word = outcome == Outcome.UNMAPPED_STATUS
        shown = f"{reverse('admin:conversions_postback_changelist')}?outcome__exact={outcome}"
        link = reverse("admin:conversions_postback_unmapped") if is_word else shown
        yield Need("warn", title, Outcome(outcome).advice, link, "Map the words" if is_word else "Look at them")


def silent_networks(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Networks that should have called by now: usually their postback URL is wrong, and sales are missing."""
    watched = Network.objects.live().filter(silence_hours__isnull=False)
    for network in watched:
        silence = silent_for(network, now)
        if silence is None:
            continue
        heard = f"It called last at {at(network.heard_at, now)}" if network.heard_at else "It has never called"
        words = (
            f"{heard}, and it may be silent for {in_hours(timedelta(hours=network.silence_hours or 0))}. Check the "
            "postback URL entered there; a test postback on the network's page shows whether this side works."
        )
        link = reverse("admin:offers_network_change", args=[network.pk])
        yield Need("warn", f"Nothing from {network} for {in_hours(silence)}", words, link, "Look at the network")


def stopped_workers(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Work that should have been done minutes ago. What a pause, a cap or TikTok keeps back is no sign of it."""
    pixels = standing.watched(Pixel.objects.all(), now)
    due_at = min((pixel.due_since for pixel in pixels if standing.of(pixel, now).code == Code.STALLED), default=None)
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


Check = Callable[[datetime, HttpRequest], Iterator[Need]]
CHECKS: list[tuple[str, Check]] = [
    ("offers.view_pixel", pixels_in_trouble),
    ("dispatch.view_delivery", stopped_workers),
    ("dispatch.view_credential", takeovers),
    ("conversions.view_postback", undigested),
    ("dispatch.view_deadletter", dead_letters),
    ("dispatch.view_delivery", missing_rates),
    ("conversions.view_postback", postbacks),
    ("offers.view_network", silent_networks),
    ("conversions.view_strangepage", strange_pages),
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
