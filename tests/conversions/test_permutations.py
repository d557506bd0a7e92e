"""Whatever the order in which a network reports its facts, the conversions end up the same."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.digest import digest_batch
from conversions.models import Click, Conversion, LedgerEntry
from offers.models import Offer
from tests.conversions.support import rules_for_words
from tests.factories import call_page_event, make_click, make_offer, make_postback

pytestmark = pytest.mark.django_db
STATUSES = ["pending", "approved", "rejected", "refunded", "chargeback"]
ONE_RULE = [{"trigger": "approved", "event_name": "Purchase"}]
TWO_RULES = [{"trigger": "pending", "event_name": "Lead"}, {"trigger": "approved", "event_name": "Purchase"}]
BOTH_PURCHASE = [{"trigger": "pending", "event_name": "Purchase"}, {"trigger": "approved", "event_name": "Purchase"}]
WORD_RULES = rules_for_words("a", "b", "Deposit", "upsell")
PAYOUTS = {"pending": "9", "approved": "12.50", "refunded": "12.50", "chargeback": "10"}


def fact(status: str, txid: str = "T-1", **params: str) -> dict[str, str]:
    payout = {"payout": PAYOUTS[status]} if status in PAYOUTS else {}
    return {"status": status, **payout, **({"txid": txid} if txid else {}), **params}


def story(click: Click, facts: list[dict[str, str]], batches: list[int]) -> Any:
    """Report and digest the facts, so many at a time; then what stands in the books."""
    left = list(facts)
    for size in [*batches, len(facts)]:
        for params in left[:size]:
            make_postback(click.offer.network, {"click_id": click.pk, **params})
        left = left[size:]
        digest_batch(timezone.now())
    while digest_batch(timezone.now() + timedelta(days=2)):
        pass
    return books_of(click)


def books_of(click: Click) -> Any:
    rows = []
    for conversion in Conversion.objects.filter(click=click).prefetch_related("ledger_entries"):
        entries = sorted((e.kind, str(e.payout), e.currency) for e in conversion.ledger_entries.all())
        money = (conversion.payout, conversion.amount, conversion.currency)
        rows.append((conversion.event_name, conversion.transaction_id, conversion.status, money, entries))
    return sorted(rows, key=str)


def clicks(rules: list[dict[str, Any]], **network: Any) -> tuple[Click, Click]:
    offer = Offer.objects.filter(event_rules__event_name=rules[0]["event_name"]).first() or make_offer(rules)
    return make_click(offer), make_click(offer)


def assert_order_is_nothing(rules, facts: list[dict[str, str]], shuffled: list[dict[str, str]], batches: list[int]):
    straight, mixed = clicks(rules)
    own = [{**params, "txid": params["txid"] + straight.pk} if "txid" in params else params for params in facts]
    other = [{**params, "txid": params["txid"] + mixed.pk} if "txid" in params else params for params in shuffled]

    expected = story(straight, own, [])
    found = story(mixed, other, batches)

    assert str(found).replace(mixed.pk, "") == str(expected).replace(straight.pk, "")
    return mixed


BATCHES = st.lists(st.integers(1, 4), max_size=6)
SETS = st.sets(st.sampled_from(STATUSES), min_size=1)


@st.composite
def orders(draw, facts_of):
    """Facts in the order in which they happen, and the same in any order with any of them repeated."""
    facts = facts_of(sorted(draw(SETS), key=STATUSES.index))
    repeated = draw(st.lists(st.sampled_from(facts), max_size=4))
    return facts, draw(st.permutations(facts + repeated))


@pytest.mark.parametrize("rules", [ONE_RULE, TWO_RULES], ids=["one rule", "two rules"])
@hypothesis_settings(max_examples=20, deadline=None)
@given(order=orders(lambda statuses: [fact(status) for status in statuses]), batches=BATCHES)
@example(order=([fact("pending"), fact("approved"), fact("refunded")],) * 2, batches=[3])
@example(order=([fact("pending"), fact("approved"), fact("refunded")],
                [fact("pending"), fact("refunded"), fact("approved")]), batches=[])  # fmt: skip
@example(order=([fact("pending"), fact("rejected")], [fact("rejected"), fact("pending")]), batches=[1, 1])
def test_one_transaction(rules, order, batches):
    click = assert_order_is_nothing(rules, *order, batches)

    assert Conversion.objects.filter(click=click, event_name=rules[-1]["event_name"]).count() <= 1


@pytest.mark.parametrize("rules", [ONE_RULE, TWO_RULES], ids=["one rule", "two rules"])
@hypothesis_settings(max_examples=12, deadline=None)
@given(order=orders(lambda statuses: [fact(status, "") for status in statuses]), batches=BATCHES)
def test_no_transaction_id_at_all(rules, order, batches):
    assert_order_is_nothing(rules, *order, batches)


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    order=orders(lambda statuses: [fact(status, txid) for txid in ("T-1", "T-2") for status in statuses]),
    batches=BATCHES,
)
def test_two_transactions_of_one_click(order, batches):
    click = assert_order_is_nothing(ONE_RULE, *order, batches)

    assert Conversion.objects.filter(click=click).count() == 2


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    order=orders(
        lambda statuses: [fact(status, event=event) for event in ("deposit", "Upsell") for status in statuses]
    ),
    batches=BATCHES,
)
@example(
    order=([fact("pending", event="b"), fact("approved", event="b"), fact("approved", event="a")],
           [fact("pending", event="b"), fact("approved", event="a"), fact("approved", event="b")]),
    batches=[],
)  # fmt: skip
def test_two_network_events_of_one_transaction(order, batches):
    straight, shuffled = order
    known = [f for f in straight if f["status"] in ("pending", "approved")]
    mixed = [f for f in shuffled if f["status"] in ("pending", "approved")]

    click = assert_order_is_nothing(WORD_RULES, known, mixed, batches)

    assert Conversion.objects.filter(click=click).count() == len({f["event"] for f in known})


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    order=orders(lambda statuses: [fact(status, event=event) for event in ("deposit", "") for status in statuses]),
    batches=BATCHES,
)
def test_two_network_events_without_a_transaction_id(order, batches):
    straight, shuffled = ([{**f, "txid": ""} for f in facts if f["status"] == "approved"] for facts in order)

    assert_order_is_nothing(WORD_RULES, straight, shuffled, batches)


STEPS = [fact("pending", event="lead"), fact("approved", event="sale"), fact("chargeback", event="cb")]


@pytest.mark.parametrize("rules", [ONE_RULE, BOTH_PURCHASE], ids=["one rule", "two rules"])
@hypothesis_settings(max_examples=12, deadline=None)
@given(facts=st.permutations(STEPS), batches=BATCHES)
@example(facts=STEPS, batches=[1, 1])
@example(facts=[STEPS[0], STEPS[2], STEPS[1]], batches=[1, 1])
def test_a_word_for_each_step_of_one_transaction(rules, facts, batches):
    click = assert_order_is_nothing(rules, STEPS, facts, batches)

    conversion = Conversion.objects.get(click=click)
    assert (conversion.status, str(conversion.payout)) == ("chargeback", "12.50")


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    st.permutations([fact("approved", event="sale"), fact("approved"), fact("approved", event="Kauf")]),
    BATCHES,
)
@example([fact("approved", event="sale"), fact("approved")], [1])
def test_a_sale_that_comes_with_and_without_its_event_counts_once(facts, batches):
    click, _ = clicks(ONE_RULE)

    story(click, [{**f, "txid": f["txid"] + click.pk} for f in facts], batches)

    assert str(Conversion.objects.get(click=click).payout) == "12.50"
    assert LedgerEntry.objects.filter(conversion__click=click).count() == 1


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.permutations([fact("approved"), fact("approved", ""), fact("pending"), fact("approved")]), BATCHES)
def test_a_fact_that_comes_with_and_without_its_transaction_id_counts_once(facts, batches):
    click, _ = clicks(ONE_RULE)

    story(click, [{**f, "txid": f["txid"] + click.pk} if f.get("txid") else f for f in facts], batches)

    conversion = Conversion.objects.get(click=click)
    assert (conversion.status, str(conversion.payout)) == ("approved", "12.50")
    assert conversion.transaction_id == "T-1" + click.pk


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.permutations(["approved", "pending", "refunded"]), BATCHES)
def test_a_refund_that_names_its_transaction_alone(statuses, batches):
    click, _ = clicks(ONE_RULE)
    facts = [fact(status, f"T-{click.pk}") for status in statuses]
    for params in facts:
        if params["status"] == "refunded":
            params["click_id"] = ""

    story(click, facts, batches)

    assert Conversion.objects.get(click=click).status == "refunded"


@hypothesis_settings(max_examples=8, deadline=None)
@given(st.permutations(["page", "pending", "approved", "refunded"]))
def test_a_page_event_among_them_changes_nothing(steps):
    click, _ = clicks(ONE_RULE)
    for step in steps:
        if step == "page":
            call_page_event(click, "Purchase", timezone.now())
        else:
            story(click, [fact(step, f"T-{click.pk}")], [])

    conversion = Conversion.objects.get(click=click)
    assert (conversion.status, conversion.occurrence_key, str(conversion.payout)) == ("refunded", "", "12.50")
    assert conversion.ledger_entries.count() == 3


SUBSCRIPTION = [
    {"status": "pending", "txid": "T-1", "payout": "40"},
    {"status": "approved", "txid": "T-1", "payout": "40"},
    {"status": "partial_refund", "txid": "T-1", "payout": "10"},
    {"status": "refund", "txid": "T-1", "payout": "5"},
    {"status": "correction", "txid": "T-1", "payout": "-1.50"},
    {"status": "rebill", "txid": "T-1-B001", "payout": "15", "parent_txid": "T-1"},
    {"status": "refund", "txid": "T-1-B001", "payout": "15"},
    {"status": "rebill", "txid": "T-1-B002", "payout": "15", "parent_txid": "T-1"},
    {"status": "upsell", "txid": "T-2", "payout": "9", "parent_txid": "T-1"},
    {"status": "chargeback", "txid": "T-2", "payout": "9"},
]
REBILL_RULES = [{"trigger": "approved", "event_name": "Purchase"}, {"trigger": "rebill", "event_name": "Subscribe"},
                {"trigger": "upsell", "event_name": "Purchase"}]  # fmt: skip


@hypothesis_settings(max_examples=20, deadline=None)
@given(data=st.data(), batches=BATCHES)
def test_a_subscription_with_upsell_refunds_and_corrections(data, batches):
    chosen = data.draw(st.lists(st.sampled_from(range(len(SUBSCRIPTION))), min_size=1, unique=True))
    facts = [SUBSCRIPTION[index] for index in sorted(chosen)]
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    shuffled = data.draw(st.permutations(facts + repeated))
    straight, mixed = clicks(REBILL_RULES)

    expected = story(straight, of_click(facts, straight), [])
    found = story(mixed, of_click(shuffled, mixed), batches)

    assert str(found).replace(mixed.pk, "") == str(expected).replace(straight.pk, "")


def test_an_upsells_chargeback_comes_first_and_all_else_in_one_batch():
    """The upsell gives the empty occurrence key back, under which the sale is stored in the same batch."""
    facts = [SUBSCRIPTION[index] for index in (0, 1, 8, 9)]
    straight, mixed = clicks(REBILL_RULES)

    expected = story(straight, of_click(facts, straight), [])
    found = story(mixed, of_click(facts[::-1], mixed), [1])

    assert str(found).replace(mixed.pk, "") == str(expected).replace(straight.pk, "")


def of_click(facts: list[dict[str, str]], click: Click) -> list[dict[str, str]]:
    """The facts with transaction ids that no other click has."""
    return [{name: v + click.pk if "txid" in name else v for name, v in params.items()} for params in facts]
