"""What TikTok is told where an event rule has margin, lifetime value, segment or lead quality replace the value."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Conversion
from conversions.traces import read_person
from dispatch.erasure import erase
from dispatch.export_columns import DELIVERIES
from dispatch.models import Delivery
from dispatch.planning import plan
from dispatch.tasks import sweep
from dispatch.tiktok.sandbox import Sandbox
from offers.models import EventRule, ExchangeRate
from tests.factories import (
    call_page_event,
    make_click,
    make_conversion,
    make_credential,
    make_offer,
    make_postback,
)
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
WORDS = "hot=40 Warm=15 cold=0"


def sale(replaced_by: str, offer: dict[str, Any] | None = None, **fields: Any) -> Conversion:
    """A sale with a payout of 12.50 USD whose rule has something replace it."""
    words = WORDS if replaced_by in ("segment", "lead_quality") else ""
    rule = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout", "replaced_by": replaced_by}
    click = make_click(make_offer([{**rule, "value_of_words": words}], **(offer or {})))
    return make_conversion(click, **{"payout": Decimal("12.50"), **fields})


def planned(conversion: Conversion) -> Delivery:
    plan(timezone.now())
    return Delivery.objects.get(conversion=conversion)


def told(sandbox: Sandbox) -> dict[str, Any]:
    [event] = sandbox.events()
    found: dict[str, Any] = event["payload"]["properties"]
    return found


@pytest.mark.parametrize(
    ("replaced_by", "known", "value"),
    [
        ("margin", {"margin": Decimal("3.20"), "lead_quality": "hot"}, 3.2),
        ("lifetime_value", {"lifetime_value": Decimal(0)}, 0.0),
        ("lead_quality", {"lead_quality": " HOT"}, 40.0),
        ("segment", {"segment": "warm"}, 15.0),
        ("segment", {"segment": "cold"}, 0.0),
        ("segment", {"segment": "tepid"}, 12.5),
        ("margin", {"margin": Decimal("-3")}, 12.5),
        ("margin", {"lead_quality": "hot"}, 12.5),
    ],
)
def test_what_is_known_replaces_the_value_where_tiktok_takes_it(sandbox, replaced_by, known, value):
    conversion = sale(replaced_by, **known)
    make_credential(conversion.offer.pixel)

    sweep()

    assert told(sandbox) == {"value": value, "currency": "USD"}


def test_words_are_worth_the_offers_currency_and_money_the_conversions(sandbox):
    conversion = sale("lead_quality", {"currency": "EUR"}, lead_quality="hot")
    make_credential(conversion.offer.pixel)

    sweep()

    assert told(sandbox) == {"value": 40.0, "currency": "EUR"}
    assert planned(conversion).valued == {
        "by": "lead_quality",
        "word": "hot",
        "value": "40.00",
        "currency": "EUR",
        "source": "payout",
        "instead_of": {"value": "12.50", "currency": "USD"},
    }


def test_a_replacement_in_a_currency_that_tiktok_does_not_take_is_converted(sandbox):
    rate = {"currency": "UGX", "into": "USD", "valid_on": timezone.now().date(), "source": "A bank"}
    ExchangeRate.objects.create(rate=Decimal("0.001"), **rate)
    conversion = sale("margin", margin=Decimal(9000), currency="UGX")
    make_credential(conversion.offer.pixel)

    sweep()

    delivery = planned(conversion)
    assert told(sandbox) == {"value": 9.0, "currency": "USD"}
    assert (delivery.converted["amount"], delivery.valued["currency"]) == ("9000.00", "UGX")


@pytest.mark.parametrize(
    ("replaced_by", "known", "words"),
    [
        ("lead_quality", {"lead_quality": "hot"},
         "It will tell 40.00 USD for lead quality “hot”, instead of the payout 12.50 USD."),
        ("margin", {"margin": Decimal(2), "payout": None}, "It will tell 2.00 USD for margin, instead of no value."),
        ("margin", {"margin": Decimal(-2)},
         "The margin, -2.00 USD, does not replace the payout 12.50 USD: TikTok takes no value below zero."),
        ("segment", {"segment": "tepid"},
         "The segment “tepid” does not replace the payout 12.50 USD: the event rule has no value for it."),
        ("margin", {}, ""),
    ],
)  # fmt: skip
def test_the_delivery_says_what_replaced_what_or_why_not(replaced_by, known, words):
    delivery = planned(sale(replaced_by, **known))

    page = staff_client("dispatch.view_delivery").get(reverse("admin:dispatch_delivery_change", args=[delivery.pk]))

    assert delivery.value_in_words == words
    assert words in page.content.decode()


@pytest.mark.parametrize(("value", "told_value"), [("7", 7.0), (None, 40.0)])
def test_a_value_that_the_pixel_tells_goes_first(sandbox, value, told_value):
    page = {"trigger": "page", "event_name": "Purchase"}
    postback = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}
    replacing = {"replaced_by": "lead_quality", "value_of_words": WORDS}
    click = make_click(make_offer([page, {**postback, **replacing}]))
    make_credential(click.offer.pixel)
    call_page_event(click, "Purchase", said={"value": value, "currency": "USD"} if value else {"order_id": "A"})
    Conversion.objects.update(status="approved", payout=Decimal("12.50"), currency="USD", lead_quality="hot")

    sweep()

    assert told(sandbox)["value"] == told_value
    refused = Delivery.objects.get().valued.get("refused")
    assert refused == ("pixel" if value else None)


def test_what_comes_after_tiktok_has_the_event_changes_nothing_and_the_page_says_so(sandbox):
    conversion = sale("lead_quality")
    make_credential(conversion.offer.pixel)
    sweep()
    click = conversion.click
    make_postback(click.offer.network, {"click_id": click.pk, "payout": "12.50", "lead_quality": "hot"})
    digest_batch(timezone.now())

    sweep()

    conversion.refresh_from_db()
    page = staff_client("conversions.view_conversion").get(
        reverse("admin:conversions_conversion_change", args=[conversion.pk])
    )
    assert (conversion.lead_quality, told(sandbox)["value"], Delivery.objects.get().valued) == ("hot", 12.5, None)
    assert "changed nothing at TikTok, which had taken the event by then." in page.content.decode()


def test_what_comes_while_the_event_waits_is_told(sandbox):
    conversion = sale("lead_quality", lead_quality="warm")
    planned(conversion)
    Conversion.objects.update(lead_quality="hot", planned_at=None)

    assert planned(conversion).valued["word"] == "hot"
    make_credential(conversion.offer.pixel)
    sweep()

    assert told(sandbox)["value"] == 40.0


@pytest.mark.parametrize(("maybe_accepted", "value"), [(True, 15.0), (False, 40.0)])
def test_a_copy_that_may_have_arrived_stays_as_it_was_told(sandbox, maybe_accepted, value):
    conversion = sale("lead_quality", lead_quality="warm")
    delivery = planned(conversion)
    make_credential(delivery.pixel)
    Delivery.objects.update(maybe_accepted=maybe_accepted, attempts=1, first_sent_at=timezone.now())
    Conversion.objects.update(lead_quality="hot", planned_at=None)

    sweep()

    delivery.refresh_from_db()
    assert told(sandbox)["value"] == value
    assert float(delivery.valued["value"]) == value


def test_a_value_that_may_have_arrived_is_replaced_by_nothing_later(sandbox):
    conversion = sale("margin")
    delivery = planned(conversion)
    make_credential(delivery.pixel)
    Delivery.objects.update(maybe_accepted=True, attempts=1, first_sent_at=timezone.now())
    Conversion.objects.update(margin=Decimal(1), planned_at=None)

    sweep()

    assert told(sandbox)["value"] == 12.5


def test_erasing_takes_the_word_from_the_record_and_keeps_the_money():
    conversion = sale("lead_quality", lead_quality="hot")
    planned(conversion)

    erase(read_person("click", conversion.click_id), None, timezone.now())

    delivery = Delivery.objects.get()
    assert "hot" not in str(delivery.valued)
    assert delivery.value_in_words.startswith("It would tell 40.00 USD for lead quality, instead")


def test_the_export_has_what_replaced_the_value():
    columns = {column.header: column for column in DELIVERIES}
    record = planned(sale("margin", margin=Decimal(2))).valued

    assert columns["Value replaced by"].read(record) == "margin"
    assert columns["Replacing value"].read(record) == Decimal(2)
    assert columns["Replacing value"].read({**record, "refused": "pixel"}) is None


def test_a_rule_stored_past_its_validation_replaces_nothing():
    conversion = sale("lead_quality", lead_quality="hot")
    EventRule.objects.update(value_of_words="hot=lots")

    assert planned(conversion).valued["refused"] == "unknown_word"
