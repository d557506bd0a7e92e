"""Events that a page calls: one Conversion each, whoever comes first and however often."""

import pytest
from django.db import OperationalError, connection
from django.template import Context, Template
from django.test import Client, RequestFactory

from conversions.identity import sha256
from conversions.models import Click, Conversion
from offers.models import Offer
from tests.conversions.support import digest_everything, send
from tests.factories import call_page_event, make_click, make_offer

pytestmark = pytest.mark.django_db
RULES = [{"trigger": "page", "event_name": "ViewContent"}, {"trigger": "approved", "event_name": "Purchase"}]
VIEW = '{% load tiktok %}{% tiktok_event "ViewContent" %}'


def visit(offer: Offer, query: str = "", source: str = VIEW, cookie: str = "", **extra) -> None:
    request = RequestFactory().get("/page/", QUERY_STRING=query, **extra)
    if cookie:
        request.COOKIES["click_id"] = cookie
    Template(source).render(Context({"request": request, "offer": offer}))


def test_a_refreshed_page_is_one_event():
    click = make_click(make_offer(RULES))

    for _ in range(3):
        visit(click.offer, f"click_id={click.pk}")

    conversion = Conversion.objects.get()
    assert (conversion.click, conversion.status, conversion.payout) == (click, "tracked", None)


def test_page_and_referrer_are_kept_without_personal_data():
    click = make_click(make_offer(RULES))

    visit(
        click.offer,
        f"click_id={click.pk}&email=jane%40example.com&a=1",
        HTTP_REFERER="https://r.example/?phone=12133734253&b=2",
    )

    conversion = Conversion.objects.get()
    assert conversion.page_url == f"http://testserver/page/?click_id={click.pk}&a=1"
    assert conversion.referrer == "https://r.example/?b=2"


@pytest.mark.parametrize("referrer", ["http://[broken", "\x00", "x" * 50_000, "é\x00"])
def test_a_broken_referrer_is_no_fault_of_ours(referrer: str):
    click = make_click(make_offer(RULES))

    visit(click.offer, f"click_id={click.pk}", HTTP_REFERER=referrer)

    assert len(Conversion.objects.get().referrer) <= 8000


def test_the_thank_you_page_and_the_postback_share_one_event_id():
    click = make_click(make_offer(RULES))
    page = '{% load tiktok %}{% tiktok_event "Purchase" %}'

    visit(click.offer, f"click_id={click.pk}", page)
    send(click.offer.network, click_id=click.pk, txid="T-1", payout="7")
    digest_everything()

    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.payout, conversion.transaction_id) == ("approved", 7, "T-1")


def test_so_they_do_when_the_postback_comes_first():
    click = make_click(make_offer(RULES))
    send(click.offer.network, click_id=click.pk, txid="T-1", payout="7")
    digest_everything()
    before = Conversion.objects.get()

    visit(click.offer, f"click_id={click.pk}", '{% load tiktok %}{% tiktok_event "Purchase" %}')

    after = Conversion.objects.get()
    assert (after.event_id, after.status, after.payout) == (before.event_id, "approved", 7)


def test_a_second_sale_on_the_click_is_an_event_of_its_own():
    click = make_click(make_offer(RULES))
    visit(click.offer, f"click_id={click.pk}", '{% load tiktok %}{% tiktok_event "Purchase" %}')

    for txid in ("T-1", "T-2"):
        send(click.offer.network, click_id=click.pk, txid=txid)
        digest_everything()

    assert Conversion.objects.filter(status="approved").count() == 2
    assert Conversion.objects.values("event_id").distinct().count() == 2


def test_the_cookies_click_is_found_without_a_query():
    click = make_click(make_offer(RULES))

    visit(click.offer, cookie=click.pk)

    assert Conversion.objects.get().click == click


def test_a_newer_ad_click_in_the_address_is_a_new_arrival():
    click = make_click(make_offer(RULES), ttclid="E.C.P.old")

    visit(click.offer, "ttclid=E.C.P.new", cookie=click.pk)

    assert Conversion.objects.get().click.ttclid == "E.C.P.new"


@pytest.mark.parametrize("ttclid", ["__CLICKID__", "", "a" * 3000, "E.C.P.abc"])
def test_the_landing_page_of_a_tracking_link_is_no_second_arrival(ttclid: str):
    offer = make_offer(RULES, landing_url="http://testserver/page/")
    location = Client().get(f"/c/{offer.slug}/", {"ttclid": ttclid})["Location"]

    visit(offer, location.partition("?")[2])

    assert Conversion.objects.get().click == Click.objects.get()


def test_a_click_of_another_offer_is_not_taken():
    other, offer = make_click(make_offer(RULES)), make_offer(RULES)

    visit(offer, f"click_id={other.pk}")

    assert Conversion.objects.get().offer == offer


def test_an_arrival_that_no_tracking_link_saw_is_registered():
    offer = make_offer(RULES)

    visit(offer, "ttclid=E.C.P.abc&utm_source=tiktok", HTTP_USER_AGENT="Mozilla/5.0")

    click = Click.objects.get()
    assert (click.ttclid, click.utm_source, click.user_agent) == ("E.C.P.abc", "tiktok", "Mozilla/5.0")
    assert click.landing_url == f"http://testserver/page/?ttclid=E.C.P.abc&utm_source=tiktok&click_id={click.pk}"


def test_all_tags_of_a_page_share_one_arrival():
    offer = make_offer(RULES)

    visit(offer, source='{% load tiktok %}{% tiktok_pixel %}{% tiktok_event "ViewContent" %}{% tiktok_outbound %}')

    assert Click.objects.count() == 1


def test_the_rule_of_a_page_goes_before_that_of_a_postback():
    offer = make_offer([
        {"trigger": "approved", "event_name": "Purchase", "legs": "server"},
        {"trigger": "page", "event_name": "Purchase", "legs": "both"},
    ])  # fmt: skip
    request = RequestFactory().get("/", {"click_id": make_click(offer).pk})

    html = Template('{% load tiktok %}{% tiktok_event "Purchase" %}').render(Context({"request": request}))

    assert '.track("Purchase"' in html


def test_whoever_plans_is_told_after_the_commit(woken: list[str], django_capture_on_commit_callbacks):
    click = make_click(make_offer(RULES))

    with django_capture_on_commit_callbacks(execute=True):
        call_page_event(click, "ViewContent", click.created_at)

    assert woken == ["dispatch.tasks.deliver"]


@pytest.mark.django_db(transaction=True)
def test_a_page_of_ours_without_the_database_is_a_503():
    make_offer(RULES, slug="demo")

    def away(*args, **kwargs):
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(away):
        response = Client().get("/demo/landing/")

    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_person_by_whom_a_page_tells_events_apart_is_not_written_down():
    click = make_click(make_offer(RULES))

    for key in ("order-7", "jane@example.com", "jane@example.com"):
        call_page_event(click, "ViewContent", key=key)

    keys = set(Conversion.objects.values_list("occurrence_key", flat=True))
    assert keys == {"order-7", sha256("jane@example.com")}
