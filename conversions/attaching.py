"""Giving a postback its click by hand, where the network's own word for it leads nowhere."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch

from conversions.click_ids import is_click_id
from conversions.digest import digest_one
from conversions.models import Click, Conversion, Postback
from conversions.outcomes import Outcome
from offers.models import Offer

ATTACHABLE = [
    Outcome.UNMATCHED_CLICK,
    Outcome.MISSING_CLICK_ID,
    Outcome.UNREPLACED_MACRO,
    Outcome.WRONG_NETWORK,
]
OFFERS_LOOKED_AT = 20
CLICKS_OF_EACH = 10
SUGGESTED = 15
LOOKED_BACK = timedelta(days=7)


class AttachError(Exception):
    """Why a postback can't be attached to that click, in a sentence for the person who tried."""


def find_click(postback: Postback, text: str) -> Click:
    """The click with this id, if the postback may belong to it. Raises AttachError."""
    click_id = text.strip().lower()
    if not is_click_id(click_id):
        raise AttachError(f"“{text.strip()[:60]}” is no click id of ours: those have 26 letters and digits.")
    click = Click.objects.select_related("offer__network").filter(pk=click_id).first()
    if click is None:
        raise AttachError(f"There is no click {click_id}. Copy its id from the list of clicks or from a conversion.")
    if click.offer.network_id != postback.network_id:
        raise AttachError(
            f"This click belongs to “{click.offer}”, an offer of {click.offer.network}. A postback of "
            f"{postback.network} can't be about it."
        )
    return click


def attach(key: int, click: Click) -> Postback:
    """Give the postback the click and digest it at once; the postback as it is then.

    Raises AttachError when it has found its place meanwhile.
    """
    with transaction.atomic():
        postback = Postback.objects.select_for_update().get(pk=key)
        if postback.outcome not in ATTACHABLE:
            raise AttachError(f"It has been digested meanwhile, as “{postback.get_outcome_display()}”.")
        postback.attached_to = click.pk
        postback.leaves_out_macros |= postback.outcome == Outcome.UNREPLACED_MACRO
        postback.save(update_fields=["attached_to", "leaves_out_macros"])
    return digest_one(key)


def suggested_clicks(postback: Postback) -> list[Click]:
    """Clicks of the network's offers, the nearest before the postback first; each offer's by its index."""
    offers = Offer.objects.filter(network=postback.network_id).order_by("-pk")[:OFFERS_LOOKED_AT]
    found = [click for offer in offers for click in clicks_before(offer, postback.received_at)]
    return sorted(found, key=lambda click: click.created_at, reverse=True)[:SUGGESTED]


def clicks_before(offer: Offer, moment: datetime) -> list[Click]:
    rows = Click.objects.filter(offer=offer, created_at__range=(moment - LOOKED_BACK, moment)).select_related("offer")
    sales = Prefetch("conversions", Conversion.objects.order_by("pk"))
    return list(rows.filter(is_test=False).order_by("-created_at").prefetch_related(sales)[:CLICKS_OF_EACH])
