"""Reports of networks whose postbacks name a goal or an order beside the transaction, which the reports leave out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from conversions.models import Conversion, Upload
from conversions.uploads.creating import check_again, choose
from offers.models import Offer
from tests.conversions.support import digest_everything
from tests.conversions.uploads.support import csv_bytes, details, make_upload, verdicts, work
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
REPORT = {"purpose": Upload.Purpose.RECONCILE, "period_from": TODAY - timedelta(days=1), "period_to": TODAY}
HEADINGS = "Transaction ID,Sub ID 1,Goal,Status,Commission,Currency"


def told(offer: Offer, *sales: dict[str, str]) -> str:
    """A click of which postbacks told these sales of one transaction; its id."""
    click = make_click(offer)
    for sale in sales:
        make_postback(offer.network, {"click_id": click.pk, "txid": "T1", "payout": "5", "currency": "USD", **sale})
    digest_everything()
    return click.pk


def brought(offer: Offer, *lines: str, **fields: Any) -> Upload:
    return work(make_upload(csv_bytes(HEADINGS, *lines), offer.network, **fields))


@pytest.mark.parametrize(
    ("adapter", "sale"),
    [("everflow", {"event_id": "0", "order_id": "ORD9"}), ("everflow", {"event_id": "7"}), ("tune", {"goal_id": "5"})],
)
def test_the_bare_transaction_finds_the_sale_whose_goal_the_postback_named(adapter: str, sale: dict[str, str]):
    offer = make_offer(network=make_network(adapter=adapter))
    line = f"T1,{told(offer, sale)},,approved,5,USD"

    report, import_ = brought(offer, line, **REPORT), brought(offer, line)

    assert (verdicts(report), verdicts(import_)) == ([(2, "matched")], [(2, "duplicate")])
    assert check_again(report.pk) == 1
    assert verdicts(work(report)) == [(2, "matched")]


def test_what_the_report_says_otherwise_is_taken_over_by_the_same_sale():
    offer = make_offer(network=make_network(adapter="tune"))
    report = brought(offer, f"T1,{told(offer, {'goal_id': '5'})},,refunded,5,USD", **REPORT)

    assert choose(report.pk, Q(verdict="other_status")) == 1
    work(report)

    assert list(Conversion.objects.values_list("transaction_id", "status")) == [("T1-5", "refunded")]


def test_a_sale_and_its_refund_on_two_lines_are_one_that_was_refunded():
    offer = make_offer(network=make_network(adapter="tune"))
    click = told(offer, {"goal_id": "5"}, {"goal_id": "5", "status": "refunded"})

    report = brought(offer, f"T1,{click},,approved,5,USD", f"T1,{click},,refunded,5,USD", **REPORT)

    assert verdicts(report) == [(2, "matched"), (3, "matched")]


def test_of_several_goals_the_row_must_name_one():
    offer = make_offer(network=make_network(adapter="tune"))
    click = told(offer, {"goal_id": "5"}, {"goal_id": "6"})
    lines = [f"T1,{click},,approved,5,USD", f"T1,{click},6,approved,5,USD", f"T1-5,{click},,approved,5,USD"]

    report = brought(offer, *lines, **REPORT)

    assert verdicts(report) == [(2, "refused"), (3, "matched"), (4, "matched")]
    assert "Postbacks told of “T1-5”, “T1-6” here, and the row says only “T1”" in details(report)[0]
    assert choose(report.pk, Q()) == 0


def test_the_default_goal_is_the_bare_transaction():
    offer = make_offer(network=make_network(adapter="tune"))
    click = told(offer, {"goal_id": "0"}, {"goal_id": "6"})

    report = brought(offer, f"T1,{click},,approved,5,USD", f"T1,{click},0,approved,5,USD", **REPORT)

    matched = Conversion.objects.get(transaction_id="T1").pk
    assert list(report.rows.filter(verdict="matched").values_list("conversion", flat=True)) == [matched, matched]


def test_another_goal_by_its_name_is_not_taken_for_the_one_that_is_known():
    offer = make_offer(network=make_network(adapter="everflow"))
    click = told(offer, {"event_id": "7", "event_name": "Lead"})
    Conversion.objects.update(network_event="Lead")

    report = brought(offer, f"T1,{click},lead,approved,5,USD", f"T1,{click},Sale,approved,5,USD", **REPORT)

    assert verdicts(report) == [(2, "matched"), (3, "refused")]


def test_where_transactions_are_whole_one_that_only_begins_alike_is_another():
    offer = make_offer()
    click = told(offer, {"txid": "T1-5"})

    report = brought(offer, f"T1,{click},,approved,5,USD", **REPORT)

    assert verdicts(report)[0] == (2, "missing_here")
