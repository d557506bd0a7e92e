"""The same fact over many connections at once: it counts once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connection, transaction
from django.test import Client
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.inserting import PreparedInsert
from conversions.models import Conversion, LedgerEntry, Postback
from tests.conversions.support import digest_everything, postback_url
from tests.factories import call_page_event, make_click, make_network, make_offer, make_postback
from tests.second_connection import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def at_once(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run the actions on THREADS threads with a connection each, all starting together; what they returned."""
    start = threading.Barrier(min(THREADS, len(actions)))
    started = threading.local()

    def run(action: Callable[[], Any]) -> Any:
        if not getattr(started, "yes", False):
            started.yes = True
            close_old_connections()
            start.wait(10)
        try:
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, actions))


@pytest.mark.parametrize("query", ["", "?wait=1"])
@pytest.mark.parametrize("txid", ["T-1", ""])
def test_the_same_postback_twenty_times_is_one_conversion(query: str, txid: str):
    click = make_click()
    url, params = postback_url(click.offer.network) + query, {"click_id": click.pk, "txid": txid, "payout": "5"}

    answers = at_once([lambda: Client().post(url, params).status_code] * 20)
    at_once([digest_everything] * 2)
    digest_everything()

    assert answers == [200] * 20
    assert Postback.objects.count() == 20
    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (1, 1)
    assert sorted(Postback.objects.values_list("outcome", flat=True)) == ["duplicate"] * 19 + ["recorded"]


def test_every_postback_is_digested_by_one_of_several_workers():
    clicks = [make_click(make_offer(network=make_network())) for _ in range(3)]
    for n in range(120):
        click = clicks[n % 3]
        make_postback(click.offer.network, {"click_id": click.pk, "txid": f"T-{n}"})

    def work() -> None:
        while digest_batch(timezone.now(), limit=7):
            pass

    at_once([work] * 4)
    digest_everything()

    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (120, 120)
    assert set(Postback.objects.values_list("outcome", "tries")) == {("recorded", 1)}


def test_different_facts_of_one_conversion_meet_in_it():
    click = make_click()
    facts = ["pending", "approved", "refunded", "chargeback"] * 5
    for status in facts:
        make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "status": status, "payout": "5"})

    at_once([lambda: digest_batch(timezone.now(), limit=1)] * 40)
    digest_everything()

    assert Conversion.objects.get().status == "chargeback"
    assert sorted(LedgerEntry.objects.values_list("kind", flat=True)) == sorted(set(facts))


def test_page_event_and_postback_are_one_conversion():
    for _ in range(10):
        click = make_click()
        make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-" + click.pk, "payout": "5"})

        def page(click=click) -> None:
            call_page_event(click, "Purchase", timezone.now())

        at_once([page, digest_everything, page, digest_everything, page, page])
        digest_everything()

        conversion = Conversion.objects.get(click=click)
        assert (conversion.status, conversion.payout, conversion.occurrence_key) == ("approved", 5, "")
        assert conversion.ledger_entries.count() == 1


def test_a_page_that_names_its_sale_waits_for_the_digest_which_may_have_it():
    click = make_click()
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "payout": "5"})

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            digest_everything()
            page = meanwhile(pool, lambda: call_page_event(click, "Purchase", key="T-1"))
        told = page.result().event_id

    assert told == Conversion.objects.get().event_id


def test_a_page_loaded_many_times_at_once_is_one_event():
    click = make_click()

    ids = at_once([lambda: call_page_event(click, "Purchase", timezone.now()).event_id] * 20)

    assert len(set(ids)) == Conversion.objects.count() == 1


def test_clicks_at_once_are_clicks_of_their_own():
    offer = make_offer()

    statuses = at_once([lambda: Client().get(f"/c/{offer.slug}/?ttclid=E.C.P.abc").status_code] * 20)

    assert statuses == [302] * 20
    assert offer.clicks.count() == 20


def test_a_postback_is_there_for_others_when_its_200_is_sent():
    network = make_network()
    answer = Client().get(postback_url(network))

    (count,) = at_once([Postback.objects.count])

    assert (answer.status_code, count) == (200, 1)


def test_a_postback_that_was_rolled_back_was_never_answered_with_200(monkeypatch: pytest.MonkeyPatch):
    network = make_network()
    real = PreparedInsert.__call__

    def insert_and_lose(self, postback):
        real(self, postback)
        Postback.objects.all().delete()
        raise OperationalError("the connection was lost during the commit")

    monkeypatch.setattr(PreparedInsert, "__call__", insert_and_lose)
    answer = Client().get(postback_url(network))

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
