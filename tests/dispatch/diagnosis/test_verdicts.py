"""What became of a conversion, in one word of a closed list, and why."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversions.models import Sighting
from dispatch.diagnosis.steps import STEPS
from dispatch.diagnosis.verdicts import Cause, Verdict, trouble
from dispatch.models import Heartbeat, Lane
from dispatch.planning import plan
from dispatch.reasons import Reason
from offers.models import Network, Offer, Pixel
from tests.dispatch.diagnosis.support import DAY, age, report, sent, traced, verdict, workers_run
from tests.factories import (
    call_page_event,
    make_attempt,
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_network,
    make_offer,
    make_postback,
)

pytestmark = pytest.mark.django_db
PAGE = {"trigger": "page", "event_name": "Purchase"}
APPROVED = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}


def sale(offer: Offer, **click: Any) -> str:
    """The click id of a visitor whose sale the network has reported, as planning left it."""
    visitor = make_click(offer, **click)
    report(offer.network, click_id=visitor.pk, txid="T-1", status="approved", payout="40")
    return visitor.pk


def test_every_cause_has_a_next_step():
    assert set(STEPS) == set(Cause)


def test_what_a_person_has_to_look_at_comes_before_what_is_as_intended():
    denied = trouble(Verdict.NEVER_SENT, Cause.CONSENT_DENIED)
    nothing = trouble(Verdict.NOT_REPORTED, Cause.NO_CONVERSION_YET)

    assert trouble(Verdict.DELAYED, Cause.NO_CREDENTIAL) < denied < trouble(Verdict.DELIVERED, Cause.TOLD) < nothing


@pytest.mark.parametrize(
    ("click", "cause"),
    [
        ({"consent": "denied"}, "consent_denied"),
        ({"consent": "withdrawn"}, "consent_denied"),
        ({"robot": "bot"}, "robot"),
        ({"erased_at": timezone.now()}, "erased"),
    ],
)
def test_a_sale_is_never_sent_because_of_its_visitor(offer: Offer, click: dict[str, Any], cause: str):
    assert verdict(sale(offer, **click)) == ("never_sent", cause)


def test_a_sale_waits_for_the_visitors_word(offer: Offer):
    Offer.objects.update(consent_required=True)

    assert verdict(sale(offer)) == ("never_sent", "consent_unknown")


def test_a_sale_without_anything_to_match_by_is_never_sent(offer: Offer):
    assert verdict(sale(offer, ttclid="", ip=None)) == ("never_sent", "no_match_key")


def test_a_currency_without_a_rate_is_never_sent(offer: Offer):
    click = make_click(offer)

    report(offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40", currency="XAF")

    assert verdict(click.pk) == ("never_sent", "no_rate")


def test_a_sale_of_last_month_is_too_old(offer: Offer):
    click = age(make_click(offer), days=40)

    report(
        offer.network, click_id=click.pk, txid="T-1", status="approved",
        ts=str(int((timezone.now() - timedelta(days=30)).timestamp())),
    )  # fmt: skip

    assert verdict(click.pk) == ("never_sent", "too_old")


def test_the_server_leaves_to_the_pixel_what_the_offer_says():
    offer = make_offer([PAGE], tracking_mode="pixel")
    conversion = call_page_event(make_click(offer), "Purchase")
    plan(timezone.now())
    verdicts = [verdict(conversion.event_id)]

    Sighting.objects.create(conversion=conversion, outcome="blocked", created_at=timezone.now())
    verdicts.append(verdict(conversion.event_id))
    Sighting.objects.create(conversion=conversion, outcome="fired", created_at=timezone.now())
    verdicts.append(verdict(conversion.event_id))

    assert verdicts == [("never_sent", "pixel_only"), ("never_sent", "pixel_blocked"), ("delivered", "pixel_only")]


def test_a_pending_sale_is_not_told_where_only_approved_ones_are(offer: Offer):
    click = make_click(offer)

    report(offer.network, click_id=click.pk, txid="T-1", status="pending")

    assert verdict(click.pk) == ("never_sent", "not_approved")


def test_an_event_that_no_rule_tells_names_the_rule(offer: Offer):
    conversion = make_conversion(make_click(offer), event_name="Lead", planned_at=timezone.now())

    assert verdict(conversion.event_id) == ("never_sent", "no_rule")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "dead", "reason": "contract"}, ("never_sent", "contract")),
        ({"status": "dead", "reason": "invalid", "detail": "No such pixel"}, ("rejected", "invalid")),
        ({"status": "dead", "reason": "retries_exhausted"}, ("rejected", "retries_exhausted")),
        ({"status": "dead", "reason": "crash_loop"}, ("never_sent", "crash_loop")),
        ({"status": "dead", "reason": "failed"}, ("never_sent", "failed")),
        ({"status": "held", "reason": "outcome_unknown"}, ("delayed", "outcome_unknown")),
        ({"status": "held", "reason": "no_test_code"}, ("never_sent", "no_test_code")),
        ({"status": "discarded", "reason": "invalid", "decision": "Discarded: a test"}, ("never_sent", "discarded")),
    ],
)
def test_what_was_given_up_says_why(fields: dict[str, Any], expected: tuple[str, str]):
    delivery = make_delivery(**fields)

    assert verdict(delivery.event_id) == expected


def test_every_reason_of_a_delivery_has_a_verdict():
    for reason in Reason:
        delivery = make_delivery(status="suppressed", reason=reason)

        assert traced(delivery.event_id).first.ruling.words


def test_what_tiktok_refused_is_told_in_its_own_words():
    delivery = make_delivery(status="dead", reason="invalid", detail="event_time is in the future")
    make_attempt(delivery, verdict="invalid", http_status=200, code=40002, message="event_time is in the future")

    words = traced(delivery.event_id).first.ruling.words

    assert "“event_time is in the future”" in words
    assert "code 40002" in words


def test_a_waiting_delivery_names_what_delays_it(offer: Offer):
    delivery = make_delivery(make_conversion(make_click(offer)))
    found = [verdict(delivery.event_id)]

    Lane.objects.create(pixel=offer.pixel, rest_until=timezone.now() + timedelta(minutes=5))
    found.append(verdict(delivery.event_id))
    Lane.objects.update(rest_until=None, trips=1, tripped_at=timezone.now())
    found.append(verdict(delivery.event_id))
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    found.append(verdict(delivery.event_id))
    offer.pixel.pause(Pixel.PausedBy.STAFF, "", timezone.now())
    found.append(verdict(delivery.event_id))
    offer.pixel.pause(Pixel.PausedBy.AUTH, "Access token revoked", timezone.now())
    found.append(verdict(delivery.event_id))
    offer.pixel.resume(timezone.now())
    offer.pixel.credentials.all().delete()
    found.append(verdict(delivery.event_id))

    assert [verdict for verdict, _ in found] == ["delayed"] * 7
    assert [cause for _, cause in found] == [
        "on_its_way", "throttled", "tiktok_failing", "workers_stopped", "pixel_paused", "credential_refused",
        "no_credential",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "hours", "cause"),
    [
        ({"status": "waiting", "attempts": 2, "detail": "HTTP 502"}, 1, "tiktok_failing"),
        ({"status": "waiting"}, -1, "queue_long"),
        ({"status": "leased"}, -1, "lease_lost"),
        ({"status": "leased"}, 1, "on_its_way"),
    ],
)
def test_a_delivery_of_its_own_lateness_says_so(offer: Offer, fields: dict[str, Any], hours: int, cause: str):
    moment = timezone.now() + timedelta(hours=hours)

    delivery = make_delivery(make_conversion(make_click(offer)), next_attempt_at=moment, lease_until=moment, **fields)

    assert verdict(delivery.event_id) == ("delayed", cause)


def test_what_no_worker_has_looked_at_waits_for_the_workers():
    conversion = make_conversion()
    before = verdict(conversion.event_id)

    workers_run()

    assert (before, verdict(conversion.event_id)) == (("delayed", "workers_stopped"), ("delayed", "on_its_way"))


def test_of_what_is_delivered_the_blocked_pixel_comes_first_and_then_the_sale():
    click = make_click(make_offer([{"trigger": "page", "event_name": "ViewContent"}, APPROVED]))
    report(click.offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")
    bought, viewed = click.conversions.get(), call_page_event(click, "ViewContent")
    bought.deliveries.update(status="accepted", accepted_at=timezone.now())
    sent(viewed)
    before = verdict(click.pk)

    Sighting.objects.create(conversion=viewed, outcome="blocked", created_at=timezone.now())

    assert (before, verdict(click.pk)) == (("delivered", "told"), ("delivered", "pixel_blocked"))


def test_an_accepted_event_says_what_became_of_the_pixels_copy():
    click = make_click(make_offer([PAGE, APPROVED]))
    conversion = call_page_event(click, "Purchase")
    sent(conversion)
    found = [verdict(conversion.event_id)]

    Sighting.objects.create(conversion=conversion, outcome="blocked", detail="CSP", created_at=timezone.now())
    found.append(verdict(conversion.event_id))
    Sighting.objects.create(conversion=conversion, outcome="fired", created_at=timezone.now())
    found.append(verdict(conversion.event_id))

    assert found == [("delivered", "pixel_unheard"), ("delivered", "pixel_blocked"), ("delivered", "told")]


def test_an_event_of_the_server_alone_does_not_ask_for_the_pixel():
    assert verdict(sent().event_id) == ("delivered", "told")


def test_a_test_is_delivered_as_one():
    assert verdict(sent(is_test=True).event_id) == ("delivered", "test")


@pytest.mark.parametrize(
    ("status", "cause"), [("refunded", "refund"), ("chargeback", "chargeback"), ("rejected", "rejection")]
)
def test_what_was_taken_back_after_tiktok_was_told_is_refunded(status: str, cause: str):
    delivery = sent(make_conversion(status=status))

    assert verdict(delivery.event_id) == ("refunded", cause)


def test_what_was_taken_back_before_is_refunded_and_not_told(offer: Offer):
    click = make_click(offer)
    report(offer.network, click_id=click.pk, txid="T-1", status="refunded", payout="40")

    report(offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")

    assert verdict(click.pk) == ("refunded", "taken_back")
    assert "never" in traced(click.pk).first.ruling.words


def test_a_sale_that_a_page_named_otherwise_is_a_double_of_the_networks():
    offer = make_offer([PAGE, APPROVED])
    make_credential(offer.pixel)
    click = make_click(offer)
    report(offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")
    double = call_page_event(click, "Purchase", key="ORDER-77")
    plan(timezone.now())

    subject = traced(double.event_id).first

    reported = click.conversions.exclude(pk=double.pk).order_by("pk")[0]
    assert (subject.ruling.verdict, subject.ruling.cause) == ("duplicated", "same_sale")
    assert str(reported.event_id) in subject.ruling.words
    assert subject.next_step.link.endswith(f"/{reported.pk}/change/")


def test_one_transaction_under_two_clicks_is_a_double():
    network = make_network()
    offer = make_offer(network=network)
    first, second = (make_conversion(make_click(offer), transaction_id="T-9") for _ in range(2))
    sent(first)
    sent(second)

    trace = traced("T-9")

    assert [subject.ruling.cause for subject in trace.subjects] == ["same_sale", "told"]
    assert trace.first.case.conversion == second


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"status": "approved"}, ("waiting_for_click", "unknown_click")),
        ({"status": "weird"}, ("unmatched", "unmapped_status")),
        ({"status": "approved", "payout": "a lot"}, ("unmatched", "bad_amount")),
        ({"status": "approved", "payout": "4", "currency": "DOLLARS"}, ("unmatched", "bad_currency")),
        ({"status": "approved", "payout": "{payout}"}, ("unmatched", "unreplaced_macro")),
        ({"status": "ignored"}, ("never_sent", "ignored")),
        ({"status": "test"}, ("never_sent", "test")),
    ],
)
def test_a_call_of_an_unknown_click_is_found_by_the_click_id_it_sent(params: dict[str, str], expected: tuple[str, str]):
    network = make_network(heard_at=timezone.now())

    report(network, click_id="1234567890abcdefghij", txid="T-1", **params)

    assert verdict("1234567890abcdefghij") == expected


def test_a_call_without_a_click_id_is_no_call_of_an_unknown_click(offer: Offer):
    click = make_click(offer)

    report(offer.network, txid="N-1", status="approved", payout="10")

    assert verdict("N-1") == ("unmatched", "missing_click_id")
    assert verdict(click.pk) == ("not_reported", "missing_click_id")


@pytest.mark.parametrize("change", [lambda key: key[:20], lambda key: f"{key}-xx"])
def test_a_transaction_leads_to_the_click_whose_id_was_changed(offer: Offer, change: Callable[[str], str]):
    click = make_click(offer)

    report(offer.network, click_id=change(click.pk), txid="TR-1", status="approved")

    assert verdict("TR-1") == verdict(click.pk) == ("unmatched", "click_id_changed")


def test_a_refused_signature_is_found_by_the_transaction_that_it_names():
    make_postback(make_network(), {}, outcome="bad_signature", raw_call="click_id=x&txid=BS%2D1&sig=abc")

    assert verdict("BS-1") == ("unmatched", "bad_signature")


def test_a_call_whose_click_never_came_is_unmatched_after_its_last_try():
    postback = make_postback(make_network(), {}, click_ref="abc", outcome="unmatched_click", tries=7)
    postback.due_at = None
    postback.save()

    assert verdict(f"postback {postback.pk}") == ("unmatched", "unknown_click")


@pytest.mark.parametrize(
    ("params", "cause"),
    [
        ({"status": "weird"}, "unmapped_status"),
        ({"status": "approved", "payout": "a lot"}, "bad_amount"),
        ({"status": "approved", "txid": "{transaction_id}"}, "unreplaced_macro"),
        ({"status": "rebill"}, "no_rule"),
    ],
)
def test_a_click_whose_call_was_refused_says_why(offer: Offer, params: dict[str, str], cause: str):
    click = make_click(offer)

    report(offer.network, click_id=click.pk, **params)

    assert verdict(click.pk) == ("never_sent", cause)


def test_a_click_of_another_networks_offer_is_unmatched(offer: Offer):
    click = make_click(offer)

    report(make_network(), click_id=click.pk, txid="T-1", status="approved")

    assert verdict(click.pk) == ("unmatched", "wrong_network")


def test_a_click_id_that_was_cut_off_on_its_way_is_recognised(offer: Offer):
    click = make_click(offer)

    report(offer.network, click_id=click.pk[:20], txid="T-1", status="approved")

    assert verdict(click.pk) == ("unmatched", "click_id_changed")


@pytest.mark.parametrize(
    ("params", "cause"), [({"click_id": "{aff_sub}"}, "unreplaced_macro"), ({"click_id": ""}, "missing_click_id")]
)
def test_a_click_without_a_sale_hears_of_calls_that_name_no_click(offer: Offer, params: dict[str, str], cause: str):
    click = make_click(offer)

    report(offer.network, status="approved", **params)

    assert verdict(click.pk) == ("not_reported", cause)


def test_a_silent_network_has_not_reported(offer: Offer):
    offer.network.silence_hours = 6
    offer.network.heard_at = timezone.now() - timedelta(hours=10)
    offer.network.save()

    assert verdict(make_click(offer).pk) == ("not_reported", "network_silent")


@pytest.mark.parametrize("network", [{"heard_at": None}, {"heard_at": timezone.now() - 3 * DAY}])
def test_a_network_that_never_called_since_the_click_is_silent_too(network: dict[str, Any]):
    click = age(make_click(make_offer(network=make_network(**network))), days=2)

    assert verdict(click.pk) == ("not_reported", "network_silent")


def test_a_sale_of_an_ad_that_kept_its_macros_says_where_to_correct_them(offer: Offer):
    click = make_click(offer, landing_url="https://shop.example/?ttclid=__CLICKID__")
    sent(make_conversion(click))

    step = traced(click.pk).first.next_step

    assert step.text.startswith("Correct the URL in the ad")
    assert step.link.endswith(f"/offer/{offer.pk}/change/")


def test_a_time_of_the_network_that_cannot_be_is_remarked(offer: Offer):
    click = make_click(offer)
    tomorrow = str(int((timezone.now() + DAY).timestamp()))

    report(offer.network, click_id=click.pk, status="approved", payout="40", ts=tomorrow)

    assert "Check the clock and time zone there." in " ".join(traced(click.pk).first.notes)


@pytest.mark.parametrize(("heard", "cause"), [(None, "wrong_secret"), (2, "wrong_secret"), (0.5, "click_too_young")])
def test_calls_with_a_wrong_secret_are_the_cause_until_one_has_the_right_one(
    offer: Offer, heard: float | None, cause: str
):
    now = timezone.now()
    offer.network.turned_away_at = now - timedelta(hours=1)
    offer.network.heard_at = now - timedelta(hours=heard) if heard else None
    offer.network.save()
    click = make_click(offer, created_at=now - timedelta(hours=3))

    ruling = traced(click.pk).first.ruling

    assert (ruling.verdict, ruling.cause) == ("not_reported", cause)
    assert "called with a wrong secret since the visitor came" in ruling.words


def test_a_call_with_a_wrong_secret_says_nothing_of_a_click_that_came_after_it(offer: Offer):
    Network.objects.update(turned_away_at=timezone.now() - timedelta(hours=1))

    ruling = traced(make_click(offer).pk).first.ruling

    assert ruling.cause == "click_too_young"
    assert "wrong secret" not in ruling.words


def test_a_click_that_led_to_nothing_is_young_first_and_then_without_a_sale(offer: Offer):
    click = make_click(offer)
    young = verdict(click.pk)

    offer.network.heard_at = timezone.now()
    offer.network.save()
    age(click, days=2)

    assert (young, verdict(click.pk)) == (("not_reported", "click_too_young"), ("not_reported", "no_conversion_yet"))


def test_a_visitor_who_was_sent_on_learns_of_the_cap(offer: Offer):
    click = make_click(offer, capped_offer=make_offer(name="The full one"))

    assert verdict(click.pk) == ("never_sent", "capped")
    assert "The full one" in traced(click.pk).first.ruling.words


def test_a_sale_that_only_a_page_told_waits_for_the_network(offer: Offer):
    conversion = call_page_event(make_click(offer), "Purchase", now=timezone.now() - timedelta(hours=30))
    offer.network.heard_at = timezone.now()
    offer.network.save()
    plan(timezone.now())

    assert verdict(conversion.event_id) == ("not_reported", "sale_unreported")


def test_a_sale_that_tiktok_has_from_a_page_alone_asks_for_the_networks_word():
    offer = make_offer(
        [{"trigger": "page", "event_name": "Purchase"}, {"trigger": "approved", "event_name": "Purchase"}]
    )
    told = [
        call_page_event(make_click(offer), "Purchase", now=timezone.now() - timedelta(hours=hours))
        for hours in (20, 30)
    ]
    for conversion in told:
        make_delivery(conversion, status="accepted", accepted_at=timezone.now())
        Sighting.objects.create(conversion=conversion, outcome="fired", created_at=timezone.now())

    young, old = [traced(str(conversion.event_id)).first for conversion in told]

    assert (young.ruling.verdict, young.ruling.cause) == ("delivered", "told")
    assert (old.ruling.verdict, old.ruling.cause) == ("delivered", "sale_unreported")
    assert "Ask the network for this sale" in old.next_step.text


def test_a_call_that_was_refused_unread_is_found_by_what_stands_in_it():
    network = make_network(heard_at=timezone.now())
    make_postback(network, {}, outcome="bad_signature", raw_call="order=XK-55512&sum=3")

    assert verdict("XK-55512") == ("unmatched", "bad_signature")


def test_a_repeated_call_leads_to_its_conversion(offer: Offer):
    click = make_click(offer)
    for _ in range(2):
        report(offer.network, click_id=click.pk, txid="T-1", status="approved")
    repetition = offer.network.postbacks.get(outcome="duplicate")

    causes = [subject.ruling.cause for subject in traced(f"postback {repetition.pk}").subjects]

    assert causes == ["on_its_way", "duplicate_postback"]


def test_two_visitors_with_one_event_name_are_never_mixed(offer: Offer):
    mine, other = make_conversion(make_click(offer)), make_conversion(make_click(offer))
    sent(other)

    assert [subject.case.key for subject in traced(mine.event_id).subjects] == [str(mine.pk)]


def test_nothing_here_is_asked_for_by_an_id_that_nobody_has():
    with pytest.raises(LookupError):
        traced(uuid.uuid4())
