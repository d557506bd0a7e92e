"""A page that was opened: its click is found, or registered once."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversions.models import Click, Conversion
from tests.conversions.pixel.support import PAGE, RULES, call, call_for
from tests.factories import call_page_event, make_click, make_offer

pytestmark = pytest.mark.django_db


def test_a_fresh_visitor_is_registered_with_what_page_and_browser_say():
    offer, client = make_offer(RULES), Client()

    response = call(
        "arrival",
        offer,
        client,
        url=f"{PAGE}?ttclid=E.C.P.abcdefgh&utm_source=tiktok&email=jane%40example.com",
        referrer="https://www.tiktok.example/",
        ttp="2Oqabcdefghijk",
    )

    click = Click.objects.get()
    assert (click.ttclid, click.utm_source, click.ttp) == ("E.C.P.abcdefgh", "tiktok", "2Oqabcdefghijk")
    assert (click.referrer, click.user_agent) == ("https://www.tiktok.example/", "Mozilla/5.0 (iPhone)")
    assert click.landing_url == f"{PAGE}?ttclid=E.C.P.abcdefgh&utm_source=tiktok&click_id={click.pk}"
    assert (response.status_code, response.json()["click_id"]) == (200, click.pk)
    assert client.cookies["click_id"].value == click.pk


@pytest.mark.parametrize("place", ["body", "url", "cookie"])
def test_a_known_click_is_not_registered_again(place: str, django_assert_num_queries):
    click, client = make_click(make_offer(RULES)), Client()
    known = {"body": {"click_id": click.pk}, "url": {"url": f"{PAGE}?click_id={click.pk}"}, "cookie": {}}[place]
    client.cookies["click_id"] = click.pk if place == "cookie" else ""
    call("arrival", click.offer, client, **known)

    with django_assert_num_queries(3):
        response = call("arrival", click.offer, client, **known)

    assert response.json()["click_id"] == Click.objects.get().pk == client.cookies["click_id"].value


def test_a_newer_ad_click_is_a_new_arrival_and_going_back_finds_the_older_one():
    click, client = make_click(make_offer(RULES), ttclid="E.C.P.older"), Client()
    client.cookies["click_id"] = click.pk

    newer = call("arrival", click.offer, client, url=f"{PAGE}?ttclid=E.C.P.newer").json()["click_id"]
    older = call("arrival", click.offer, client, url=f"{PAGE}?ttclid=E.C.P.older").json()["click_id"]

    assert (older, Click.objects.get(pk=newer).ttclid) == (click.pk, "E.C.P.newer")
    assert client.cookies["click_id"].value == f"{older}.{newer}"


def test_clicks_of_other_offers_and_erased_ones_are_passed_over():
    offer, client = make_offer(RULES), Client()
    erased = make_click(offer, erased_at="2026-01-01T00:00Z")
    client.cookies["click_id"] = make_click(make_offer(RULES)).pk

    answer = call("arrival", offer, client, click_id=erased.pk).json()

    assert Click.objects.filter(offer=offer).exclude(pk=erased.pk).get().pk == answer["click_id"]


def test_the_page_learns_what_was_told_before():
    click = make_click(make_offer(RULES))
    conversion = call_page_event(click, "ViewContent", said={"value": 5})

    events = call_for(click, "arrival").json()["events"]

    assert events["ViewContent"]["recorded"] == {"value": 5.0, "currency": "USD"}
    assert events["ViewContent"]["event_id"] == str(conversion.event_id)
    assert events["Lead"]["recorded"] is None


def test_what_the_browser_knows_by_now_is_written_down_once(django_assert_num_queries):
    click = make_click(make_offer(RULES), ttclid="", ttp="")
    refusing = make_click(click.offer, ttclid="", consent="denied")
    known = {"ttp": "2Oqabcdefghijk", "ttclid": "E.C.P.cookie"}

    for each in (click, refusing):
        call_for(each, "arrival", **known)
    with django_assert_num_queries(3):
        call_for(click, "arrival", ttp="<script>", ttclid="E.C.P.other")

    assert list(Click.objects.order_by("consent").values_list("consent", "ttp", "ttclid")) == [
        ("denied", "", ""),
        ("unknown", "2Oqabcdefghijk", "E.C.P.cookie"),
    ]


def test_what_began_as_a_prefetch_is_a_visitor_once_its_page_runs():
    offer = make_offer(RULES)
    prefetched, unseen = make_click(offer, robot="prefetch"), make_click(offer, robot="prefetch")
    bot = make_click(offer, robot="bot")
    for click in (prefetched, unseen, bot):
        call_page_event(click, "ViewContent")
    Conversion.objects.update(planned_at="2026-01-01T00:00Z")

    call_for(prefetched, "arrival")
    call_for(unseen, "arrival", Client(HTTP_SEC_PURPOSE="prefetch;prerender"))
    call_for(bot, "arrival")

    assert Conversion.objects.get(planned_at=None).click == prefetched
    robots = dict(Click.objects.values_list("pk", "robot"))
    assert [robots[click.pk] for click in (prefetched, unseen, bot)] == ["", "prefetch", "bot"]


@pytest.mark.parametrize("secret", [{"consent": "granted"}, {"email_sha256": "e" * 64}])
def test_who_opens_a_link_with_a_strangers_click_id_gets_a_click_of_their_own(secret: dict[str, str]):
    offer = make_offer(RULES, consent_required=True, send_email=True)
    click = make_click(offer, user_agent="Mozilla/5.0 (Android)", **secret)
    named = {"click_id": click.pk, "url": f"{PAGE}?click_id={click.pk}"}

    answer = call("arrival", offer, **named).json()
    again = call("arrival", offer, **named, kept=answer["click_id"]).json()

    assert (answer["consent"], "sha256_email" in answer["identity"]) == ("unknown", False)
    assert answer["click_id"] == again["click_id"] != click.pk


@pytest.mark.parametrize(
    ("known", "fields"),
    [
        ("kept", {}),
        ("body", {}),
        ("cookie", {}),
        ("", {"created_at": timezone.now(), "user_agent": "Mozilla/5.0 (iPhone)"}),
        ("", {"consent": "denied", "email_sha256": ""}),
        ("", {"consent": "unknown", "email_sha256": ""}),
    ],
)
def test_the_visitors_own_click_is_handed_out_wherever_the_page_is(known: str, fields: dict[str, Any]):
    offer, client = make_offer(RULES, send_email=True), Client()
    yesterday = timezone.now() - timedelta(days=1)
    click = make_click(offer, **{"consent": "granted", "email_sha256": "e" * 64, "created_at": yesterday, **fields})
    client.cookies["click_id"] = click.pk if known == "cookie" else ""
    query = "" if known == "body" else f"?click_id={click.pk}"

    answer = call("arrival", offer, client, url=PAGE + query, click_id=click.pk, kept=known == "kept" and click.pk)

    state = answer.json()
    assert (state["click_id"], state["consent"]) == (click.pk, click.consent)
    assert state["identity"].get("sha256_email", "") == click.email_sha256
