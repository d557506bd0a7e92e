"""What to do about a sale that was told twice: by whom it was, and the same from wherever it is traced."""

import pytest
from django.utils import timezone

from conversions.models import Conversion
from dispatch.diagnosis.steps import NextStep
from dispatch.planning import plan
from dispatch.rollups.doubles import doubles_among
from offers.models import Network, Offer
from tests.dispatch.diagnosis.support import DAY, report, sent, traced
from tests.factories import call_page_event, make_click, make_conversion, make_network, make_offer

pytestmark = pytest.mark.django_db
ANY = [
    {"trigger": "pending", "event_name": "Purchase", "value_source": "payout"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]
AN_HOUR_AGO = str(int(timezone.now().timestamp()) - 3600)


def step_of(text: object) -> NextStep:
    subject = traced(text).first
    assert subject.ruling.cause == "same_sale"
    return subject.next_step


def double_of(offer: Offer, **params: str) -> Conversion:
    """A pending call and an approved one of one transaction, under two clicks."""
    for status in ("pending", "approved"):
        report(offer.network, click_id=make_click(offer).pk, txid="T-1", status=status, payout="40", **params)
    return Conversion.objects.latest("pk")


def test_one_transaction_that_the_network_reports_under_two_clicks_needs_no_setting_and_no_page():
    offer = make_offer(ANY)

    double = double_of(offer)
    steps = [step_of(text) for text in ("T-1", double.click_id, double.event_id, f"conversion {double.pk}")]

    assert "named two clicks for one transaction" in steps[0].text
    assert "choose" not in steps[0].text
    assert steps[0].link.endswith(f"/network/{offer.network_id}/change/")
    assert set(steps) == {steps[0]}


def test_a_repetition_that_was_counted_is_ignored_by_now():
    offer = make_offer(ANY)
    click = make_click(offer)
    Network.objects.update(duplicate_mode="count")
    for _ in range(2):
        report(offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")
    counting = step_of("T-1").text

    Network.objects.update(duplicate_mode="ignore")

    assert "choose on its page" in counting
    assert "nothing left to set" in step_of("T-1").text


def test_a_sale_that_the_network_names_otherwise_the_second_time_is_one_to_ask_it_about():
    offer = make_offer(ANY)
    click = make_click(offer)

    for txid in ("T-1", "T-2"):
        report(offer.network, click_id=click.pk, txid=txid, status="approved", payout="40", amount="99")
    plan(timezone.now())

    assert "two sales of this click" in step_of("T-2").text
    assert step_of("T-2").link.endswith(f"/network/{offer.network_id}/change/")
    assert traced("T-1").subjects[0].ruling.cause != "same_sale"


@pytest.mark.parametrize(
    "other",
    [
        {"payout": "41"},
        {"amount": "98"},
        {"currency": "EUR"},
        {"event": "upsell"},
        {"event": "goal2"},
        {"ts": AN_HOUR_AGO},
    ],
)
def test_a_second_sale_of_a_click_stands_for_itself_when_anything_of_it_differs(other: dict[str, str]):
    offer = make_offer(ANY)
    click = make_click(offer, created_at=timezone.now() - DAY)
    sale = {"click_id": click.pk, "status": "approved", "payout": "40", "amount": "99", "currency": "USD"}

    report(offer.network, **sale, txid="T-1")
    report(offer.network, **{**sale, **other}, txid="T-2")

    rows = Conversion.objects.filter(click=click)
    assert rows.count() == 2
    assert not doubles_among(rows, offer.network_id, {"Purchase"})
    assert "same_sale" not in {subject.ruling.cause for subject in traced(click.pk).subjects}


@pytest.mark.parametrize(("second", "is_double"), [("abc-O-2", False), ("xyz-O-1", True)])
def test_items_of_one_order_are_sales_of_their_own(second: str, is_double: bool):
    offer = make_offer(ANY, network=make_network(adapter="everflow"))
    click = make_click(offer)

    for transaction, _, order in (name.partition("-") for name in ("abc-O-1", second)):
        sale = {"sub1": click.pk, "transaction_id": transaction, "order_id": order}
        report(offer.network, **sale, status="approved", payout="40")

    rows = Conversion.objects.filter(click=click)
    assert rows.count() == 2
    assert len(doubles_among(rows, offer.network_id, {"Purchase"})) == is_double


def test_a_page_that_tells_a_sale_again_under_another_name_has_no_network_to_ask():
    offer = make_offer([{"trigger": "page", "event_name": "Purchase"}])
    click = make_click(offer)
    for key in ("A-1", "A-2"):
        double = call_page_event(click, "Purchase", key=key)
    plan(timezone.now())

    assert step_of(double.event_id).text.startswith("A page called the event twice")
    assert step_of(double.event_id) == step_of(click.pk)


def test_pages_and_the_network_under_two_clicks_are_told_apart_from_pages_alone():
    offer = make_offer()
    first, second = (make_conversion(make_click(offer), transaction_id="T-9") for _ in range(2))
    sent(first)
    sent(second)
    by_pages = step_of("T-9").text

    report(offer.network, click_id=second.click_id, txid="T-9", status="approved", payout="40")

    assert by_pages.startswith("Pages named one transaction under two clicks")
    assert step_of("T-9").text.startswith("A page told the sale under one click, and the network under another")
