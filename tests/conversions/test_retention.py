"""Old postbacks and visitors' data go; what still matters stays, and a repeated postback is still a repetition."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from conversions import retention
from conversions.consent import record_answer
from conversions.digest import digest_one
from conversions.models import Click, ConsentRecord, Conversion, LedgerEntry, Postback, Sighting, StrangePage
from conversions.outcomes import Outcome
from conversions.replaying import replay
from conversions.retention import Chore
from dispatch.models import Delivery
from tests.factories import make_click, make_conversion, make_delivery, make_network, make_offer, make_postback
from tests.staff import staff_client
from trackingsite.housekeeping import prune_some

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=400)
LIMIT = NOW - timedelta(days=60)


def prune(chore: Chore, before: datetime = LIMIT) -> int:
    return sum(chore.batches(before))


def visitors() -> Chore:
    return retention.visitors(Delivery.objects.exclude(status="accepted"))


def buyers() -> Chore:
    return retention.buyers(Delivery.objects.exclude(status="accepted"))


def finished_postback(**fields: Any) -> Postback:
    postback = make_postback(fields.pop("network", None) or make_network(), {}, received_at=LONG_AGO)
    fields = {"due_at": None, "outcome": Outcome.RECORDED, "digested_at": LONG_AGO, **fields}
    Postback.objects.filter(pk=postback.pk).update(**fields)
    return Postback.objects.get(pk=postback.pk)


def sale(click: Click, received_at: datetime) -> Postback:
    params = {"click_id": click.pk, "txid": "T-1", "payout": "5"}
    return digest_one(make_postback(click.offer.network, params, received_at=received_at).pk)


def test_deletes_old_postbacks_and_keeps_young_ones():
    finished_postback()
    young = finished_postback(received_at=LIMIT)

    count = prune(retention.postbacks())

    assert (count, list(Postback.objects.all())) == (1, [young])


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": Outcome.UNMATCHED_CLICK, "due_at": NOW + timedelta(hours=1)},
        {"outcome": Outcome.RECEIVED, "due_at": LONG_AGO},
        {"outcome": Outcome.RECEIVED, "due_at": None},
        {"outcome": Outcome.RECORDED, "due_at": NOW},  # to be replayed
    ],
)
def test_a_postback_that_has_work_to_do_stays_with_its_address(fields: dict[str, Any]):
    postback = finished_postback(remote_ip="192.0.2.1", **fields)

    assert prune(retention.postbacks()) == prune(retention.callers()) == 0

    assert Postback.objects.get().remote_ip == postback.remote_ip


def test_one_that_waited_for_its_click_in_vain_goes():
    finished_postback(outcome=Outcome.UNMATCHED_CLICK)

    assert prune(retention.postbacks()) == 1


def test_a_sale_whose_postback_is_gone_is_not_counted_again():
    click = make_click()
    sale(click, LONG_AGO)
    prune(retention.postbacks())

    again = sale(click, NOW)

    assert (again.outcome, again.detail) == (Outcome.DUPLICATE, "The same as a postback that is no longer kept.")
    assert LedgerEntry.objects.get().postback is None
    assert Conversion.objects.get().payout == 5


@pytest.mark.parametrize(("mode", "payout", "entries"), [("ignore", 5, 1), ("update", 7, 2)])
def test_other_amounts_than_a_pruned_postbacks_follow_the_duplicate_mode(mode: str, payout: int, entries: int):
    click = make_click(make_offer(network=make_network(duplicate_mode=mode)))
    sale(click, LONG_AGO)
    prune(retention.postbacks())

    params = {"click_id": click.pk, "txid": "T-1", "payout": "7"}
    digest_one(make_postback(click.offer.network, params).pk)

    assert (Conversion.objects.get().payout, LedgerEntry.objects.count()) == (payout, entries)


def test_a_refund_finds_the_sale_of_a_pruned_postback():
    click = make_click()
    sale(click, LONG_AGO)
    prune(retention.postbacks())

    digest_one(make_postback(click.offer.network, {"txid": "T-1", "status": "refunded"}).pk)

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED


def test_the_story_of_a_conversion_says_that_its_calls_are_gone():
    sale(make_click(), LONG_AGO)
    prune(retention.postbacks())

    page = reverse("admin:conversions_conversion_change", args=[Conversion.objects.get().pk])
    response = staff_client("conversions.view_conversion").get(page)

    assert "too old to be kept; the ledger has what they said" in response.content.decode()
    assert "Sale approved" in response.content.decode()


def test_a_postbacks_address_goes_and_the_rest_stays():
    postback = finished_postback(remote_ip="192.0.2.1", detail="As it was.")

    count = prune(retention.callers())

    assert count == 1
    assert Postback.objects.values("remote_ip", "detail", "outcome").get() == {
        "remote_ip": None,
        "detail": "As it was.",
        "outcome": postback.outcome,
    }


@pytest.mark.parametrize("name", ["ip", "user_ip", "IP_Address", "ipv6", "ua", "user_agent", "click-user-agent"])
def test_the_visitor_goes_from_what_the_network_sent(name: str):
    finished_postback(remote_ip="192.0.2.1", params={name: "a visitor", "txid": "T-1", "zip": "x", "status_ua_ok": "y"})

    prune(retention.callers())

    assert Postback.objects.get().params == {name: "[hidden]", "txid": "T-1", "zip": "x", "status_ua_ok": "y"}


def test_the_beginning_of_an_unreadable_call_goes():
    finished_postback(remote_ip="192.0.2.1", outcome=Outcome.UNDECODABLE, raw_call="ip=203.0.113.9")

    prune(retention.callers())

    assert Postback.objects.get().raw_call == ""


def test_a_refused_address_goes_from_the_refusal_too():
    finished_postback(
        outcome=Outcome.IP_NOT_ALLOWED, remote_ip="192.0.2.1", detail="192.0.2.1 is not in the list.", digested_at=NOW
    )

    prune(retention.callers())

    assert "192.0.2.1" not in Postback.objects.get().detail


def test_a_refused_postback_stays_refused_without_its_address():
    network = make_network(allowed_ips="198.51.100.0/24")
    postback = finished_postback(network=network, outcome=Outcome.IP_NOT_ALLOWED, remote_ip="192.0.2.1")
    prune(retention.callers())

    replay([postback.pk], NOW)

    assert digest_one(postback.pk).outcome == Outcome.IP_NOT_ALLOWED


def test_an_old_click_loses_its_visitor_and_keeps_its_ids():
    click = make_click(created_at=LONG_AGO)

    count = prune(visitors())

    stored = Click.objects.get()
    assert (count, stored.ip, stored.user_agent) == (1, None, "")
    assert (stored.ttclid, stored.landing_url) == (click.ttclid, click.landing_url)


def test_a_click_with_nothing_but_a_browser_is_pruned_once():
    make_click(created_at=LONG_AGO, ip=None)

    assert [prune(visitors()), prune(visitors())] == [1, 0]


def test_a_click_that_could_still_convert_keeps_its_visitor():
    click = make_click(created_at=LIMIT)

    prune(visitors())

    assert Click.objects.get().ip == click.ip


def test_a_click_with_an_unplanned_conversion_keeps_its_visitor():
    make_conversion(make_click(created_at=LONG_AGO))

    assert prune(visitors()) == 0


@pytest.mark.parametrize("status", ["waiting", "leased", "held", "dead"])
def test_a_click_with_an_unfinished_delivery_keeps_its_visitor(status: str):
    click = make_click(created_at=LONG_AGO)
    make_delivery(make_conversion(click), status="accepted")
    make_delivery(make_conversion(click, event_name="Lead"), status=status)

    assert prune(visitors()) == 0


def test_digests_go_with_the_visitor():
    click = make_click(created_at=LONG_AGO, ip=None, user_agent="", email_sha256="a digest", external_id_sha256="one")
    sale = make_conversion(click, created_at=LONG_AGO, planned_at=NOW, email_sha256="a digest", phone_sha256="another")
    call = finished_postback(remote_ip="192.0.2.1", email_sha256="a digest")

    assert [prune(chore) for chore in (visitors(), buyers(), retention.callers())] == [1, 1, 1]

    for row in (click, sale, call):
        row.refresh_from_db()
        assert (row.email_sha256, row.phone_sha256) == ("", "")
    assert (click.external_id_sha256, sale.payout) == ("", 40)


def test_a_sale_that_is_still_to_be_told_keeps_its_digests():
    waiting, _ = (make_conversion(created_at=LONG_AGO, email_sha256="a digest") for _ in range(2))
    make_delivery(waiting, status="waiting")

    assert prune(buyers()) == 0


def test_what_browsers_said_goes_and_so_do_pages_that_are_silent():
    sale, now = make_conversion(), {"first_at": LONG_AGO, "last_at": NOW}
    for outcome, moment in (("fired", LONG_AGO), ("blocked", NOW)):
        Sighting.objects.create(conversion=sale, outcome=outcome, created_at=moment)
    StrangePage.objects.create(offer=sale.offer, host="silent.example", **{**now, "last_at": LONG_AGO})
    StrangePage.objects.create(offer=sale.offer, host="still-calling.example", **now)

    assert [prune(chore) for chore in (retention.sightings(), retention.strange_pages())] == [1, 1]

    assert (Sighting.objects.get().outcome, StrangePage.objects.get().host) == ("blocked", "still-calling.example")


def test_the_proof_of_consent_stays_for_ever():
    click = make_click(created_at=LONG_AGO)
    record_answer(click.pk, "granted", "banner", "", LONG_AGO)

    prune_some()

    assert ConsentRecord.objects.get().state == "granted"


def test_a_dry_run_counts_and_changes_nothing():
    finished_postback(remote_ip="192.0.2.1")
    make_click(created_at=LONG_AGO)

    chores = [retention.postbacks(), retention.callers(), visitors()]
    counts = [sum(chore.batches(LIMIT, dry_run=True)) for chore in chores]

    assert counts == [1, 1, 1]
    assert (Postback.objects.get().remote_ip, Click.objects.get().ip) == ("192.0.2.1", "198.51.100.7")


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 3)


@pytest.mark.usefixtures("_small_batches")
def test_goes_batch_after_batch_past_what_is_kept():
    network = make_network()
    waiting = {finished_postback(network=network, due_at=NOW).pk for _ in range(4)}
    for _ in range(5):
        finished_postback(network=network)
    young = {finished_postback(network=network, received_at=NOW).pk for _ in range(4)}

    counts = list(retention.postbacks().batches(LIMIT))

    assert counts == [0, 2, 3]
    assert set(Postback.objects.values_list("pk", flat=True)) == waiting | young


@pytest.mark.usefixtures("_small_batches")
def test_may_be_left_at_any_batch_and_goes_on_later():
    network = make_network()
    for _ in range(7):
        finished_postback(network=network)

    first = next(retention.postbacks().batches(LIMIT))

    assert (first, Postback.objects.count()) == (3, 4)
    assert prune(retention.postbacks()) == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_small_batches")
def test_two_at_once_prune_each_row_once():
    network = make_network()
    for _ in range(40):
        finished_postback(network=network)
    counts: list[int] = []

    def work() -> None:
        counts.append(prune(retention.postbacks()))
        connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) + prune(retention.postbacks()) == 40  # what both were at is left for the next time
    assert not Postback.objects.exists()


def test_what_was_pruned_before_is_not_read_again():
    fill_years()
    chores = [
        ("click_with_visitor", visitors()),
        ("postback_with_address", retention.callers()),
        ("conversion_with_digest", buyers()),
    ]

    plans = [(index, chore.rows.order_by("pk").values_list("pk", chore.age)[:500].explain()) for index, chore in chores]

    assert [plan for index, plan in plans if index not in plan] == []


def fill_years() -> None:
    """Thousands of rows that were pruned long ago; a handful that were not."""
    offer = make_offer()
    Click.objects.bulk_create(
        Click(offer=offer, created_at=LONG_AGO, ip=None if number % 500 else "192.0.2.1") for number in range(3000)
    )
    click = Click.objects.first()
    Conversion.objects.bulk_create(
        Conversion(
            click=click, offer=offer, event_name="Lead", event_id=uuid4(), occurred_at=LONG_AGO, created_at=LONG_AGO,
            email_sha256="" if number % 500 else "a digest",
        )
        for number in range(3000)
    )  # fmt: skip
    Postback.objects.bulk_create(
        Postback(network=offer.network, received_at=LONG_AGO, method="GET", remote_ip=None if n % 500 else "192.0.2.1")
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
