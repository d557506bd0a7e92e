"""What the app that sends adds to the pixels' pages: how sending stands, how fast it is, and probing."""

import math
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.views import ChangeList

from conversions.wake import enqueue
from dispatch import clock, rates, standing
from dispatch.models import Credential, Delivery, Lane
from dispatch.models.lane import GENTLE_PACE, PACE_DOUBLES_IN, PROBE_EVENTS
from dispatch.standing import Code, Standing
from dispatch.tasks import DELIVER
from dispatch.wording import at, deliveries, in_words, share
from offers.admin.pixel import FIELDSETS, PixelAdmin
from offers.admin_parts import admin_link, badge, link, moment
from offers.models import Pixel

WAITING, LEASED = Delivery.Status.WAITING, Delivery.Status.LEASED
RAMP = PACE_DOUBLES_IN * math.log2(1 / GENTLE_PACE)
HOW_FAST, CAPS = FIELDSETS[-1]
NO_PROBE = {
    True: "A probe is due or under way already. Load this page again in a few seconds.",
    False: "There is nothing to probe: requests of this pixel do not fail.",
}
admin.site.unregister(Pixel)


class StandingFilter(DropdownFilter):  # type: ignore[misc]
    title = "sending"
    parameter_name = "sending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Code.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Asked of every pixel in turn, as the list does: there are few of them, and so the two always agree."""
        if not self.value():
            return queryset
        now = clock.now()
        return queryset.filter(pk__in=[row.pk for row in queryset if standing.of(row, now).code == self.value()])


class PixelList(ChangeList):  # type: ignore[misc]
    """A list whose rows know how they stand, all at the same moment."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        now = clock.now()
        for pixel in self.result_list:
            pixel.standing = standing.of(pixel, now)


@admin.register(Pixel)
class SendingPixelAdmin(PixelAdmin):
    class Media:
        css = {"all": ["dispatch/admin.css"]}

    list_display = [*PixelAdmin.list_display, "standing_badge", "since", "until"]
    list_filter: list[Any] = [*PixelAdmin.list_filter, StandingFilter]
    readonly_fields = ["rate_now"]
    fieldsets = [*FIELDSETS[:-1], (HOW_FAST, {**CAPS, "fields": [*CAPS["fields"], "rate_now"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return standing.watched(super().get_queryset(request), clock.now())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PixelList]:
        return PixelList

    def get_urls(self) -> list[URLPattern]:
        probe = path("<path:object_id>/probe/", self.admin_site.admin_view(self.probe_view), name="offers_pixel_probe")
        return [probe, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        pixel: Any = kwargs.get("obj")
        if pixel:
            now = clock.now()
            due = standing.number_of(Delivery.objects.due(now).filter(pixel=pixel))
            found = standing.of(pixel, now, due)
            context["standing"], context["standing_badge"] = found, badge(found.title, found.tone)
            context["standing_facts"] = facts_of(pixel, request, due, now)
            context["standing_links"] = links_of(pixel, request, found)
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    @admin.display(description="sending")
    def standing_badge(self, pixel: Any) -> SafeString:
        return badge(pixel.standing.title, pixel.standing.tone)

    @admin.display(description="since (UTC)")
    def since(self, pixel: Any) -> str:
        return moment(pixel.standing.since)

    @admin.display(description="until (UTC)")
    def until(self, pixel: Any) -> str:
        return moment(pixel.standing.until)

    @admin.display(description="in force now")
    def rate_now(self, pixel: Pixel) -> str:
        """By the caps and the pace; whether anything is sent at all stands on top of the page."""
        if pixel.pk is None:
            return "–"
        now = clock.now()
        words = rates.rate_in_words(standing.lane_of(pixel), now)
        if standing.of(pixel, now).is_still:
            return f"Nothing is sent now, as said above; otherwise {words[0].lower()}{words[1:]}"
        return words

    def now(self) -> datetime:
        return clock.now()

    def facts(self, pixel: Pixel) -> dict[str, Any]:
        gently = f"Sending starts gently, at {share(GENTLE_PACE)} of full speed"
        start = f"{gently}, and reaches full speed in about {in_words(RAMP)}."
        own = Delivery.objects.filter(pixel=pixel)
        waiting, leased = (standing.number_of(own.filter(status=status)) for status in (WAITING, LEASED))
        return {"waiting": deliveries(waiting), "under_way": deliveries(leased), "start": start}

    def probe_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        pixel = self.pixel_to_change(request, object_id)
        if pixel is None:
            return self.back_to(pixel)
        now = clock.now()
        found = standing.of(pixel, now)
        if found.code != Code.FAILING:
            self.message_user(request, NO_PROBE[found.code == Code.PROBING], messages.WARNING)
        elif request.method == "POST":
            self.probe(request, pixel, now)
        else:
            pause = in_words(pixel.lane.next_pause)
            facts = {**self.facts(pixel), "standing": found, "probe_events": PROBE_EVENTS, "pause": pause}
            return self.guided_page(request, pixel, f"Probe {pixel.name} now", page="probe", **facts)
        return self.back_to(pixel)

    def probe(self, request: HttpRequest, pixel: Any, now: datetime) -> None:
        with transaction.atomic():
            hastened = Lane.objects.probe_now(pixel.lane, now)
            if hastened:
                self.log_change(request, pixel, "Asked for a probe at once.")
        if not hastened:
            self.message_user(request, "Another probe came first; look at what it found.", messages.WARNING)
            return
        enqueue(DELIVER)
        words = "The next probe goes out at once, if anything is due. Load this page again in a few seconds."
        self.message_user(request, words, messages.SUCCESS)


def facts_of(pixel: Any, request: HttpRequest, due: int, now: datetime) -> list[tuple[str, str | SafeString]]:
    """What waits, and which token is in use."""
    may_see = request.user.has_perm("dispatch.view_delivery")
    own = Delivery.objects.filter(pixel=pixel)
    numbers = [
        ("Due now", WAITING, due),
        ("For a later try", WAITING, standing.number_of(own.filter(status=WAITING, next_attempt_at__gt=now))),
        ("Being sent", LEASED, standing.number_of(own.filter(status=LEASED))),
    ]
    rows = [(name, linked(pixel, status, count, may_see)) for name, status, count in numbers]
    return [*rows, ("Token in use", token_of(pixel, request.user.has_perm("dispatch.view_credential"), now))]


def linked(pixel: Pixel, status: str, count: int, may_see: bool) -> str | SafeString:
    url = f"{reverse('admin:dispatch_delivery_changelist')}?status__exact={status}&pixel__id__exact={pixel.pk}"
    words = deliveries(count)
    return link(url, words) if may_see and count else words


def token_of(pixel: Pixel, may_see: bool, now: datetime) -> str | SafeString:
    """The credential that the next request is sent with, and when TikTok last took it."""
    credential = Credential.objects.usable().filter(pixel=pixel).select_related("pixel").first()
    if credential is None:
        return "none"
    name = f"…{credential.last_four}" if credential.last_four else credential.reference
    return format_html("{}, {}", admin_link(credential, name) if may_see else name, said_of(credential, now))


def said_of(credential: Credential, now: datetime) -> str:
    if credential.is_refused and credential.last_refused_at:
        return f"refused at {at(credential.last_refused_at, now)}"
    by_itself = "took over by itself, " if credential.activated_because else ""
    if credential.last_ok_at is None:
        return f"{by_itself}not accepted so far"
    return f"{by_itself}last accepted at {at(credential.last_ok_at, now)}"


def links_of(pixel: Pixel, request: HttpRequest, found: Standing) -> list[tuple[str, str]]:
    """Where this person can go from here: the steps that make sense now, and the pixel's credentials."""
    step = ("offers_pixel_resume", "Resume …") if pixel.paused_by else ("offers_pixel_pause", "Pause …")
    credentials = f"{reverse('admin:dispatch_credential_changelist')}?pixel__id__exact={pixel.pk}"
    health = reverse("admin:conversions_conversion_health_of", args=["pixel", pixel.pk])
    links = [
        ("offers.pause_pixel", own(pixel, "offers_pixel_probe"), "Probe now …", found.code == Code.FAILING),
        ("offers.pause_pixel", own(pixel, step[0]), step[1], True),
        ("dispatch.rotate_credential", own(pixel, "dispatch_credential_rotate"), "Rotate its credential …", True),
        ("dispatch.view_credential", credentials, "Its credentials", True),
        ("dispatch.view_health", health, "Health", True),
    ]
    return [(url, text) for permission, url, text, fits in links if fits and request.user.has_perm(permission)]


def own(pixel: Pixel, name: str) -> str:
    return reverse(f"admin:{name}", args=[pixel.pk])
