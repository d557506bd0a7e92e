"""A postback that found no click is given one by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversions.attaching import AttachError, attach, find_click, suggested_clicks
from conversions.digest import digest_one
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from offers.models import Network
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


def lost(network: Network, **params: str) -> Postback:
    return digest_one(make_postback(network, {"txid": "T-1", "payout": "5", **params}).pk)


@pytest.mark.parametrize("sent", ["", "somebody-elses-id", "{sub1}", "clickid", "%7Bsub1%7D"])
def test_the_sale_goes_to_the_click(sent: str):
    click = make_click()
    postback = lost(click.offer.network, click_id=sent)

    done = attach(postback.pk, click)

    assert (done.outcome, done.attached_to) == (Outcome.RECORDED, click.pk)
    assert Conversion.objects.get().click == click


def test_a_click_of_another_network_gives_way_to_the_right_one():
    right = make_click()
    postback = lost(right.offer.network, click_id=make_click().pk)

    attach(postback.pk, right)

    assert postback.outcome == Outcome.WRONG_NETWORK
    assert Conversion.objects.get().click == right


def test_digested_once_more_it_counts_nothing_twice():
    click = make_click()
    postback = attach(lost(click.offer.network).pk, click)

    digest_one(postback.pk)

    assert Conversion.objects.get().ledger_entries.count() == 1


def test_one_that_has_found_its_place_meanwhile_stays_there():
    click = make_click()
    postback = lost(click.offer.network, click_id=click.pk)

    with pytest.raises(AttachError, match="digested meanwhile, as “Recorded”"):
        attach(postback.pk, make_click(click.offer))

    assert Postback.objects.get().attached_to == ""


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("nonsense", "“nonsense” is no click id of ours"),
        ("0" * 26, "There is no click 0000"),
        ("another network's", "an offer of Elsewhere"),
    ],
)
def test_refuses_what_can_not_be_its_click(typed: str, words: str):
    elsewhere = make_click(make_offer(network=make_network(name="Elsewhere")))
    typed = elsewhere.pk if typed == "another network's" else typed

    with pytest.raises(AttachError, match=words):
        find_click(lost(make_network()), typed)


def test_finds_a_click_however_its_id_was_pasted():
    click = make_click()

    assert find_click(lost(click.offer.network), f" {click.pk.upper()}\n") == click


def test_suggests_the_nearest_clicks_of_the_networks_offers_that_came_before():
    network = make_network()
    offers = [make_offer(network=network) for _ in range(2)]
    now = timezone.now()
    hour_ago, minute_ago = (
        make_click(offer, created_at=now - age)
        for offer, age in zip(offers, (timedelta(hours=1), timedelta(minutes=1)), strict=True)
    )
    make_click(offers[0], created_at=now + timedelta(minutes=1))
    make_click(offers[0], created_at=now - timedelta(days=8))
    make_click(created_at=now - timedelta(minutes=2))

    assert suggested_clicks(make_postback(network, {}, received_at=now)) == [minute_ago, hour_ago]


def test_suggests_a_handful_whatever_there_is(django_assert_max_num_queries: Any):
    network = make_network()
    for _ in range(2):
        offer = make_offer(network=network)
        for _ in range(12):
            make_click(offer)
    postback = make_postback(network, {}, received_at=timezone.now() + timedelta(seconds=1))

    with django_assert_max_num_queries(5):
        assert len(suggested_clicks(postback)) == 15
