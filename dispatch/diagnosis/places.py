"""The pages of the admin that a next step leads to."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Model

from conversions.models import Conversion, Postback
from dispatch.diagnosis.case import Case, Ruling
from offers.admin_parts import page_url

Find = Callable[[Case, Ruling], Model | None]


@dataclass(frozen=True)
class Place:
    """A page of the admin: its button, who may open it, and its address in a case, empty where there is none."""

    do: str
    permission: str
    address: Callable[[Case, Ruling], str]


def of_row(name: str, find: Find) -> Callable[[Case, Ruling], str]:
    """The page of a row, where the case has one."""

    def address(case: Case, ruling: Ruling) -> str:
        row = find(case, ruling)
        return page_url(name, row.pk) if row else ""

    return address


def page(name: str) -> Callable[[Case, Ruling], str]:
    """A page that is the same in every case."""
    return lambda case, ruling: page_url(name)


def call_of(case: Case, ruling: Ruling) -> Postback | None:
    return ruling.about if isinstance(ruling.about, Postback) else case.postback


def conversion_of(case: Case, ruling: Ruling) -> Conversion | None:
    """The other one that the ruling speaks of, else the case's own."""
    return ruling.about if isinstance(ruling.about, Conversion) else case.conversion


PIXEL = Place("Open the pixel", "offers.view_pixel", of_row("offers_pixel_change", lambda case, _: case.pixel))
ROTATE = Place(
    "Rotate the credential",
    "dispatch.rotate_credential",
    of_row("dispatch_credential_rotate", lambda case, _: case.pixel),
)
OFFER = Place("Open the offer", "offers.view_offer", of_row("offers_offer_change", lambda case, _: case.offer))
FULL_OFFER = Place(
    "Open the offer that was full",
    "offers.view_offer",
    of_row("offers_offer_change", lambda case, _: case.click and case.click.capped_offer),
)
NETWORK = Place(
    "Open the network", "offers.view_network", of_row("offers_network_change", lambda case, _: case.network)
)
POSTBACK = Place("Open the postback", "conversions.view_postback", of_row("conversions_postback_change", call_of))
UNMAPPED = Place("Map the status", "conversions.view_postback", page("conversions_postback_unmapped"))
RATES = Place("Add a rate", "offers.view_exchangerate", page("offers_exchangerate_changelist"))
DEAD_LETTER = Place(
    "Open the dead letter",
    "dispatch.view_deadletter",
    of_row("dispatch_deadletter_change", lambda case, _: case.delivery),
)
DELIVERY = Place(
    "Open the delivery", "dispatch.view_delivery", of_row("dispatch_delivery_change", lambda case, _: case.delivery)
)
CONVERSION = Place(
    "Open the conversion", "conversions.view_conversion", of_row("conversions_conversion_change", conversion_of)
)
CLICK = Place(
    "Open the click", "conversions.view_click", of_row("conversions_click_change", lambda case, _: case.click)
)
UPLOAD = Place(
    "Open the upload",
    "conversions.view_upload",
    of_row("conversions_upload_change", lambda case, _: case.row and case.row.upload),
)
