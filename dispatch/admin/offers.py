"""What the app that sends adds to the offers' pages: whether spend may be raised, and why."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversions.admin.offer import ConnectedOfferAdmin
from dispatch.admin.scale_decisions import MAY_VIEW, history_url, spend_of, verdict_badge
from dispatch.admin.testing import newest_of
from dispatch.scaling.deciding import decision_of
from offers.admin_parts import FilteredList
from offers.models import Offer

admin.site.unregister(Offer)


class OfferList(FilteredList):
    """A list whose offers know their decisions on spend, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        decisions = decision_of([offer.pk for offer in self.result_list])
        for offer in self.result_list:
            offer.decision = decisions.get(offer.pk)


@admin.register(Offer)
class ToldOfferAdmin(ConnectedOfferAdmin):
    change_form_template = "admin/dispatch/offer/change_form.html"

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilteredList]:
        return OfferList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = list(super().get_list_display(request))
        return [*shown[:1], "spend", *shown[1:]] if request.user.has_perm(MAY_VIEW) else shown

    def facts_of(self, offer: Offer, request: HttpRequest) -> dict[str, Any]:
        facts = super().facts_of(offer, request)
        return {**facts, **spend_of(offer, request), **newest_of(offer, request)}

    @admin.display(description="spend")
    def spend(self, offer: Any) -> str | SafeString:
        """The verdict, which leads to the offer's decisions."""
        if offer.decision is None:
            return "–"
        return format_html('<a href="{}">{}</a>', history_url(offer), verdict_badge(offer.decision.verdict))
