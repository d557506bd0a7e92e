"""A page that names its sale as the network does speaks of the same sale, whichever of the two comes first."""

from collections.abc import Callable
from itertools import permutations

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from conversions.models import Click, Conversion, LedgerEntry, Postback
from tests.conversions.pixel.support import call_for
from tests.conversions.support import digest_everything
from tests.conversions.tags import tracked
from tests.factories import call_page_event, make_click, make_offer, make_postback

pytestmark = pytest.mark.django_db
TAG = '{% load tiktok %}{% tiktok_event "Purchase" key=key %}'
PAYOUTS = {"1001": 10, "1002": 20}
STEPS = [("page", "1001"), ("page", "1002"), ("postback", "1001"), ("postback", "1002")]


def by_script(click: Click, key: str) -> str:
    return call_for(click, "event", event="Purchase", key=key).json()["event_id"]


def page_of(click: Click, key: str) -> str:
    request = RequestFactory().get("/", {"click_id": click.pk})
    return Template(TAG).render(Context({"request": request, "offer": click.offer, "key": key}))


def by_tag(click: Click, key: str) -> str:
    return tracked(page_of(click, key))[0][2]


def pay(click: Click, number: str, **params: str) -> None:
    txid, payout = number + click.pk, str(PAYOUTS[number])
    make_postback(click.offer.network, {"click_id": click.pk, "txid": txid, "payout": payout, **params})


def facts_of(click: Click) -> dict[str, tuple[str, int]]:
    """By transaction: the event_id and the payout."""
    return {c.transaction_id.removesuffix(click.pk): (str(c.event_id), c.payout) for c in click.conversions.all()}


@pytest.mark.parametrize("batched", [False, True], ids=["one by one", "in batches"])
@pytest.mark.parametrize("call", [by_script, by_tag])
def test_two_sales_of_one_click_are_two_events_in_any_order(call: Callable[[Click, str], str], batched: bool):
    offer = make_offer()
    for order in permutations(STEPS):
        click, told = make_click(offer), {}
        for what, number in order:
            if what == "page":
                digest_everything()
                told[number] = call(click, number + click.pk)
            else:
                pay(click, number)
                digest_everything() if not batched else None
        digest_everything()

        assert facts_of(click) == {n: (told[n], PAYOUTS[n]) for n in PAYOUTS}, order
        for entry in LedgerEntry.objects.filter(conversion__click=click).select_related("conversion", "postback"):
            assert entry.postback.conversion == entry.conversion
            assert entry.postback.transaction_id == entry.conversion.transaction_id


@pytest.mark.parametrize("order", list(permutations(["page", "approved", "upsell"])))
def test_an_upsell_that_a_page_names_is_one_event(order: tuple[str, ...]):
    upsell = {"trigger": "upsell", "event_name": "Purchase"}
    click = make_click(make_offer([{"trigger": "approved", "event_name": "Purchase"}, upsell]))

    for step in order:
        if step == "page":
            call_page_event(click, "Purchase", key="1002" + click.pk)
        else:
            pay(click, "1001" if step == "approved" else "1002", status=step)
            digest_everything()

    found = set(Conversion.objects.values_list("transaction_id", "kind", "payout"))
    assert found == {("1001" + click.pk, "sale", 10), ("1002" + click.pk, "upsell", 20)}


def test_a_page_with_numbers_of_its_own_still_meets_its_sale():
    click = make_click()

    call_page_event(click, "Purchase", key="order-7")
    pay(click, "1001")
    digest_everything()

    assert Conversion.objects.get().transaction_id == "1001" + click.pk


def test_a_number_that_names_a_person_is_known_by_its_digest():
    clicks = make_click(), make_click()
    for click, page_first in zip(clicks, (True, False), strict=True):
        txid = f"{click.pk}@shop.example"
        for _ in range(2):
            call_page_event(click, "Purchase", key=txid) if page_first else None
            make_postback(click.offer.network, {"click_id": click.pk, "txid": txid, "payout": "5"})
            digest_everything()
            call_page_event(click, "Purchase", key=txid)

    assert [click.conversions.count() for click in clicks] == [1, 1]


def test_a_page_without_a_key_meets_the_sale_that_came_first():
    click = make_click()
    pay(click, "1001")
    digest_everything()

    ids = {call_page_event(click, "Purchase", key=key).event_id for key in ("", "1001" + click.pk, "")}

    assert ids == {Conversion.objects.get().event_id}


def test_what_was_repeated_of_a_sale_moves_along_with_it():
    click = make_click()
    call_page_event(click, "Purchase", key="1001" + click.pk)
    for number in ("1002", "1002", "1001", "1002"):
        pay(click, number)
        digest_everything()

    assert facts_of(click).keys() == PAYOUTS.keys()
    pairs = Postback.objects.values_list("transaction_id", "conversion__transaction_id")
    assert [own for own, of_conversion in pairs if own != of_conversion] == []


def test_a_click_has_so_many_events_with_keys_and_those_it_has_are_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.page_events.MOST_OF_A_CLICK", 2)
    click = make_click()
    known = [by_script(click, key) for key in ("1", "2")]

    answer = call_for(click, "event", event="Purchase", key="3")

    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_events")
    assert [by_script(click, key) for key in ("1", "2")] == known
    assert tracked(page_of(click, "3")) == []
    assert call_for(click, "event", event="Purchase").status_code == 200
    assert click.conversions.count() == 3


def test_of_three_sales_that_have_each_others_names_each_gets_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PAYOUTS, "1003", 30)
    click, told = make_click(), {}

    for called, paid in (("1001", "1002"), ("1002", "1003"), ("1003", "1001")):
        told[called] = by_script(click, called + click.pk)
        pay(click, paid)
        digest_everything()

    assert facts_of(click) == {number: (told[number], PAYOUTS[number]) for number in PAYOUTS}
