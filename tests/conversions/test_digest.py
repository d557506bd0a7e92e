"""The digest: what one postback becomes, each with its outcome."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from conversions import digest
from conversions.digest import digest_one
from conversions.models import Conversion, LedgerEntry, Postback
from conversions.outcomes import Outcome
from conversions.replaying import replay
from offers.models import EventRule, Network
from tests.conversions.support import digest_everything, rules_for_words
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


def report(click, **params: str) -> Postback:
    """A postback about the click, digested."""
    fields = {"received_at": params.pop("received_at")} if "received_at" in params else {}
    postback = make_postback(click.offer.network, {"click_id": click.pk, **params}, **fields)
    return digest_one(postback.pk)


def test_a_sale_becomes_a_conversion_with_one_ledger_entry():
    click = make_click(make_offer(rules_for_words("sale")))

    postback = report(click, txid="T-1", payout="12.50", amount="99", currency="EUR", status="approved", event="sale")

    conversion, entry = Conversion.objects.get(), LedgerEntry.objects.get()
    assert (postback.outcome, postback.conversion, postback.due_at) == (Outcome.RECORDED, conversion, None)
    assert (conversion.click, conversion.event_name, conversion.status) == (click, "Purchase", "approved")
    assert (conversion.payout, conversion.amount, conversion.currency) == (Decimal("12.50"), Decimal(99), "EUR")
    assert (conversion.transaction_id, conversion.network_event, conversion.planned_at) == ("T-1", "sale", None)
    assert (entry.kind, entry.payout, entry.amount, entry.postback) == ("approved", Decimal("12.50"), 99, postback)
    assert (conversion.page_url, conversion.occurred_at) == (click.landing_url, postback.received_at)


def test_without_a_payout_the_offers_own_counts():
    report(make_click(make_offer(payout=Decimal(40), currency="EUR")), txid="T-1")

    conversion = Conversion.objects.get()
    assert (conversion.payout, conversion.currency) == (Decimal(40), "EUR")


def test_the_offers_payout_is_not_mixed_with_an_amount_in_another_currency():
    report(make_click(make_offer(payout=Decimal(40), currency="EUR")), amount="99", currency="USD")

    conversion = Conversion.objects.get()
    assert (conversion.payout, conversion.amount, conversion.currency) == (None, Decimal(99), "USD")


@pytest.mark.parametrize(
    ("params", "outcome"),
    [
        ({"click_id": "a" * 26}, Outcome.UNMATCHED_CLICK),
        ({"click_id": "not-one-of-ours"}, Outcome.UNMATCHED_CLICK),
        ({"click_id": "", "txid": "T-1"}, Outcome.MISSING_CLICK_ID),
        ({"click_id": "", "txid": "T-1", "status": "refund"}, Outcome.UNMATCHED_CLICK),
        ({"click_id": ""}, Outcome.MISSING_CLICK_ID),
        ({"click_id": "{sub1}"}, Outcome.UNREPLACED_MACRO),
        ({"status": "what"}, Outcome.UNMAPPED_STATUS),
        ({"payout": "1,234"}, Outcome.BAD_AMOUNT),
        ({"currency": "dollars"}, Outcome.BAD_CURRENCY),
    ],
)
def test_every_reason_has_its_outcome(params: dict[str, str], outcome: str):
    postback = report(make_click(), **params)

    assert postback.outcome == outcome
    assert postback.detail
    assert not Conversion.objects.exists()


@pytest.mark.parametrize(
    ("dated", "stands"), [({"days": 3}, "later than it came"), ({"days": -9}, "before the click"), ({"minutes": 5}, "")]
)
def test_a_time_that_can_not_be_is_left_aside_and_said(dated: dict[str, int], stands: str):
    click, named = make_click(), timezone.now() + timedelta(**dated)

    postback = report(click, ts=named.isoformat())

    assert postback.outcome == Outcome.RECORDED
    assert (stands in postback.detail, f"dated it {named:%Y-%m-%d}" in postback.detail) == (True, bool(stands))


def test_a_click_of_another_networks_offer_is_refused():
    click = make_click()

    postback = digest_one(make_postback(make_network(), {"click_id": click.pk}).pk)

    assert (postback.outcome, Conversion.objects.count()) == (Outcome.WRONG_NETWORK, 0)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"status": "approved", "event": "b"}, "“b”"),
        ({"status": "approved"}, "approved"),
        ({"status": "refund"}, "refunded"),
    ],
)
def test_without_a_rule_the_offer_is_named(params: dict[str, str], named: str):
    click = make_click(
        make_offer([{"trigger": "approved", "event_name": "Purchase", "network_event": "a"}], name="Lamp")
    )

    postback = report(click, **params)

    assert postback.outcome == Outcome.NO_RULE
    assert "Lamp" in postback.detail
    assert named in postback.detail


RULES = [
    {"trigger": "pending", "event_name": "Lead"},
    {"trigger": "pending", "network_event": "Trial", "event_name": "StartTrial"},
    {"trigger": "approved", "event_name": "Purchase"},
    {"trigger": "approved", "network_event": "reg", "event_name": "CompleteRegistration"},
]


@pytest.mark.parametrize(
    ("status", "event", "event_name"),
    [
        ("pending", "", "Lead"),
        ("pending", "trial", "StartTrial"),
        ("pending", "reg", "Lead"),
        ("approved", "", "Purchase"),
        ("approved", "REG", "CompleteRegistration"),
        ("approved", "trial", "Purchase"),
        ("refunded", "", "Purchase"),
        ("refunded", "refund", "Purchase"),
        ("refunded", "reg", "CompleteRegistration"),
        ("rejected", "TRIAL", "StartTrial"),
    ],
)
def test_the_closest_rule_of_the_status_names_the_event(status: str, event: str, event_name: str):
    report(make_click(make_offer(RULES)), status=status, event=event, txid="T-1")

    assert Conversion.objects.get().event_name == event_name


def test_a_word_is_kept_as_the_offers_rule_writes_it_and_no_other_word_is():
    click = make_click(make_offer(rules_for_words("Sale")))

    for txid, event in [("T-1", "SALE"), ("T-2", "upsell")]:
        report(click, txid=txid, event=event)

    assert list(Conversion.objects.order_by("pk").values_list("network_event", flat=True)) == ["Sale", ""]


def test_a_pending_sale_without_a_rule_of_its_own_waits_as_the_sale():
    click = make_click()

    report(click, status="pending", txid="T-1", payout="9")
    pending = Conversion.objects.get()
    outcome = report(click, status="approved", txid="T-1", payout="12").outcome

    approved = Conversion.objects.get()
    assert (pending.status, pending.payout) == ("pending", 9)
    assert (outcome, approved.pk, approved.status, approved.payout) == ("updated", pending.pk, "approved", 12)


@pytest.mark.parametrize("minutes", [-60, 5])
def test_the_networks_own_time_counts_where_it_is_possible(minutes: int):
    now = timezone.now().replace(microsecond=0)
    click = make_click(created_at=now - timedelta(hours=2))
    told = now + timedelta(minutes=minutes)

    report(click, ts=str(int(told.timestamp())), received_at=now)

    assert Conversion.objects.get().occurred_at == told


@pytest.mark.parametrize("ts", ["4102444800", "9999-12-31T23:59:59-23:59"])
def test_a_time_in_the_future_gives_way_to_the_arrival(ts: str):
    postback = report(make_click(), ts=ts)

    assert Conversion.objects.get().occurred_at == postback.received_at


@pytest.mark.parametrize("ts", ["946684800", "0001-01-01T00:00:00+23:59"])
def test_a_time_before_the_click_gives_way_to_the_click(ts: str):
    click = make_click(created_at=datetime(2026, 1, 1, tzinfo=UTC))

    report(click, ts=ts)

    assert Conversion.objects.get().occurred_at == click.created_at


def test_a_pending_event_without_transaction_ids_becomes_its_own_sale():
    click = make_click(make_offer(rules_for_words("first", "second")))
    report(click, event="first")

    report(click, event="second", status="pending")
    report(click, event="Second")

    assert sorted(Conversion.objects.values_list("network_event", "status")) == [
        ("first", "approved"),
        ("second", "approved"),
    ]


def test_what_a_repetition_knows_more_is_taken_over():
    click = make_click()
    report(click)

    postback = report(click, txid="T-1")

    assert postback.outcome == Outcome.DUPLICATE
    assert Conversion.objects.get().transaction_id == "T-1"


def test_planning_looks_again_at_a_changed_conversion():
    click = make_click()
    report(click, txid="T-1", status="pending")
    Conversion.objects.update(planned_at=timezone.now())

    report(click, txid="T-1", status="approved")

    assert Conversion.objects.unplanned().exists()


def test_a_duplicate_is_no_reason_to_plan_again():
    click = make_click()
    report(click, txid="T-1")
    Conversion.objects.update(planned_at=timezone.now())

    report(click, txid="T-1")
    report(click)

    assert not Conversion.objects.unplanned().exists()


def test_a_duplicate_does_not_undo_what_planning_was_told_meanwhile(monkeypatch: pytest.MonkeyPatch):
    click = make_click()
    report(click)
    Conversion.objects.update(planned_at=timezone.now())
    real = digest.lock

    def meanwhile(conversions):
        Conversion.objects.update(planned_at=None)
        real(conversions)

    monkeypatch.setattr(digest, "lock", meanwhile)
    report(click, txid="T-1")

    assert Conversion.objects.unplanned().get().transaction_id == "T-1"


def test_whoever_sends_is_told_after_the_commit(woken: list[str], django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        report(make_click(), txid="T-1")

    assert woken == ["dispatch.tasks.deliver"]


def test_digesting_again_changes_nothing():
    click = make_click()
    postback = report(click, txid="T-1", payout="5")
    before = list(Conversion.objects.values()), list(LedgerEntry.objects.values())

    replayed = replay([postback.pk], timezone.now())
    digest_everything()

    assert replayed == 1
    assert (list(Conversion.objects.values()), list(LedgerEntry.objects.values())) == before
    assert Postback.objects.get().outcome == Outcome.RECORDED


def test_a_repaired_rule_repairs_its_postbacks():
    click = make_click(make_offer([{"trigger": "page", "event_name": "ViewContent"}]))
    postback = report(click, txid="T-1")
    EventRule.objects.create(offer=click.offer, trigger="approved", event_name="Purchase")

    replay([postback.pk], timezone.now())
    digest_everything()

    assert postback.outcome == Outcome.NO_RULE
    assert Conversion.objects.get().status == "approved"


def test_a_repaired_status_map_repairs_its_postbacks():
    click = make_click()
    postback = report(click, txid="T-1", status="7")
    Network.objects.update(status_map={"7": "pending"})

    replay([postback.pk], timezone.now())
    digest_everything()

    assert Conversion.objects.get().status == "pending"
