"""The inbox's list: the reasons above it, its filters, and what stands in a line."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from conversions.admin import inbox
from conversions.digest import digest_one
from conversions.models import Postback
from conversions.outcomes import Outcome
from tests.factories import make_click, make_conversion, make_network, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:conversions_postback_changelist")
VIEW, REPLAY, CHANGE = "conversions.view_postback", "conversions.replay_postback", "offers.change_network"


def finished(network: Any, outcome: str, count: int = 1, **fields: Any) -> list[Postback]:
    rows = [make_postback(network, {}, outcome=outcome, **fields) for _ in range(count)]
    Postback.objects.update(due_at=None)
    return rows


def reasons(query: str = "", *permissions: str) -> list[tuple[str, str]]:
    strip = staff_client(VIEW, *permissions).get(f"{LIST}?{query}").context["strip"]
    return [(reason.outcome.value, reason.shown) for reason in strip.reasons]


def found(query: dict[str, Any]) -> list[Postback]:
    return list(staff_client(VIEW).get(LIST, query).context["cl"].result_list)


def test_counts_what_led_to_nothing_the_most_frequent_first():
    network = make_network()
    for outcome, count in ((Outcome.NO_RULE, 1), (Outcome.UNMAPPED_STATUS, 3), (Outcome.RECORDED, 2)):
        finished(network, outcome, count)

    assert reasons() == [("unmapped_status", "3"), ("no_rule", "1")]


def test_counts_one_network_when_the_list_shows_one():
    network = make_network()
    finished(network, Outcome.NO_RULE)
    finished(make_network(), Outcome.NO_RULE, 2)

    assert reasons(f"network__id__exact={network.pk}") == [("no_rule", "1")]


def test_counts_no_further_than_it_may(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inbox, "COUNTED", 2)
    finished(make_network(), Outcome.NO_RULE, 3)

    assert reasons() == [("no_rule", "2 or more")]


def test_has_no_reasons_above_an_empty_list():
    response = staff_client(VIEW).get(LIST)

    assert "What led to nothing" not in response.content.decode()
    assert "No network has called yet" in response.content.decode()


def test_the_chosen_reason_comes_with_advice_and_a_way_to_replay_all():
    network = make_network()
    finished(network, Outcome.UNMAPPED_STATUS, 2)
    query = f"{LIST}?outcome__exact=unmapped_status&network__id__exact={network.pk}"

    shown = staff_client(VIEW, REPLAY, CHANGE).get(query).content.decode()

    assert "2 with “Status not mapped”" in shown
    assert escape(Outcome.UNMAPPED_STATUS.advice) in shown
    replay_all = reverse("admin:conversions_postback_replay_reason", args=["unmapped_status"])
    assert f"{replay_all}?network={network.pk}" in shown
    assert reverse("admin:conversions_postback_unmapped") in shown


def test_who_may_only_look_gets_advice_and_no_button():
    finished(make_network(), Outcome.UNMAPPED_STATUS)

    shown = staff_client(VIEW).get(f"{LIST}?outcome__exact=unmapped_status").content.decode()

    assert escape(Outcome.UNMAPPED_STATUS.advice) in shown
    assert "Replay all" not in shown


def test_what_could_not_be_read_can_not_be_replayed():
    finished(make_network(), Outcome.UNDECODABLE)

    assert "Replay all" not in staff_client(VIEW, REPLAY).get(f"{LIST}?outcome__exact=undecodable").content.decode()


def test_tells_how_many_wait_to_be_digested():
    make_postback(make_network(), {})

    assert "1 waits to be digested now" in staff_client(VIEW).get(LIST).content.decode()


@pytest.mark.parametrize("outcome", [Outcome.NO_RULE, Outcome.RECORDED])
def test_filters_by_any_outcome(outcome: str):
    network = make_network()
    wanted = finished(network, outcome)
    finished(network, Outcome.FAILED)

    assert found({"outcome__exact": outcome}) == wanted


def test_filters_by_the_offer_of_the_conversion_else_of_the_click():
    offer = make_offer()
    click = make_click(offer)
    clicked = make_postback(offer.network, {}, click_ref=click.pk)
    converted = make_postback(offer.network, {}, conversion=make_conversion(click))
    make_postback(offer.network, {}, conversion=make_conversion())
    make_postback(offer.network, {}, click_ref=make_click().pk)

    assert found({"offer": offer.pk}) == [converted, clicked]


def test_filters_what_was_refused_by_the_offer_of_the_click_that_it_names():
    click = make_click()
    refused = digest_one(make_postback(click.offer.network, {"click_id": click.pk.upper(), "status": "sold!"}).pk)
    digest_one(make_postback(click.offer.network, {"status": "sold!"}).pk)

    assert found({"offer": click.offer_id}) == [refused]


@pytest.mark.parametrize("query", [{"offer": "x"}, {"network__id__exact": "x"}, {"outcome__exact": "x"}])
def test_survives_a_filter_that_nobody_made(query: dict[str, str]):
    make_postback(make_network(), {})

    assert staff_client(VIEW).get(LIST, query, follow=True).status_code == 200


def test_shows_what_was_sent_also_where_it_was_refused():
    click = make_click(make_offer(name="Gummies"))
    params = {"click_id": click.pk, "txid": "T-77", "status": "sold!"}
    digest_one(make_postback(click.offer.network, params).pk)

    shown = staff_client(VIEW).get(LIST).content.decode()

    assert [text for text in (click.pk, "T-77", "sold!", "Gummies") if text not in shown] == []


def test_costs_the_same_whatever_the_rows_lead_to():
    client = staff_client(VIEW, REPLAY)
    make_postback(make_network(), {}, click_ref=make_click().pk, outcome=Outcome.NO_RULE)
    client.get(LIST)
    with CaptureQueriesContext(connection) as for_one:
        client.get(LIST)
    for _ in range(4):
        make_postback(make_network(), {}, click_ref=make_click().pk, outcome=Outcome.WRONG_NETWORK)
        make_postback(make_network(), {}, conversion=make_conversion())

    with CaptureQueriesContext(connection) as for_many:
        client.get(LIST)

    assert len(for_many) == len(for_one)


def test_looks_through_the_newest_only_where_no_index_helps():
    network = make_network()
    old = finished(network, Outcome.TEST)
    newer = finished(network, Outcome.TEST, 2)

    with patch.object(inbox, "SEARCHED_FOR_OUTCOME", 2):
        assert found({"outcome__exact": "test"}) == newer[::-1]
    assert found({"outcome__exact": "test"}) == [*newer[::-1], *old]


def test_counts_by_the_index_of_what_is_troubled():
    network = make_network()
    now = timezone.now()
    Postback.objects.bulk_create(
        Postback(network=network, received_at=now, method="GET", outcome=outcome)
        for outcome in ["recorded"] * 3000 + ["no_rule"] * 20
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    with CaptureQueriesContext(connection) as queries:
        inbox.counts_of(["no_rule"], None)
    with connection.cursor() as cursor:
        words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{words} {queries[-1]['sql']}")
        plan = str(cursor.fetchall())

    assert "postback_troubled" in plan
