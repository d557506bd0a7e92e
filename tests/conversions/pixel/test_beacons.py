"""What all calls of a page's script have in common: who may call, what is refused and how, what is answered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from conversions.models import Click, Conversion, StrangePage
from conversions.pixel import strangers
from conversions.pixel.beacons import CALLS
from offers.models import Offer
from tests.conversions.pixel.support import PAGE, RULES, call, call_for, post
from tests.conversions.test_redirect_outage import away
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db
DEEP = "[" * 60_000 + "]" * 5
NUL, HALF = "a\x00b", "\ud83d"


@pytest.fixture(autouse=True)
def _nobody_is_counted_yet() -> None:
    strangers.tally.forget()


def test_a_browser_may_ask_first_and_the_page_may_read_every_answer():
    offer = make_offer(RULES)
    path = f"/pixel/{offer.slug}/arrival/"

    asked = Client().options(path, HTTP_ORIGIN="https://landing.example")
    answers = [post(path, json.dumps({"url": PAGE})), post(path, "{"), post("/pixel/none/anything/", "{}")]

    assert (asked.status_code, asked["Access-Control-Allow-Methods"]) == (204, "POST")
    assert [answer.status_code for answer in answers] == [200, 400, 404]
    for answer in (asked, *answers):
        assert answer["Access-Control-Allow-Origin"] == "https://landing.example"
        assert (answer["Access-Control-Allow-Credentials"], answer["Vary"]) == ("true", "Origin")


REFUSALS: list[tuple[str, Any, int, str]] = [
    ("arrival", "{", 400, "bad_json"),
    ("arrival", DEEP, 400, "bad_json"),
    ("arrival", "[1]", 400, "bad_json"),
    ("arrival", "{" + " " * 65_536 + "}", 413, "too_large"),
    ("arrival", {"url": PAGE + "?" + "&" * 10 + "a=1&" * 1500}, 400, "bad_request"),
    ("nothing", {}, 404, "unknown_call"),
    ("event", {"event": "Lead", "click_id": "0" * 26}, 404, "unknown_click"),
    ("event", {"event": "Lead", "click_id": ["x"]}, 404, "unknown_click"),
    ("event", {"event": "Purchased"}, 400, "no_rule"),
    ("event", {"event": {"a": 1}}, 400, "bad_request"),
    ("event", {"event": "Lead", "key": "k" * 201}, 400, "bad_request"),
    ("event", {"event": "Lead", "key": [1]}, 400, "bad_request"),
    ("event", {"event": "Lead", "properties": "value=5"}, 400, "bad_request"),
    ("sighting", {"event_ids": "abc", "outcome": "fired"}, 400, "bad_request"),
    ("sighting", {"event_ids": ["x"] * 51, "outcome": "fired"}, 400, "bad_request"),
    ("sighting", {"event_ids": [], "outcome": "seen"}, 400, "bad_request"),
    ("consent", {"state": "unknown", "source": "banner"}, 400, "bad_request"),
    ("consent", {"state": True, "source": "banner"}, 400, "bad_request"),
]


@pytest.mark.parametrize(("what", "body", "status", "code"), REFUSALS)
def test_what_can_not_be_taken_is_refused_with_a_reason(what: str, body: Any, status: int, code: str):
    click = make_click(make_offer(RULES))
    content = body if isinstance(body, str) else json.dumps({"click_id": click.pk, "url": PAGE, **body})

    response = post(f"/pixel/{click.offer.slug}/{what}/", content)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["message"].endswith(".")
    assert not Conversion.objects.exists()


ODD: list[dict[str, Any]] = [
    {"url": "http://[broken", "referrer": 5, "ttp": {"a": 1}, "ttclid": NUL},
    {"url": PAGE + "?a=" + NUL + HALF, "referrer": "https://r.example/" + NUL + HALF},
    {"url": PAGE + "?" + "email=a%40b.example&" * 3000},
    {"url": PAGE + "?" + "x" * 30_000, "referrer": "https://r.example/?" + "%40" * 10_000},
    {"properties": {"value": 1e308, "currency": [[[{}]]], "contents": {"content_id": HALF + NUL, "price": "1e999"}}},
    {"properties": {"contents": [{"content_id": "a@" * 2000, "content_name": "%" * 4000}] * 8, "num_items": -1}},
    {"properties": {"description": "email=" * 9000}, "key": NUL + HALF},
    {"properties": {"value": 10**300, "content_ids": [10**300] * 50, "order_id": "1" * 40_000}},
    {"email": "a@" * 15_000, "phone": "+" * 30_000, "external_id": NUL + HALF},
    {"email": [], "phone": 2**63, "external_id": " "},
    {"event_ids": [HALF, NUL, {}, 1e300], "detail": "ph=" * 2500},
    {"source": HALF + NUL + "x" * 5000},
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_values_do_no_harm(odd: dict[str, Any]):
    offer = make_offer(RULES, send_email=True, send_phone=True, send_external_id=True)
    usual = {"event": "Lead", "event_ids": [], "outcome": "fired", "state": "denied", "url": PAGE}
    body = json.dumps({**usual, "click_id": make_click(offer).pk, **odd})

    statuses = [post(f"/pixel/{offer.slug}/{what}/", body).status_code for what in CALLS]

    assert set(statuses) <= {200, 204, 400}
    assert len([status for status in statuses if status != 400]) >= 4


def test_an_emoji_that_a_page_has_cut_costs_no_event():
    click = make_click(make_offer(RULES))

    call_for(click, "event", event="Lead", properties={"description": "Socks " + HALF})

    assert Conversion.objects.get().page_properties == {"description": "Socks ?"}


def test_a_click_id_of_another_offer_or_of_an_erased_visitor_is_not_known():
    click = make_click(make_offer(RULES))
    erased = make_click(click.offer, erased_at="2026-01-01T00:00Z")

    for what in ("event", "sighting", "consent", "identify"):
        body = {"event": "Lead", "event_ids": [], "outcome": "fired", "state": "granted"}
        assert call(what, make_offer(RULES), click_id=click.pk, **body).json()["code"] == "unknown_click"
        assert call_for(erased, what, **body, ttp="2Oqabcdefghijk").json()["code"] == "unknown_click"
    assert (Click.objects.get(pk=erased.pk).ttp, Conversion.objects.count()) == ("", 0)


@pytest.mark.parametrize(
    ("url", "origin", "status"),
    [
        ("https://shop.example/a", "https://shop.example", 200),
        ("https://LANDING.example:8443/", "null", 200),
        ("about:srcdoc", "https://a.pages.example", 200),
        ("http://testserver/page/", "http://testserver", 200),
        ("https://copy.example/", "https://copy.example", 403),
        (PAGE, "https://copy.example", 403),
        ("https://landing.example.evil.example/", "null", 403),
        ("file:///C:/page.html", "null", 400),
        (5, "", 400),
    ],
)
def test_only_pages_of_the_offer_and_of_this_site_are_heard(url: Any, origin: str, status: int):
    offer = make_offer(RULES, page_hosts="shop.example *.pages.example")

    response = post(f"/pixel/{offer.slug}/arrival/", json.dumps({"url": url}), HTTP_ORIGIN=origin)

    assert (response.status_code, Click.objects.exists()) == (status, status == 200)


def call_from(offer: Offer, host: str) -> int:
    url = f"https://{host}/"
    return post(f"/pixel/{offer.slug}/arrival/", json.dumps({"url": url}), HTTP_ORIGIN=url[:-1]).status_code


def test_until_staff_say_where_the_pages_are_all_are_heard_and_the_unknown_ones_counted():
    offer = make_offer(RULES)

    statuses = [call_from(offer, host) for host in ("landing.example", "shop.example")]

    assert statuses == [200, 200]
    assert [page.host for page in StrangePage.objects.all()] == ["shop.example"]


def test_strange_pages_are_counted_now_and_then(monkeypatch: pytest.MonkeyPatch):
    offer = make_offer(RULES)
    for _ in range(3):
        call_from(offer, "copy.example")
    before = StrangePage.objects.get().calls

    monkeypatch.setattr(strangers, "WRITE_EVERY_SECONDS", 0)
    strangers.tally.due.clear()
    call_from(offer, "copy.example")

    page = StrangePage.objects.get()
    assert (page.host, before, page.calls, page.last_at > page.first_at) == ("copy.example", 1, 4, True)


def test_a_flood_of_strange_pages_leaves_few_rows(monkeypatch: pytest.MonkeyPatch):
    offer = make_offer(RULES, page_hosts="shop.example")
    monkeypatch.setattr(strangers, "MOST_IN_MEMORY", 4)
    monkeypatch.setattr(strangers, "HOSTS_KEPT", 5)
    now = timezone.now()
    StrangePage.objects.create(offer=offer, host="real-copy.example", calls=90, first_at=now, last_at=now)

    statuses = {call_from(offer, f"copy-{n}.example") for n in range(8)} | {call_from(offer, "ö<>" * 100 + ".example")}

    assert (statuses, StrangePage.objects.count()) == ({403}, 5)
    assert StrangePage.objects.filter(host__in=["real-copy.example", "copy-7.example"]).count() == 2
    assert len(strangers.tally.due) <= 4


def strange_pages_fail(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
    if "strangepage" in sql:
        raise OperationalError("server closed the connection")
    return execute(sql, *args)


def test_a_call_is_refused_whether_it_can_be_counted_or_not():
    offer = make_offer(RULES, page_hosts="shop.example")

    with connection.execute_wrapper(strange_pages_fail):
        assert call_from(offer, "copy.example") == 403


@pytest.mark.parametrize("what", CALLS)
def test_without_the_database_the_script_is_asked_to_try_again(what: str):
    offer = make_offer(RULES)

    with away():
        response = call(what, offer, event="Lead", event_ids=[], outcome="fired", state="granted", click_id="a" * 26)

    assert (response.status_code, response.json()["code"], response["Retry-After"]) == (503, "unavailable", "5")
    assert response["Access-Control-Allow-Origin"] == "https://landing.example"
