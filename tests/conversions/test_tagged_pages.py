"""Pages with the tags: which click they belong to, what the browser keeps, and that no page is taken down."""

from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import cache_page

from conversions.middleware import ClickCookieMiddleware
from conversions.models import Click, Conversion, Erasure
from offers.models import Offer
from tests.conversions.tags import (
    BROWSER,
    PIXEL,
    RULES,
    VIEW,
    Scripts,
    arguments_of,
    make_tagged_click,
    page,
    page_request,
    pushed,
    render,
    told,
    tracked,
)
from tests.conversions.test_redirect_outage import away
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db
TWO = '{% tiktok_pixel offer="one" %}{% tiktok_pixel offer="two" %}{% tiktok_event "ViewContent" "two" %}'


def open_page(source: str, url: str = "/page/", cookies: Any = None, **context: Any) -> HttpResponse:
    """The page's answer, with the middleware around it."""
    request = RequestFactory().get(url, HTTP_USER_AGENT=BROWSER)
    request.COOKIES = dict(cookies or {})
    return ClickCookieMiddleware(lambda request: HttpResponse(render(source, request, **context)))(request)


def kept_of(response: HttpResponse) -> dict[str, str]:
    """The cookies that a browser brings back."""
    return {name: morsel.value for name, morsel in response.cookies.items()}


def test_two_offers_on_one_page_have_a_click_each_and_the_base_code_once():
    one, two = make_offer(RULES, slug="one"), make_offer(RULES, slug="two", send_external_id=True)

    html = page(TWO)

    assert arguments_of("ttq.load", html) == [[one.pixel.code], [two.pixel.code]]
    assert html.count("ttq.methods =") == 1
    assert told("page", html) == [[one.pixel.code], [two.pixel.code]]
    assert [state["offer"] for (state,) in pushed(html, "state")] == ["one", "two"]
    assert len(Scripts(html).sources) == 2
    assert Conversion.objects.get().click == Click.objects.get(offer=two)
    assert [pixel for pixel, *_ in told("track", html)] == [two.pixel.code]


def test_of_two_offers_the_one_that_waits_for_consent_neither_loads_nor_holds_the_other():
    one = make_offer(RULES, slug="one")
    make_offer(RULES, slug="two", consent_required=True)

    html = page(TWO)

    assert arguments_of("ttq.load", html) == [[one.pixel.code]]
    assert [state["may_send"] for (state,) in pushed(html, "state")] == [True, False]
    assert "holdConsent()" not in html


def test_two_offers_of_one_pixel_load_it_once():
    one = make_offer(RULES, slug="one")
    make_offer(RULES, slug="two", pixel=one.pixel)

    html = page(TWO)

    assert arguments_of("ttq.load", html) == told("page", html) == [[one.pixel.code]]


def test_a_tag_without_an_offer_belongs_to_the_pages_first():
    make_offer(RULES, slug="one"), make_offer(RULES, slug="two")

    html = page('{% tiktok_pixel offer="one" %}{% tiktok_pixel offer="two" %}' + VIEW + "{% tiktok_click_id %}")

    assert html.endswith(Click.objects.get(offer__slug="one").pk)
    assert Conversion.objects.get().offer.slug == "one"


def test_a_direct_landing_that_is_refreshed_is_one_click():
    offer = make_offer(RULES)
    first = open_page(PIXEL + VIEW, "/page/?ttclid=E.C.P.direct", offer=offer)

    again = open_page(PIXEL + VIEW, "/page/?ttclid=E.C.P.direct", kept_of(first), offer=offer)

    assert first.cookies["click_id"].value == Click.objects.get().pk
    assert first.cookies["click_id"]["httponly"]
    assert not again.cookies


def test_both_clicks_of_a_page_come_in_front_of_older_ones():
    make_offer(RULES, slug="one"), make_offer(RULES, slug="two")
    old = make_tagged_click()

    first = open_page(TWO, cookies={"click_id": old.pk})
    again = open_page(TWO, cookies=kept_of(first))

    kept = first.cookies["click_id"].value.split(".")
    assert [Click.objects.get(pk=pk).offer.slug for pk in kept[:2]] == ["one", "two"]
    assert kept[2] == old.pk
    assert not again.cookies


def test_a_robot_is_given_no_cookie():
    offer = make_offer(RULES)
    view = ClickCookieMiddleware(lambda request: HttpResponse(render(PIXEL, request, offer=offer)))

    response = view(page_request(HTTP_USER_AGENT="Googlebot/2.1"))

    assert not response.cookies
    assert Click.objects.get().robot == "bot"


def test_a_page_with_a_click_is_for_no_shared_cache():
    response = open_page(PIXEL, offer=make_offer(RULES))

    assert (response["Cache-Control"], response["Vary"]) == ("private", "Cookie")


def test_what_a_page_says_of_caches_itself_stands():
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponse(render(PIXEL, request, offer=offer))
        patch_cache_control(response, no_store=True)
        return response

    offer = make_offer(RULES)

    assert ClickCookieMiddleware(view)(page_request())["Cache-Control"] == "no-store"


def test_other_pages_are_left_as_they_are(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        response = open_page("Hello")

    assert not response.cookies
    assert not response.has_header("Cache-Control")


def test_django_keeps_no_copy_of_a_visitors_page():
    offer = make_offer(RULES)
    view = cache_page(60)(lambda request: HttpResponse(render("{% tiktok_click_id %}", request, offer=offer)))

    first, second = (view(page_request("/cached/")).content for _ in range(2))

    assert first != second


def test_a_click_of_an_offer_that_waits_on_the_first_answer_keeps_it():
    offer = make_offer(RULES, consent_required=True)
    earlier = make_click(offer, consent="denied")

    open_page(PIXEL, "/page/?ttclid=E.C.P.newer", {"click_id": earlier.pk}, offer=offer)

    newer = Click.objects.exclude(pk=earlier.pk).get()
    assert (newer.consent, newer.ttclid) == ("denied", "E.C.P.newer")


def test_tiktoks_cookies_are_kept_once_they_exist():
    click = make_tagged_click()
    Click.objects.update(ttclid="")
    request = page_request(query={"click_id": click.pk})
    request.COOKIES = {"_ttp": "01HXYZ-abc_def", "ttclid": "E.C.P.cookie"}

    render(PIXEL, request)

    click.refresh_from_db()
    assert (click.ttp, click.ttclid) == ("01HXYZ-abc_def", "E.C.P.cookie")


def test_an_erased_click_is_known_no_more():
    click = make_tagged_click()
    Click.objects.update(erased_at=click.created_at)

    assert page("{% tiktok_click_id %}", click) == ""


FETCHED_AHEAD = {"HTTP_SEC_PURPOSE": "prefetch;prerender"}


def test_a_page_that_is_fetched_ahead_leaves_all_to_its_script():
    offer = make_offer(RULES)
    event = '{% tiktok_event "ViewContent" value=5 key="a" %}'

    html = render(PIXEL + event + "{% offer_link %}", page_request(**FETCHED_AHEAD), offer=offer)

    assert not Click.objects.exists()
    assert pushed(html, "track") == [["ViewContent", {"value": "5"}, {"offer": offer.slug, "key": "a"}]]
    assert 'data-events=""' in html
    assert "ttq" not in html
    assert html.endswith(f"/go/{offer.slug}/")


def test_a_prefetch_does_not_make_a_visitor_of_a_prefetch():
    click = make_tagged_click()
    Click.objects.update(robot="prefetch")

    html = render(PIXEL, page_request(query={"click_id": click.pk}, **FETCHED_AHEAD))

    click.refresh_from_db()
    assert click.robot == "prefetch"
    assert Scripts(html).sources == [f"http://127.0.0.1:8000/pixel/{click.offer.slug}.js"]


def test_an_offer_that_is_switched_off_gets_no_script():
    click = make_tagged_click()
    Offer.objects.update(is_active=False)

    assert page(PIXEL + VIEW, click) == ""


def test_links_belong_to_the_click_or_else_to_the_offer(settings: Any):
    settings.PUBLIC_BASE_URL = "https://track.example"
    click = make_tagged_click()

    assert page("{% tiktok_click_id %}", click) == click.pk
    assert (
        page("{% offer_link %}", click)
        == page("{% tiktok_outbound %}", click)
        == f"https://track.example/go/{click.pk}/"
    )
    assert page('{% offer_link offer="gone" %}') == "https://track.example/go/gone/"
    assert page("{% tiktok_click_id %}|{% offer_link %}") == "|#"


def test_without_click_and_offer_nothing_is_printed():
    assert page(PIXEL + VIEW) == ""
    assert not Click.objects.exists()


def test_without_a_request_nothing_is_printed_and_the_log_says_why_once(caplog: pytest.LogCaptureFixture):
    source = Template("{% load tiktok %}a" + PIXEL + VIEW + '{% offer_link offer="one" %}')

    assert [source.render(Context({})) for _ in range(2)] == ["ahttp://127.0.0.1:8000/go/one/"] * 2
    assert caplog.text.count("context_processors.request") <= 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_costs_the_tags_and_not_the_page(caplog: pytest.LogCaptureFixture):
    click = make_tagged_click()
    source = "Hello" + PIXEL + VIEW + "{% tiktok_click_id %} {% offer_link offer='one' %}"
    with away():
        html = page(source, click)

    assert html == "Hello http://127.0.0.1:8000/go/one/"
    assert caplog.text.count("goes without its TikTok tags") == 1


def test_a_missing_key_costs_the_tags_and_not_the_page(settings: Any, caplog: pytest.LogCaptureFixture):
    click = make_tagged_click(send_email=True)
    Erasure.objects.create(key="x", subject="email", created_at=click.created_at)
    settings.FIELD_ENCRYPTION_KEYS = []

    assert page('Hello {% tiktok_identify email="a@b.example" %}' + PIXEL, click) == "Hello "
    assert "SecretUnreadableError" in caplog.text


def test_the_pages_own_transaction_survives_a_failure_of_ours(monkeypatch: pytest.MonkeyPatch):
    def fail(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    click = make_tagged_click()
    monkeypatch.setattr("conversions.tagging.record_page_event", fail)

    assert tracked(page(VIEW, click)) == []
    assert Click.objects.count() == 1
