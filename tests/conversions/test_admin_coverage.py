"""The pages of coverage and of an offer: figures with advice, hosts that were not entered, caps."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversions import coverage
from conversions.models import Sighting, StrangePage
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_network, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
COVERAGE = reverse("admin:conversions_conversion_coverage")
VIEW = "conversions.view_conversion"
SALE = {"trigger": "approved", "event_name": "Purchase"}
PAGE = {"trigger": "page", "event_name": "ViewContent"}


@pytest.fixture(autouse=True)
def _public_site(settings):
    settings.PUBLIC_BASE_URL = "https://track.example"


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def covered(offer: Offer) -> str:
    return text_of(staff_client(VIEW).get(COVERAGE, {"offer": offer.pk}))


def offer_url(offer: Offer, name: str = "change") -> str:
    return reverse(f"admin:offers_offer_{name}", args=[offer.pk])


def strange(offer: Offer, host: str = "copied.example") -> StrangePage:
    now = timezone.now()
    return StrangePage.objects.create(offer=offer, host=host, calls=1234, first_at=now, last_at=now)


def test_without_offers_or_rows_it_says_so():
    assert "There are no offers yet" in text_of(staff_client(VIEW).get(COVERAGE))

    page = covered(make_offer([{**PAGE, "legs": "pixel"}]))

    for words in (
        "There was no conversion in the last 7 days.", "There was no click in the last 7 days.",
        "No event rule of this offer uses the Events API", "No event of a page goes over both legs",
        "No visitor came in the last 7 days.", "No robot was recognised",
    ):  # fmt: skip
        assert words in page


def test_shows_shares_answers_and_what_was_left_out():
    offer = make_offer([SALE, PAGE])
    make_conversion(make_click(offer, consent="granted"))
    make_conversion(make_click(offer, ttclid=""))
    make_conversion(make_click(offer, robot="bot"))
    make_conversion(make_click(offer, consent="denied"))

    page = covered(offer)

    assert "These are all 4 conversions of 7 days." in page
    assert "told of them: 1 of robots, 1 of visitors who refused." in page
    assert 'title="1 of 2"><span class="share"><span class="share-text">50&nbsp;%' in page
    assert "Bot 1 (25 % of all clicks)" in page
    assert "It has not happened in the last 7 days." in page


@pytest.mark.parametrize(
    ("policy", "click", "words"),
    [
        ({}, {}, "Tick “Send hashed e-mail” on the offer&#x27;s page"),
        ({}, {"email_sha256": "a" * 64}, "100 % of these conversions have one already."),
        ({}, {"ttclid": ""}, "as the ad&#x27;s URL: it brings each click&#x27;s ttclid."),
        ({"send_email": True}, {}, "in the postback URL (parameter “mail”)"),
        ({"send_email": True, "send_phone": True}, {"email_sha256": "a" * 64}, "the buyer&#x27;s phone number"),
    ],
)
def test_advises_what_to_add_next(policy, click, words):
    offer = make_offer([SALE], network=make_network(parameter_names={"email": "mail"}), **policy)
    make_conversion(make_click(offer, **click))

    assert words in covered(offer)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("fired", "Both legs tell the same story."),
        ("blocked", "Browsers keep the Pixel back."),
        ("", "Browsers do not say what became of the Pixel."),
    ],
)
def test_says_what_to_look_at_when_the_ratio_is_low(outcome, words):
    offer = make_offer([PAGE])
    conversion = make_conversion(make_click(offer), event_name="ViewContent")
    if outcome:
        Sighting.objects.create(conversion=conversion, outcome=outcome, created_at=timezone.now())

    assert words in covered(offer)


def test_says_that_it_read_the_newest_only(monkeypatch):
    monkeypatch.setattr(coverage, "NEWEST", 2)
    monkeypatch.setattr("conversions.admin.coverage.NEWEST", 2)
    click = make_click(make_offer([SALE]))
    for _ in range(3):
        make_conversion(click)

    assert "These are the newest 2 conversions of the last 7 days" in covered(click.offer)


def test_costs_the_same_number_of_queries_for_one_row_and_for_many():
    offer, client = make_offer([SALE, PAGE]), staff_client(VIEW)
    make_conversion(make_click(offer))
    with CaptureQueriesContext(connection) as for_one:
        client.get(COVERAGE)

    for _ in range(4):
        make_conversion(make_click(offer))
        make_offer()

    with CaptureQueriesContext(connection) as for_many:
        client.get(COVERAGE)
    assert len(for_many) == len(for_one)


def test_is_closed_to_others_and_knows_no_foreign_offer():
    assert staff_client("conversions.view_click").get(COVERAGE).status_code == 403
    for garbage in ("0", "9" * 30, "x", "\x00", "-1"):
        assert staff_client(VIEW).get(COVERAGE, {"offer": garbage}).status_code == 404


def test_the_offers_page_and_the_list_lead_to_it():
    offer, client = make_offer(), staff_client("offers.view_offer", VIEW)
    link = f"{COVERAGE}?offer={offer.pk}"

    assert link in text_of(client.get(offer_url(offer)))
    listed = reverse("admin:conversions_conversion_changelist")
    assert link in text_of(client.get(listed, {"offer__id__exact": offer.pk}))
    assert COVERAGE in text_of(client.get(listed))
    assert COVERAGE not in text_of(staff_client("offers.view_offer").get(offer_url(offer)))


def test_a_strange_page_is_shown_to_those_who_may_see_it_and_entered_by_those_who_may_change():
    offer = make_offer(page_hosts="a.example")
    strange(offer)
    strange(offer, "landing.example")
    may_look = ("offers.view_offer", "conversions.view_strangepage")

    seen = text_of(staff_client(*may_look).get(offer_url(offer)))
    editable = text_of(staff_client(*may_look, "offers.change_offer").get(offer_url(offer)))

    assert "copied.example" in seen
    assert ">landing.example<" not in seen  # it has been entered meanwhile
    assert "Add to the hosts of my pages" not in seen
    assert "Add to the hosts of my pages" in editable
    assert "copied.example" not in text_of(staff_client("offers.view_offer").get(offer_url(offer)))


def test_adding_a_strange_host_enters_it_once_and_is_on_record():
    offer = make_offer(page_hosts="a.example")
    strange(offer)
    client, add = staff_client("offers.view_offer", "offers.change_offer"), offer_url(offer, "add_host")

    done = text_of(client.post(add, {"host": "copied.example"}, follow=True))
    again = text_of(client.post(add, {"host": "copied.example"}, follow=True))

    offer.refresh_from_db()
    assert offer.page_hosts == "a.example copied.example"
    assert "Added “copied.example” to the hosts of your pages. The 1,234 calls before were refused" in done
    assert "Nothing was changed" in again
    assert LogEntry.objects.get().object_id == str(offer.pk)


def test_only_what_has_called_can_be_added_and_only_with_the_right():
    offer = make_offer()
    strange(offer)
    add = offer_url(offer, "add_host")

    assert staff_client("offers.view_offer").post(add, {"host": "copied.example"}).status_code == 403
    editor = staff_client("offers.view_offer", "offers.change_offer")
    editor.post(add, {"host": "other.example"})
    editor.get(add, {"host": "copied.example"})

    offer.refresh_from_db()
    assert offer.page_hosts == ""


def test_a_full_list_takes_no_further_host():
    full = " ".join(["h" * 49] * 20)
    offer = make_offer(page_hosts=full)
    strange(offer)

    editor = staff_client("offers.view_offer", "offers.change_offer")
    page = text_of(editor.post(offer_url(offer, "add_host"), {"host": "copied.example"}, follow=True))

    assert "the list of hosts is full" in page
    assert Offer.objects.get(pk=offer.pk).page_hosts == full


def test_caps_show_how_far_they_are_used_up():
    fallback = make_offer(name="Chair")
    offer = make_offer([SALE], daily_cap=1, total_cap=5, fallback_offer=fallback)
    make_conversion(make_click(offer))

    page = text_of(staff_client("offers.view_offer", VIEW).get(offer_url(offer)))

    assert "1 of 1 sales today. The tracking link leads to <a" in page
    assert "1 of 5 sales in all." in page


@pytest.mark.parametrize("fallback", [{"is_active": False}, {"daily_cap": 0}])
def test_a_full_offer_whose_fallback_takes_nobody_keeps_its_visitors(fallback: dict[str, Any]):
    offer = make_offer(daily_cap=0, fallback_offer=make_offer(name="Chair", **fallback))

    page = text_of(staff_client("offers.view_offer", VIEW).get(offer_url(offer)))

    assert "0 of 0 sales today. The tracking link leads to this offer all the same." in page


def test_a_full_offer_leads_past_a_full_fallback():
    chair = make_offer(name="Chair")
    offer = make_offer(daily_cap=0, fallback_offer=make_offer(daily_cap=0, fallback_offer=chair))

    page = text_of(staff_client("offers.view_offer", VIEW).get(offer_url(offer)))

    assert "The tracking link leads to <a" in page
    assert f'{offer_url(chair)}">Chair</a>.' in page
