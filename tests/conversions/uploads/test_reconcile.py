"""A network's report beside what is recorded here."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from conversions.models import Conversion, Upload
from conversions.uploads.creating import choose
from offers.models import Network
from tests.conversions.support import digest_everything
from tests.conversions.uploads.support import csv_bytes, details, make_upload, verdicts, work
from tests.factories import make_click, make_offer, make_postback

pytestmark = pytest.mark.django_db
HEADINGS = "Transaction ID,Sub ID 1,Status,Commission,Currency"
TODAY = datetime.now(UTC).date()


def report(*lines: str, network: Network, **fields: Any) -> Upload:
    """A compared report of these days."""
    period = {"period_from": TODAY - timedelta(days=3), "period_to": TODAY + timedelta(days=1), **fields}
    content = csv_bytes(HEADINGS, *lines)
    return work(make_upload(content, network, purpose=Upload.Purpose.RECONCILE, **period))


def sold(offer: Any, txid: str, payout: str = "5", status: str = "approved") -> str:
    """A conversion that a postback brought; its click id."""
    click = make_click(offer)
    make_postback(offer.network, {"click_id": click.pk, "txid": txid, "payout": payout, "status": status})
    digest_everything()
    return click.pk


def test_each_row_says_how_it_stands_here():
    offer = make_offer()
    for txid in ("SAME", "AMOUNT", "STATUS", "THERE"):
        sold(offer, txid)
    lines = ["SAME,,approved,5,USD", "AMOUNT,,approved,7,USD", "STATUS,,refunded,5,USD",
             f"HERE,{make_click(offer).pk},approved,9,USD", "LOST,,approved,9,USD", "BAD,,weird,9,USD"]  # fmt: skip

    upload = report(*lines, network=offer.network)

    expected = ["matched", "other_amount", "other_status", "missing_here", "missing_here", "refused", "missing_there"]
    assert [verdict for _, verdict in verdicts(upload)] == expected
    assert "The report says 7.00 USD, here it is 5.00 USD" in details(upload)[1]
    assert "The report says “Refunded”, here it is “Approved”" in details(upload)[2]
    assert upload.rows.last().conversion.transaction_id == "THERE"


def test_comparing_changes_nothing():
    offer = make_offer()
    sold(offer, "T-1")
    before = list(Conversion.objects.values())

    report("T-1,,refunded,5,USD", f"T-2,{make_click(offer).pk},,5,USD", network=offer.network)

    assert list(Conversion.objects.values()) == before


def test_what_was_missing_and_what_differs_is_created_as_chosen():
    offer = make_offer()
    sold(offer, "STATUS")
    fresh = make_click(offer).pk
    lines = ["STATUS,,refunded,5,USD", f"HERE,{fresh},approved,9,USD", "LOST,,approved,9,USD"]
    upload = report(*lines, network=offer.network)

    assert choose(upload.pk, Q(verdict="missing_here")) == 1
    work(upload)
    assert set(Conversion.objects.values_list("transaction_id", "status")) == {
        ("STATUS", "approved"),
        ("HERE", "approved"),
    }

    assert choose(upload.pk, Q(verdict="other_status")) == 1
    work(upload)
    assert Conversion.objects.get(transaction_id="STATUS").status == "refunded"
    assert choose(upload.pk, Q()) == 0


def test_a_sale_and_its_refund_on_two_lines_match_what_was_refunded_here():
    offer = make_offer()
    sold(offer, "T-1")
    make_postback(offer.network, {"txid": "T-1", "status": "refunded", "payout": "5"})
    digest_everything()

    upload = report("T-1,,approved,5,USD", "T-1,,refunded,5,USD", network=offer.network)

    assert [verdict for _, verdict in verdicts(upload)] == ["matched", "matched"]


def test_a_report_without_transactions_is_joined_by_the_click():
    offer = make_offer()
    click = sold(offer, "")

    upload = report(f",{click},approved,5,USD", network=offer.network)

    assert [verdict for _, verdict in verdicts(upload)] == ["matched"]


@pytest.mark.parametrize(
    ("status", "words"), [("pending", "pending here"), ("rejected", "rejected here too"), ("refunded", "was refunded")]
)
def test_what_the_report_lacks_is_explained_by_its_status(status: str, words: str):
    offer = make_offer()
    sold(offer, "T-1", status=status)

    upload = report("OTHER,,approved,5,USD", network=offer.network)

    assert words in details(upload)[-1]


def test_only_conversions_of_the_network_and_the_period_can_be_missing_there():
    offer = make_offer()
    sold(make_offer(), "FOREIGN")
    sold(offer, "OLD")
    old = datetime.now(UTC) - timedelta(days=30)
    Conversion.objects.filter(transaction_id="OLD").update(occurred_at=old, created_at=old)

    upload = report("T-9,,approved,5,USD", network=offer.network)

    assert [verdict for _, verdict in verdicts(upload)] == ["missing_here"]


def test_many_missing_there_are_found_once_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.uploads.reconciling.CHUNK", 2)
    offer = make_offer()
    for n in range(5):
        sold(offer, f"T-{n}")

    upload = report("T-9,,approved,5,USD", network=offer.network)

    assert upload.rows.filter(verdict="missing_there").values("conversion").distinct().count() == 5
    assert upload.detail == "1 missing here, 5 missing in the report"
