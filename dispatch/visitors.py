"""Whose conversions they are, read in queries of their own at the last moment before it is decided about them."""

from collections.abc import Collection

from conversions.models import Click, Conversion
from offers.models import Offer

NEEDED = [
    *("offer_id", "ttclid", "ttp", "ip", "user_agent", "landing_url", "email_sha256", "phone_sha256"),
    *("external_id_sha256", "consent", "country", "region", "robot", "erased_at"),
]


def read_visitors(conversions: Collection[Conversion]) -> None:
    """Give the conversions their clicks and offers as they are now.

    Never joined to rows that are locked or claimed: PostgreSQL would join the click as it was before whoever held the
    lock had committed, such as a visitor's answer to the question of consent, and this answer would be lost.
    """
    clicks = Click.objects.only(*NEEDED).in_bulk({conversion.click_id for conversion in conversions})
    offers = Offer.objects.select_related("pixel").in_bulk({conversion.offer_id for conversion in conversions})
    for conversion in conversions:
        conversion.click = clicks[conversion.click_id]
        conversion.offer = conversion.click.offer = offers[conversion.offer_id]
