"""The tracking link: one Click out of one request, and the way on."""

import time
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.arrival import CLICK_PARAMETERS
from conversions.models import Click
from offers.models import Offer
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db


def arrive(offer: Offer, query: str = "", **headers: str):
    return Client().get(f"/c/{offer.slug}/", QUERY_STRING=query, headers=headers)


def click_after(query: str = "", **headers: str) -> Click:
    arrive(make_offer(), query, **headers)
    return Click.objects.get()


def test_the_visitor_is_led_to_the_landing_page_with_the_whole_query():
    offer = make_offer(landing_url="https://landing.example/page?v=2#top")

    response = arrive(offer, "ttclid=E.C.P.a%2fb&utm_term=red+lamp&empty=&x=%C3%A9")

    click = Click.objects.get()
    assert response.status_code == 302
    assert response["Location"] == (
        f"https://landing.example/page?v=2&ttclid=E.C.P.a%2fb&utm_term=red+lamp&empty=&x=%C3%A9&click_id={click.pk}#top"
    )
    assert click.landing_url == response["Location"]


def test_everything_that_the_ad_says_is_kept():
    names = [parameters[0] for parameters in CLICK_PARAMETERS.values()]
    query = "&".join(f"{name}=value-of-{name}" for name in names)

    click = click_after(query)

    assert {name: getattr(click, name) for name in names} == {name: f"value-of-{name}" for name in names}


def test_what_the_browser_says_is_kept():
    client = Client(REMOTE_ADDR="203.0.113.9")
    client.cookies["_ttp"] = "the-ttp"

    client.get(f"/c/{make_offer().slug}/", headers={"user-agent": "Mozilla/5.0", "referer": "https://www.tiktok.com/"})

    click = Click.objects.get()
    assert (click.ip, click.user_agent, click.ttp) == ("203.0.113.9", "Mozilla/5.0", "the-ttp")
    assert click.referrer == "https://www.tiktok.com/"


@pytest.mark.parametrize(
    ("query", "consent"),
    [("", "unknown"), ("consent=granted", "granted"), ("consent=denied", "denied"), ("consent=yes", "unknown"),
     ("consent=withdrawn", "unknown"), ("consent=GRANTED", "unknown")],
)  # fmt: skip
def test_consent_is_what_the_visitor_said_and_nothing_else(query: str, consent: str):
    click = click_after(query)

    assert click.consent == consent
    assert (click.consent_at is None) == (consent == "unknown")


@pytest.mark.parametrize(
    ("consent", "required", "may_tell"),
    [("unknown", True, False), ("unknown", False, True), ("granted", True, True), ("denied", False, False),
     ("withdrawn", False, False)],
)  # fmt: skip
def test_the_offers_policy_decides_where_nothing_was_said(consent: str, required: bool, may_tell: bool):
    click = Click(offer=make_offer(consent_required=required), consent=consent)

    assert click.has_consent is may_tell


def test_the_click_id_is_kept_in_a_cookie_of_the_servers():
    response = arrive(make_offer())

    cookie = response.cookies["click_id"]
    assert cookie.value == Click.objects.get().pk
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 30 * 24 * 3600)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("ttclid", ["日本", "a b", "a\r\nSet-Cookie: b=c"])
def test_what_no_header_can_carry_gets_no_cookie(ttclid: str):
    response = arrive(make_offer(), urlencode({"ttclid": ttclid}))

    assert "ttclid" not in response.cookies
    assert Click.objects.get().ttclid


def test_the_ttclid_has_a_cookie_that_tiktoks_pixel_can_read(settings):
    settings.COOKIE_DOMAIN = "shop.example"

    cookie = arrive(make_offer(), "ttclid=E.C.P.a").cookies["ttclid"]

    assert (cookie.value, bool(cookie["httponly"]), cookie["max-age"]) == ("E.C.P.a", False, 30 * 24 * 3600)
    assert (cookie["path"], cookie["samesite"], cookie["domain"]) == ("/", "Lax", "shop.example")


@pytest.mark.parametrize(
    ("query", "kept", "told"),
    [("ttclid=new", "", False), ("ttclid=new&consent=granted", "", True), ("ttclid=new", "old", None),
     ("consent=denied", "old", None), ("", "old", False)],
)  # fmt: skip
def test_no_ttclid_is_kept_where_tiktok_may_not_be_told(query: str, kept: str, told: bool | None):
    response = arrive(make_offer(consent_required=True), query, cookie=f"ttclid={kept}")

    morsel = response.cookies.get("ttclid")
    assert (morsel is not None and (morsel.value == "new" or None)) is told
    assert morsel is None or morsel.value or morsel["max-age"] == 0


@pytest.mark.parametrize(
    ("query", "cookies", "ttclid"),
    [("ttclid=url", {"ttclid": "cookie"}, "url"), ("", {"ttclid": "cookie"}, "cookie"), ("", {}, "stored"),
     ("ttclid=__CLICKID__", {"ttclid": "c" * 2049}, "stored"), ("", {"ttclid": "__CLICKID"}, "stored")],
)  # fmt: skip
def test_the_ttclid_is_the_addresss_then_the_cookies_then_that_of_the_newest_click(
    query: str, cookies: dict[str, str], ttclid: str
):
    newest, older = make_click(ttclid="stored"), make_click(ttclid="older")
    client = Client()
    client.cookies.load({"click_id": f"{newest.pk}.{older.pk}", **cookies})

    client.get(f"/c/{make_offer().slug}/?{query}")

    assert Click.objects.order_by("-pk").first().ttclid == ttclid


@pytest.mark.parametrize("name", ["ttclid", "utm_campaign", "ad_id"])
@pytest.mark.parametrize("value", ["%26%23" + "1" * 5000, "%26%23x" + "f" * 5000, "%257B" * 900, "%5B" * 1500])
def test_whatever_an_address_brings_the_visitor_is_sent_on(name: str, value: str):
    click = click_after(f"{name}={value}")

    assert click.landing_url


def test_a_new_ad_click_replaces_the_ttclid_and_goes_in_front_of_the_cookie():
    client, offer = Client(), make_offer()

    for number in range(8):
        client.get(f"/c/{offer.slug}/?ttclid=E.C.P.{number}")

    newest = list(Click.objects.order_by("-created_at").values_list("pk", flat=True))
    assert client.cookies["ttclid"].value == "E.C.P.7"
    assert client.cookies["click_id"].value == ".".join(newest[:6])


def test_only_who_comes_again_is_looked_up(django_assert_num_queries):
    client, offer = Client(), make_offer()

    with django_assert_num_queries(2):  # the offer is read once for all
        client.get(f"/c/{offer.slug}/")
    with django_assert_num_queries(2):
        client.get(f"/c/{offer.slug}/?ttclid=E.C.P.1")


def test_an_offer_without_a_landing_page_leads_straight_to_the_network():
    offer = make_offer(landing_url="", offer_url="https://network.example/?sub={click_id}&c={utm_campaign}")

    response = arrive(offer, "utm_campaign=a%26b")

    click = Click.objects.get()
    assert response["Location"] == f"https://network.example/?sub={click.pk}&c=a%26b"
    assert click.landing_url == f"http://testserver/c/{offer.slug}/?utm_campaign=a%26b&click_id={click.pk}"


def test_an_old_click_id_in_the_query_gives_way_to_ours():
    response = arrive(make_offer(), "click_id=somebody-elses&a=1&click%5Fid=somebody-elses")

    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["click_id"][-1] == Click.objects.get().pk


def test_no_query_can_lead_the_visitor_elsewhere():
    offer = make_offer(landing_url="https://landing.example/page?c={utm_campaign}")

    response = arrive(offer, "utm_campaign=//evil.example&landing_url=https://evil.example&next=//evil.example#@evil/")

    assert urlsplit(response["Location"]).netloc == "landing.example"


def test_a_value_can_not_climb_out_of_the_landing_pages_path():
    offer = make_offer(landing_url="https://landing.example/a/{utm_term}/b/.{variant}?x={utm_term}")

    response = arrive(offer, "utm_term=..&variant=.")

    assert response["Location"].startswith("https://landing.example/a//b/.?x=..&utm_term=..&variant=.&click_id=")


def test_query_bytes_that_a_browser_left_unquoted_arrive_whole():
    response = arrive(make_offer(), "utm_term=é€".encode().decode("latin-1"))

    assert "utm_term=%C3%A9%E2%82%AC&" in response["Location"]
    assert Click.objects.get().utm_term == "é€"


def test_an_ad_macro_that_tiktok_left_unreplaced_is_no_value():
    click = click_after("ttclid=__CLICKID__&utm_campaign=__CAMPAIGN_NAME__&campaign_id=__CAMPAIGN_ID__&utm_id=77")

    assert (click.ttclid, click.utm_campaign, click.campaign_id) == ("", "", "77")


def test_a_long_ttclid_is_kept_to_the_letter():
    ttclid = "E.C.P." + "aB3_-" * 408

    assert click_after(f"ttclid={ttclid}").ttclid == ttclid


def test_a_ttclid_that_is_too_long_is_none_but_still_travels_on():
    response = arrive(make_offer(), "ttclid=" + "a" * 2049)

    assert Click.objects.get().ttclid == ""
    assert "ttclid=" + "a" * 2049 in response["Location"]


def test_every_long_or_hostile_value_is_cut_to_its_column():
    names = [parameters[0] for parameters in CLICK_PARAMETERS.values() if parameters[0] != "ttclid"]
    query = "&".join(f"{name}=a%00" + quote("é" * 60) + "x" * 150 for name in names)

    click = click_after(
        query, **{"user-agent": "u\x00" + "x" * 5000, "referer": "https://r.example/\x00" + "x" * 20000}
    )

    assert all(len(getattr(click, name)) <= Click._meta.get_field(name).max_length for name in names)
    assert "\x00" not in str(vars(click))


@pytest.mark.parametrize("referrer", ["http://[broken", "::", "\x00", "javascript:alert(1)", "é", "x" * 50_000])
def test_a_broken_referrer_costs_no_click(referrer: str):
    response = arrive(make_offer(), referer=referrer)

    assert response.status_code == 302


@pytest.mark.parametrize("cookie", ["_ttp=\x00", "_ttp=" + "x" * 9000, "\xff\xfe", ";;=;", 'click_id="</script>"'])
def test_a_broken_cookie_costs_no_click(cookie: str):
    response = arrive(make_offer(), cookie=cookie)

    assert response.status_code == 302


@pytest.mark.parametrize("text", ["a" * 8000, "phone" * 1600, "%40" * 2600])
def test_a_hostile_query_costs_no_time(text: str):
    offer = make_offer()
    started = time.process_time()

    arrive(offer, text, referer="https://r.example/" + text)

    assert time.process_time() - started < 0.5


def test_an_unknown_offer_is_a_404():
    assert Client().get("/c/no-such-offer/").status_code == 404


def test_an_inactive_offer_is_a_404():
    assert arrive(make_offer(is_active=False)).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_only_get_makes_a_click(method: str):
    response = getattr(Client(), method)(f"/c/{make_offer().slug}/")

    assert (response.status_code, Click.objects.count()) == (405, 0)


def test_an_address_with_too_many_parameters_is_refused_and_fills_no_log(caplog):
    response = arrive(make_offer(), "&".join(f"p{number}=1" for number in range(1001)))

    assert response.status_code == 400
    assert "Traceback" not in caplog.text
    assert not Click.objects.exists()


def test_it_costs_one_statement(django_assert_num_queries):
    offer = make_offer()
    arrive(offer)

    with django_assert_num_queries(1):
        arrive(offer)


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.text(alphabet=st.characters(codec="latin-1"), max_size=60), st.booleans())
def test_no_query_and_no_header_is_a_fault_of_ours(query: bytes, header: str, has_landing_page: bool):
    offer = Offer.objects.first() or make_offer()
    offer.landing_url = "https://landing.example/{utm_term}?a={variant}" if has_landing_page else ""
    offer.save()

    raw = query.decode("latin-1")
    response = arrive(offer, f"utm_term={raw}&variant={raw}", referer=header, cookie=header)

    assert response.status_code == 302
    assert urlsplit(response["Location"]).hostname in ("landing.example", "network.example")
