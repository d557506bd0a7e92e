"""What the app that sends adds to the offers' pages: whether spend may be raised, and why."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from conversions.admin.offer import ConnectedOfferAdmin
from dispatch.admin.testing import newest_of
from offers.models import Offer

admin.site.unregister(Offer)


@admin.register(Offer)
class ToldOfferAdmin(ConnectedOfferAdmin):
    change_form_template = "admin/dispatch/offer/change_form.html"

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    def facts_of(self, offer: Offer, request: HttpRequest) -> dict[str, Any]:
        return {**super().facts_of(offer, request), **newest_of(offer, request)}
