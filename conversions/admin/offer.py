"""What the app that records visits adds to the offers' pages: unknown hosts, caps, the way to the coverage."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversions import clock, configuration
from conversions.admin.coverage import VIEW as VIEW_COVERAGE
from conversions.admin.coverage import coverage_url
from conversions.admin.elsewhere import VIEW_HEALTH, health_url
from conversions.admin.strange_pages import add_host, strange_pages_of
from conversions.caps import follow, is_full, sold
from offers.admin.offer import OfferAdmin
from offers.admin_parts import admin_link, badge
from offers.caps import day_start
from offers.models import Offer

COUNTED = 10_000
CAP_LINE = "{} &nbsp;{} of {} sales {}."
admin.site.unregister(Offer)


@admin.register(Offer)
class ConnectedOfferAdmin(OfferAdmin):
    change_form_template = "admin/conversions/offer/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.add_host_view)
        return [path("<path:object_id>/add-host/", view, name="offers_offer_add_host"), *super().get_urls()]

    def facts_of(self, offer: Offer, request: HttpRequest) -> dict[str, Any]:
        may_change, may_count = self.has_change_permission(request, offer), request.user.has_perm(VIEW_COVERAGE)
        news = {
            "strange_pages": strange_pages_of(offer) if request.user.has_perm("conversions.view_strangepage") else [],
            "add_host_url": reverse("admin:offers_offer_add_host", args=[offer.pk]) if may_change else "",
            "caps": cap_lines(offer) if may_count else [],
            "coverage_url": coverage_url(offer.pk) if may_count else "",
            "health_url": health_url("offer", offer.pk) if request.user.has_perm(VIEW_HEALTH) else "",
        }
        return {**super().facts_of(offer, request), **news}

    def add_host_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On POST enter a host that has called; anything else only leads back."""
        offer: Offer | None = self.get_object(request, object_id)
        if offer and not self.has_change_permission(request, offer):
            raise PermissionDenied
        if offer and request.method == "POST":
            add_host(request, offer, request.POST.get("host", ""))
        back: HttpResponseRedirect = self.back_to(offer)
        return back


def cap_lines(offer: Offer) -> list[SafeString]:
    """How far each cap is used up; what the tracking link does once it is."""
    midnight = day_start(clock.now(), offer.cap_time_zone)
    caps = [("today", offer.daily_cap, midnight), ("in all", offer.total_cap, None)]
    return [
        cap_line(offer, words, cap, sold(offer, min(cap, COUNTED), since))
        for words, cap, since in caps
        if cap is not None
    ]


def cap_line(offer: Offer, words: str, cap: int, count: int) -> SafeString:
    """One cap against what has been sold."""
    more = " or more" if COUNTED <= count < cap else ""
    facts = (f"{count:,}{more}", f"{cap:,}", words)
    if count < cap:
        return format_html(CAP_LINE, badge("Room", "good"), *facts)
    where = CAP_LINE + " The tracking link leads to {}."
    return format_html(where, badge("Reached", "warn"), *facts, where_full_leads(offer))


def where_full_leads(offer: Offer) -> str:
    """Where the tracking link of a full offer leads: past fallbacks that are inactive or full themselves."""
    now = clock.now()
    standing = follow(offer, lambda each: each == offer or is_full(each, now), configuration.offers.get)
    return "this offer all the same" if standing == offer else admin_link(standing)
