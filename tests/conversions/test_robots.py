"""What is no visitor: recorded as such, led on like everybody, given no cookie."""

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from django.test import Client, RequestFactory
from django.utils import timezone

from conversions.models import Click
from conversions.robots import is_bot, robot_of
from tests.factories import make_click, make_conversion, make_offer

ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
PEOPLE = [
    f"{ANDROID} Chrome/129.0.6668.100 Mobile Safari/537.36 trill_360805 JsSdk/1.0 NetType/WIFI Channel/googleplay "
    "AppName/musical_ly app_version/36.8.5 ByteLocale/en Region/GB AppTheme/light BytedanceWebview/d8a21c6",
    f"{IPHONE} Mobile/15E148 musical_ly_36.8.0 JsSdk/2.0 NetType/4G Channel/App Store RevealType/Dialog WKWebView/1 "
    "BytedanceWebview/d8a21c6 FalconTag/8F7A",
    "TikTok 29.8.0 rv:298020 (iPhone; iOS 16.5; en_GB) Cronet",
    "com.zhiliaoapp.musically/2023305030 (Linux; U; Android 13; en_GB; SM-A536B; Cronet/TTNetVersion:8f366453)",
    f"{ANDROID} Chrome/114.0.5735.196 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/440.0.0.32.108;]",
    f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/450.0.0.38.108;FBDV/iPhone14,5;FBSN/iOS;FBLC/en_GB]",
    f"{IPHONE} Mobile/21D50 Instagram 317.0.0.30.114 (iPhone13,2; iOS 17_3; en_GB; scale=3.00; 1170x2532)",
    f"{IPHONE} Version/16.6 Mobile/15E148 Snapchat/12.54.0.45 (like Safari/8616.1.27.111.16, panda)",
    f"{IPHONE} Mobile/15E148 [Pinterest/iOS]",
    f"{IPHONE} GSA/322.0.641173893 Mobile/15E148 Safari/604.1",
    f"{IPHONE} Mobile/15E148 Twitter for iPhone/10.15",
    f"{ANDROID} Chrome/119.0.6045.66 Mobile Safari/537.36 Line/13.19.1/IAB",
    "Mozilla/5.0 (Linux; Android 11; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Edg/130.0.0.0",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
]
TOOLS = [
    "",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/129.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Wget/1.21.3",
    "python-requests/2.31.0",
    "Python-urllib/3.11",
    "python-httpx/0.28.1",
    "Python/3.11 aiohttp/3.9.5",
    "axios/1.7.2",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
]
BOTS = [
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; "
    "Bytespider; https://zhanzhang.toutiao.com/)",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Viber/21.0",
]
AHEAD = [
    {"Sec-Purpose": "prefetch;prerender"},
    {"Sec-Purpose": "Prefetch;anonymous-client-ip"},
    {"Purpose": "prefetch"},
    {"X-Purpose": "preview"},
    {"X-Moz": "prefetch"},
]


@pytest.mark.parametrize("user_agent", TOOLS)
def test_tools_are_bots_but_where_people_try_their_own_set_up(settings, user_agent: str):
    settings.PUBLIC_BASE_URL = "https://track.example"
    assert is_bot(user_agent)

    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    assert not is_bot(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_browsers_are_people_also_those_inside_apps(settings, user_agent: str):
    settings.PUBLIC_BASE_URL = "https://track.example"

    assert not is_bot(user_agent)


@pytest.mark.parametrize("user_agent", BOTS)
def test_crawlers_and_previews_are_bots(user_agent: str):
    assert robot_of(RequestFactory().get("/", headers={"user-agent": user_agent})) == "bot"


def test_every_bot_of_the_list_is_found_by_its_whole_pattern(settings):
    settings.PUBLIC_BASE_URL = "https://track.example"

    known = [name for entry in CRAWLER_USER_AGENTS_DATA for name in entry["instances"][:1]]

    assert len(known) > 500
    assert [name for name in known if not is_bot(name)] == []


@pytest.mark.parametrize("headers", AHEAD)
def test_what_a_browser_fetches_ahead_is_no_visitor_yet(headers: dict[str, str]):
    assert robot_of(RequestFactory().get("/", headers=headers)) == "prefetch"


@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": ""}, {"Purpose": "navigate"}, {"X-Moz": "x"}])
def test_what_a_visitor_asks_for_is_a_visit(headers: dict[str, str]):
    assert robot_of(RequestFactory().get("/", headers=headers)) == ""
    assert robot_of(RequestFactory().head("/", headers=headers)) == "prefetch"


@pytest.mark.django_db
@pytest.mark.parametrize(("headers", "robot"), [({"user-agent": "WhatsApp/2"}, "bot"), (AHEAD[0], "prefetch")])
@pytest.mark.parametrize("link", ["c", "go"])
def test_a_robot_is_recorded_and_led_on_without_cookies(headers: dict[str, str], robot: str, link: str):
    response = Client().get(f"/{link}/{make_offer().slug}/?ttclid=E.C.P.1", headers=headers)

    click = Click.objects.get()
    assert (click.robot, response.status_code, len(response.cookies)) == (robot, 302, 0)
    assert click.pk in response["Location"]


@pytest.mark.django_db
def test_a_head_request_gets_what_a_get_would_without_being_a_visit():
    offer = make_offer()

    arrival = Client().head(f"/c/{offer.slug}/?a=1")
    click = Click.objects.get()
    outbound = Client().head(f"/go/{click.pk}/")

    assert arrival["Location"] == f"https://landing.example/page?a=1&click_id={click.pk}"
    assert outbound["Location"] == f"https://network.example/offer?sub={click.pk}"
    assert Click.objects.get().robot == "prefetch"


@pytest.mark.django_db
def test_who_goes_on_from_a_page_that_was_fetched_ahead_is_a_visitor(django_assert_num_queries):
    conversion = make_conversion(make_click(robot="prefetch"), planned_at=timezone.now())
    click = conversion.click

    Client().head(f"/go/{click.pk}/")
    click.refresh_from_db()
    assert click.robot == "prefetch"

    Client(REMOTE_ADDR="203.0.113.9").get(f"/go/{click.pk}/")
    click.refresh_from_db()
    conversion.refresh_from_db()
    assert (click.robot, click.ip, conversion.planned_at) == ("", "203.0.113.9", None)
    with django_assert_num_queries(1):
        Client().get(f"/go/{click.pk}/")


@pytest.mark.django_db
def test_a_bot_that_follows_the_link_out_stays_a_bot():
    click = make_click(robot="bot")

    Client().get(f"/go/{click.pk}/")

    click.refresh_from_db()
    assert click.robot == "bot"
