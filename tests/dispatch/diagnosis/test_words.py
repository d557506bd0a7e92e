"""Words and next steps that depend on more than the cause."""

from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch.models import Heartbeat
from dispatch.tiktok.client import scrub
from offers.models import Offer, Pixel
from tests.dispatch.diagnosis.support import age, report, sent, traced, verdict
from tests.factories import (
    TOKEN,
    make_click,
    make_conversion,
    make_delivery,
    make_network,
    make_offer,
    make_postback,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("consent", "words"), [("denied", "refused"), ("withdrawn", "took back their agreement")])
def test_who_has_agreed_before_has_not_refused(offer: Offer, consent: str, words: str):
    click = make_click(offer, consent=consent)
    idle = traced(click.pk).first.ruling.words

    report(offer.network, click_id=click.pk, txid="T-1", status="approved")

    assert words in idle
    assert words in traced(click.pk).first.ruling.words


def test_a_sale_that_the_network_counts_twice_is_no_pages_doing():
    offer = make_offer(network=make_network(duplicate_mode="count"))
    click = make_click(offer)
    for _ in range(2):
        report(offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")

    subject = traced("T-1").first

    assert subject.ruling.cause == "same_sale"
    assert "The network reported it under both" in subject.next_step.text
    assert subject.next_step.link.endswith(f"/network/{offer.network_id}/change/")


def test_a_networks_own_test_has_nothing_to_do_with_the_pixel(offer: Offer):
    report(offer.network, click_id=make_click(offer).pk, txid="T-1", status="test")

    assert "tried its postback URL" in traced("T-1").first.next_step.text


def test_what_the_ad_left_unreplaced_is_named(offer: Offer):
    url = "https://landing.example/?ttclid=__CLICKID__&campaign_id=__CAMPAIGN_ID__&ad_id=7&click_id=x"
    click = make_click(offer, ttclid="", landing_url=url)

    notes = " ".join(traced(click.pk).first.notes)

    assert "(ttclid=__CLICKID__, campaign_id=__CAMPAIGN_ID__)" in notes
    assert "Correct the URL in the ad" in notes


def test_a_call_from_the_future_is_told_with_the_time_that_stands(offer: Offer):
    click, named = make_click(offer), timezone.now() + timedelta(hours=2)
    report(offer.network, click_id=click.pk, ts=named.isoformat())

    calls = [each.words for each in traced(click.pk).first.timeline if each.stage == "postback"]

    assert f"The network dated it {named:%Y-%m-%d %H:%M:%S}" in calls[0]


def test_what_was_too_late_when_it_came_has_nothing_to_discard(offer: Offer):
    click = age(make_click(offer), days=40)
    report(offer.network, click_id=click.pk, ts=str(int((timezone.now() - timedelta(days=30)).timestamp())))

    step = traced(click.pk).first.next_step

    assert step.text.startswith("Nothing to do")


@pytest.mark.parametrize(("outcome", "who"), [("bad_signature", "Somebody"), ("undecodable", "A network")])
def test_nobody_knows_who_called_without_the_right_signature(outcome: str, who: str):
    postback = make_postback(make_network(), {}, outcome=outcome)

    assert traced(f"postback {postback.pk}").first.ruling.words.startswith(who)


def test_a_refused_call_has_one_verdict_by_whichever_of_its_ids(offer: Offer):
    click = make_click(offer)
    make_postback(offer.network, {}, outcome="bad_signature", raw_call=f"click_id={click.pk}&txid=BS-1&sig=0")

    assert verdict(click.pk) == verdict("BS-1") == ("never_sent", "bad_signature")


@pytest.mark.parametrize(("alive", "cause"), [(True, "on_its_way"), (False, "workers_stopped")])
def test_a_call_that_nobody_has_digested_is_known_by_what_it_names(offer: Offer, alive: bool, cause: str):
    click = make_click(offer)
    make_postback(offer.network, {"click_id": click.pk, "txid": "T-1"})
    Heartbeat.objects.filter(pk__in=[] if alive else Heartbeat.objects.values("pk")).delete()

    assert verdict(click.pk) == verdict("T-1") == verdict("transaction T-1") == ("delayed", cause)


def test_a_value_that_was_replaced_is_told_in_a_sentence():
    record = {
        "by": "lead_quality", "word": "Hot", "value": "40.00", "currency": "USD", "source": "payout",
        "instead_of": {"value": "12.50", "currency": "USD"},
    }  # fmt: skip
    timeline = traced(sent(valued=record).event_id).first.timeline

    assert any(
        "Told 40.00 USD for lead quality “Hot”, instead of the payout 12.50 USD." in each.words for each in timeline
    )


def test_a_silent_network_names_its_limit(offer: Offer):
    offer.network.silence_hours, offer.network.heard_at = 6, timezone.now() - timedelta(hours=10)
    offer.network.save()

    assert "for 10 hours, and it may be silent for 6 hours" in traced(make_click(offer).pk).first.ruling.words


def test_a_refusal_has_the_pixels_code_compared_and_shows_it_whole(offer: Offer):
    delivery = make_delivery(make_conversion(make_click(offer)))
    said = scrub(f"No permission for event source {offer.pixel.code}.", TOKEN, offer.pixel.code)
    offer.pixel.pause(Pixel.PausedBy.AUTH, said, timezone.now())

    subject = traced(delivery.event_id).first

    assert subject.ruling.cause == "credential_refused"
    assert offer.pixel.code in subject.ruling.words
    assert "Compare the pixel's code" in subject.next_step.text
    assert "rotate the credential" in subject.next_step.text
