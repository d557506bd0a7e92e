"""The admin's first page: what needs a person, today's numbers, for whom they are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversions.outcomes import Outcome
from dispatch.models import Credential, Heartbeat, Lane, NetworkSlot, ScaleDecision
from dispatch.reasons import Reason
from dispatch.rollups.keeping import roll_up
from dispatch.rollups.slots import slot_of
from dispatch.rotation import revoke
from dispatch.takeover import refuse
from offers.models import Offer, Pixel
from tests.factories import (
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_network,
    make_offer,
    make_pixel,
    make_postback,
)
from tests.staff import staff_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_workers_live")]
INDEX = reverse("admin:index")
SEES_ALL = (
    "offers.view_pixel",
    "offers.view_offer",
    "conversions.view_click",
    "conversions.view_conversion",
    "conversions.view_postback",
    "dispatch.view_delivery",
    "dispatch.view_deadletter",
)


@pytest.fixture
def _workers_live() -> None:
    Heartbeat.objects.start("host", timezone.now())


@pytest.fixture
def _noon() -> Iterator[None]:
    """Twelve hours before and after are of one day."""
    with time_machine.travel(timezone.now().replace(hour=12, minute=10), tick=False):
        yield


def needs() -> list[Any]:
    return staff_client(*SEES_ALL).get(INDEX).context["needs"]


def page(*permissions: str) -> str:
    return html(staff_client(*permissions or SEES_ALL))


def html(client: Client) -> str:
    response = client.get(INDEX)
    assert response.status_code == 200
    return response.content.decode()


def working_pixel(**fields: Any) -> Pixel:
    pixel = make_pixel(**fields)
    make_credential(pixel)
    return pixel


def conversion_of(pixel: Pixel) -> Any:
    return make_conversion(make_click(make_offer(pixel=pixel)))


def dead(reason: str = Reason.INVALID) -> None:
    make_delivery(conversion_of(working_pixel()), status="dead", reason=reason, next_attempt_at=None)


def test_says_that_nothing_needs_anybody():
    make_offer(pixel=working_pixel())

    assert "Nothing needs you" in page()


def test_names_a_pixel_that_tiktok_refuses_and_leads_to_its_rotation():
    pixel = working_pixel(name="Shop US")
    pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", timezone.now() - timedelta(hours=2))
    rotate = reverse("admin:dispatch_credential_rotate", args=[pixel.pk])

    assert "TikTok refuses the credential of Shop US" in page()
    assert "Access token is incorrect." in page()
    assert rotate not in page()
    assert rotate in page(*SEES_ALL, "dispatch.rotate_credential")


def test_names_a_pixel_that_staff_paused():
    working_pixel(name="Shop US").pause(Pixel.PausedBy.STAFF, "Campaign is over.", timezone.now())

    assert "Shop US is paused" in page()


def test_names_a_pixel_without_a_credential_when_an_offer_needs_one():
    make_pixel(name="Unused")
    make_offer(pixel=make_pixel(name="Retired"), is_active=False)
    make_offer(pixel=make_pixel(name="Browser"), tracking_mode=Offer.TrackingMode.PIXEL)
    make_offer(pixel=make_pixel(name="Needed"))

    shown = page()

    assert "Needed has no credential" in shown
    assert [name for name in ("Unused", "Retired", "Browser") if f"{name} has no" in shown] == []


def test_counts_dead_letters_by_reason_and_leads_to_them():
    dead()
    dead()
    dead(Reason.CONTRACT)

    shown = page()

    assert "2 dead letters: TikTok refused the event" in shown
    assert "1 dead letter: Breaks TikTok&#x27;s contract" in shown
    assert f"{reverse('admin:dispatch_deadletter_changelist')}?reason=invalid" in shown


def test_leads_to_where_postbacks_are_dealt_with():
    network = make_network(name="House")
    for outcome in (Outcome.UNMAPPED_STATUS, Outcome.NO_RULE):
        NetworkSlot.objects.create(network=network, starts_at=slot_of(timezone.now()), outcome=outcome, postbacks=2)

    shown = page()

    assert "2 postbacks in 24 hours: Status not mapped (House)" in shown
    assert reverse("admin:conversions_postback_unmapped") in shown
    assert f"{reverse('admin:conversions_postback_changelist')}?outcome__exact=no_rule" in shown


def test_suspects_the_workers_when_a_delivery_is_late():
    make_delivery(conversion_of(working_pixel()), next_attempt_at=timezone.now() - timedelta(minutes=12))

    assert "due for 12\xa0minutes" in page()


def test_a_paused_pixels_queue_is_no_sign_of_stopped_workers():
    pixel = working_pixel()
    make_delivery(conversion_of(pixel), next_attempt_at=timezone.now() - timedelta(minutes=12))
    pixel.pause(Pixel.PausedBy.STAFF, "", timezone.now())

    assert "Deliveries are late" not in page()


def test_a_queue_that_is_worked_through_is_no_sign_of_stopped_workers():
    pixel = working_pixel(max_events_per_second=1)
    make_delivery(conversion_of(pixel), next_attempt_at=timezone.now() - timedelta(minutes=12))
    Lane.objects.create(pixel=pixel, next_event=timezone.now().timestamp())

    assert "Deliveries are late" not in page()


def trip(pixel: Pixel, ago: timedelta = timedelta()) -> None:
    """Open the pixel's breaker, so long ago, with the next probe a minute from now."""
    now = timezone.now()
    fields = {"tripped_at": now - ago, "failed_at": now - ago, "probe_at": now + timedelta(minutes=1)}
    Lane.objects.create(pixel=pixel, trips=1, last_failure="HTTP 502", **fields)


@pytest.mark.parametrize(("minutes", "tone"), [(1, "warn"), (6, "bad")])
def test_an_outage_becomes_bad_when_it_lasts(minutes: int, tone: str):
    trip(working_pixel(name="Shop US"), timedelta(minutes=minutes))

    [need] = needs()

    assert (need.title, need.tone) == ("TikTok fails for Shop US", tone)
    assert "“HTTP 502”" in need.words


def test_an_outage_of_all_pixels_is_one_need():
    for number in range(7):
        trip(working_pixel(name=f"Shop {number}"))

    [need] = needs()

    assert need.title == "TikTok fails for 7 pixels"
    assert need.words.startswith("Shop 0, Shop 1, Shop 2, Shop 3, Shop 4 and 2 more.")


@pytest.mark.parametrize(
    ("rest", "queued_for", "expected"),
    [(2, 0, []), (8, 0, ["rests"]), (2, 6, ["rests"]), (-1, 6, ["is slowed down"]), (-1, 1, [])],
)
def test_a_rest_or_a_slow_pace_counts_when_conversions_are_late(rest: int, queued_for: int, expected: list[str]):
    pixel, now = working_pixel(name="Shop US"), timezone.now()
    until = now + timedelta(minutes=rest)
    Lane.objects.create(pixel=pixel, rest_until=until, pace=1 / 64, paced_at=until)
    make_delivery(conversion_of(pixel), next_attempt_at=now - timedelta(minutes=queued_for))

    assert [need.title for need in needs()] == [f"Shop US {words} because TikTok asked" for words in expected]


def taken_over() -> tuple[Credential, Credential]:
    pixel = make_pixel(name="Shop US")
    refused = make_credential(pixel)
    spare = make_credential(pixel, "a-spare-token-0123456789-wxyz", state=Credential.State.STAGED)
    refuse(refused, "Access token is incorrect.", timezone.now())
    return refused, spare


def test_a_takeover_is_told_until_the_refused_credential_is_revoked():
    refused, _ = taken_over()

    shown = page(*SEES_ALL, "dispatch.view_credential")
    revoke(refused, None, timezone.now())

    assert f"TikTok refused …{refused.last_four} of Shop US; …wxyz took over" in shown
    assert "TikTok had said: “Access token is incorrect.” Revoke" in shown
    assert "took over" not in page(*SEES_ALL, "dispatch.view_credential")


def test_a_takeover_is_for_those_who_may_see_credentials_and_leads_where_they_may_go():
    refused, _ = taken_over()
    rotate = reverse("admin:dispatch_credential_rotate", args=[refused.pixel_id])
    credentials = f"{reverse('admin:dispatch_credential_changelist')}?pixel__id__exact={refused.pixel_id}"

    assert "took over" not in page()
    assert credentials in page("dispatch.view_credential")
    assert rotate in page("dispatch.view_credential", "dispatch.rotate_credential")


def test_suspects_the_workers_when_a_postback_is_not_digested():
    make_postback(make_network(), {}, received_at=timezone.now() - timedelta(minutes=7))

    assert "The oldest postback has waited for 7\xa0minutes" in page()


@pytest.mark.usefixtures("_noon")
def test_shows_todays_numbers_beside_yesterdays_up_to_the_same_time():
    pixel = working_pixel()
    for age in (timedelta(hours=25), timedelta(hours=20), timedelta(days=3)):
        make_click(created_at=timezone.now() - age)
    make_delivery(conversion_of(pixel), status="accepted", accepted_at=timezone.now())
    make_delivery(conversion_of(pixel))
    roll_up(timezone.now())

    context = staff_client(*SEES_ALL, "dispatch.view_report").get(INDEX).context

    assert {figure.name: (figure.shown, figure.note) for figure in context["figures"]} == {
        "Clicks today": ("2", "1 yesterday by this time"),
        "Sales today": ("2", "0 yesterday by this time"),
        "Payout today": ("80.00 USD", ""),
        "Accepted by TikTok today": ("1", "of 1 that were sent"),
        "Waiting to be sent": ("1", ""),
    }
    assert [chart.words for chart in context["charts"]] == [
        "Clicks by hour: 2 today, 2 on the whole of yesterday.",
        "Sales by hour: 2 today, 0 on the whole of yesterday.",
    ]


def test_shows_the_gravest_decision_first_with_its_reason():
    for name, verdict in (("Calm", "raise"), ("Broken", "hold"), ("New", "watch")):
        decide(make_offer(name=name), verdict, [f"{name} is {verdict}.", "Something else."])

    spend = staff_client("dispatch.view_scaledecision").get(INDEX).context["spend"]

    assert [(each.offer, each.verdict) for each in spend.standings] == [
        ("Broken", "Hold"),
        ("New", "Watch"),
        ("Calm", "Raise"),
    ]
    assert spend.standings[0].words == "Reason: Broken is hold. And 1 more."
    assert staff_client("offers.view_offer").get(INDEX).context["spend"] is None


def test_says_how_many_offers_are_decided_on_beyond_those_shown():
    for number in range(14):
        decide(make_offer(name=f"Offer {number}"), "hold", ["It is broken."])
    make_offer()

    spend = staff_client("dispatch.view_scaledecision").get(INDEX).context["spend"]

    assert (len(spend.standings), spend.left, spend.counts, spend.undecided) == (12, 2, [("Hold", 14)], 1)


def decide(offer: Offer, verdict: str, words: list[str]) -> None:
    reasons = [{"code": "clean", "title": "Reason", "words": each, "speaks": verdict} for each in words]
    reasons += [{"code": "clean", "title": "Clean", "words": "All is well.", "speaks": "raise"}]
    moment = timezone.now()
    ScaleDecision.objects.create(offer=offer, verdict=verdict, reasons=reasons, decided_at=moment, looked_at=moment)


def test_each_part_is_for_those_who_may_see_it():
    dead()

    shown = page("conversions.view_click")

    assert "Clicks today" in shown
    assert "dead letter" not in shown
    assert "Sales today" not in shown
    assert "Payout today" not in shown
    assert "Your account has no role yet" in page("admin.view_logentry")


def test_offers_the_demo_on_a_local_installation(settings: Any):
    assert "Try the demo" not in page()
    make_offer(slug="demo")
    assert f"{settings.PUBLIC_BASE_URL}/c/demo/?ttclid=" in page()

    settings.PUBLIC_BASE_URL = "https://tracking.example"
    assert "Try the demo" not in page()


def test_hostile_names_are_escaped():
    make_offer(pixel=make_pixel(name="<script>alert(1)</script>"))

    assert "<script>alert(1)</script>" not in page()


def test_queries_do_not_grow_with_rows(django_assert_num_queries: Any, django_assert_max_num_queries: Any):
    client = staff_client(*SEES_ALL, "dispatch.view_credential")
    dead()
    make_offer(pixel=make_pixel())
    taken_over()
    trip(working_pixel())
    with django_assert_max_num_queries(45) as for_one:
        html(client)
    for reason in (Reason.CONTRACT, Reason.CRASH_LOOP):
        dead(reason)
    for _ in range(4):
        make_offer(pixel=make_pixel())
        make_postback(make_network(), {}, outcome=Outcome.BAD_AMOUNT)
        taken_over()
        trip(working_pixel())

    with django_assert_num_queries(len(for_one)):
        html(client)


def test_names_each_currency_that_lacks_a_rate_and_leads_to_whoever_may_add_one():
    click = make_click()
    for currency in ("UGX", "UGX", "XAF"):
        make_delivery(make_conversion(click), status="held", reason=Reason.NO_RATE, lacks_rate=currency)
    make_delivery(make_conversion(click), status="accepted", lacks_rate="XOF")

    page = staff_client(*SEES_ALL, "offers.add_exchangerate").get(INDEX).content.decode()
    others = staff_client(*SEES_ALL).get(INDEX).content.decode()

    assert "2 deliveries held: there is no exchange rate for UGX" in page
    assert "1 delivery held: there is no exchange rate for XAF" in page
    assert "XOF" not in page
    assert f"{reverse('admin:offers_exchangerate_add')}?currency=UGX" in page
    assert "reason__exact=no_rate" in others
