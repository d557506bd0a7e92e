"""{% tiktok_pixel %} and {% tiktok_event %}: TikTok's base code and its calls, with nothing that could run away."""

import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.identity import sha256
from conversions.models import Click, Conversion
from offers.models import EventRule, Offer, Pixel
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db
RULES = [{"trigger": "page", "event_name": "ViewContent"}, {"trigger": "approved", "event_name": "Purchase"}]
PIXEL, VIEW = "{% tiktok_pixel %}", '{% tiktok_event "ViewContent" %}'
HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'`;alert(1)//",
    "\u2028\u2029\n\r\x00",
    "<!--<script>",
    "{{7*7}}",
    "\\",
]


def page(source: str, click: Click | None = None, context: dict[str, Any] | None = None, path="/page/", **extra) -> str:
    """The page as its visitor gets it; the click's id stands in the query."""
    query = {"click_id": click.pk} if click else {}
    request = RequestFactory().get(path, query, **extra)
    return Template("{% load tiktok %}" + source).render(Context({"request": request, **(context or {})}))


def make_tagged_click(**offer_fields: Any) -> Click:
    return make_click(make_offer(RULES, **offer_fields))


def calls(html: str) -> list[Any]:
    """The arguments of every ttq.track on the page, as a browser would read them."""
    return [json.loads(f"[{arguments}]") for arguments in re.findall(r"ttq\.track\((.*?)\);</script>", html, re.DOTALL)]


class Scripts(HTMLParser):
    """What a browser takes for scripts, and for other elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_the_base_code_loads_the_offers_pixel():
    click = make_tagged_click()

    html = page(PIXEL, click)

    assert f'ttq.load("{click.offer.pixel.code}");' in html
    assert '"https://analytics.tiktok.com/i18n/pixel/events.js"' in html
    assert html.index("ttq.load(") < html.index("ttq.page()")


def test_the_stub_has_the_sixteen_methods_consent_included():
    methods = json.loads(re.search(r"ttq\.methods = (\[.*?\]);", page(PIXEL, make_tagged_click()))[1])

    assert len(methods) == 16
    assert {"holdConsent", "grantConsent", "revokeConsent"} < set(methods)


def test_an_event_carries_the_stored_event_id():
    click = make_tagged_click()

    html = page(PIXEL + VIEW, click)

    conversion = Conversion.objects.get()
    assert calls(html) == [["ViewContent", {}, {"event_id": str(conversion.event_id)}]]


def test_a_fixed_value_is_told_by_both_legs_and_therefore_printed():
    offer = make_offer([{**RULES[0], "value_source": "fixed", "fixed_value": Decimal("12.50")}], currency="EUR")

    ((_, properties, _),) = calls(page(PIXEL + VIEW, make_click(offer)))

    assert properties == {"value": 12.5, "currency": "EUR"}


@pytest.mark.parametrize("source", ["payout", "amount"])
def test_what_only_the_network_knows_is_not_printed(source: str):
    offer = make_offer([{"trigger": "approved", "event_name": "Purchase", "value_source": source}])

    ((_, properties, _),) = calls(page('{% tiktok_event "Purchase" %}', make_click(offer)))

    assert properties == {}


@pytest.mark.parametrize(
    ("consent", "required", "held"),
    [("unknown", True, True), ("unknown", False, False), ("granted", True, False), ("granted", False, False)],
)
def test_events_are_held_until_consent_is_given(consent: str, required: bool, held: bool):
    click = make_tagged_click(consent_required=required)
    Click.objects.update(consent=consent)

    html = page(PIXEL + VIEW, click)

    assert ("ttq.holdConsent();" in html) is held
    if held:
        assert html.index("ttq.holdConsent();") < html.index("ttq.load(") < html.index("ttq.track(")


@pytest.mark.parametrize("consent", ["denied", "withdrawn"])
@pytest.mark.parametrize("required", [True, False])
def test_a_visitor_who_refused_gets_nothing_of_tiktok_at_all(consent: str, required: bool):
    click = make_tagged_click(consent_required=required)
    Click.objects.update(consent=consent)

    assert page(PIXEL + VIEW, click).strip() == ""


def test_an_offer_without_the_pixel_leg_gets_nothing_but_records_the_event():
    click = make_tagged_click(tracking_mode="server")

    assert page(PIXEL + VIEW, click).strip() == ""
    assert Conversion.objects.count() == 1


def test_a_rule_of_the_server_leg_alone_is_recorded_and_not_printed():
    click = make_click(make_offer([{**RULES[0], "legs": "server"}]))

    assert calls(page(PIXEL + VIEW, click)) == []
    assert Conversion.objects.count() == 1


def test_an_event_without_a_rule_is_neither_printed_nor_recorded():
    html = page(PIXEL + '{% tiktok_event "AddToCart" %}', make_tagged_click())

    assert calls(html) == []
    assert not Conversion.objects.exists()


def test_the_external_id_is_printed_as_a_digest_and_only_where_it_is_approved():
    plain, approved = make_tagged_click(), make_tagged_click(send_external_id=True)

    assert "ttq.identify" not in page(PIXEL, plain)
    assert f'ttq.identify({{"external_id": "{sha256(approved.pk)}"}});' in page(PIXEL, approved)


def test_identity_is_told_before_the_first_event():
    html = page(PIXEL + VIEW, make_tagged_click(send_external_id=True))

    assert html.index("ttq.load(") < html.index("ttq.identify(") < html.index("ttq.page()") < html.index("ttq.track(")


def test_the_nonce_of_the_page_stands_on_every_script():
    request = RequestFactory().get("/", {"click_id": make_tagged_click().pk})
    request.csp_nonce = 'abc"><script>'

    html = Template("{% load tiktok %}" + PIXEL + VIEW).render(Context({"request": request}))

    assert html.count('nonce="abc&quot;&gt;&lt;script&gt;"') == html.count("<script") == 2


def test_without_click_and_offer_nothing_is_printed():
    assert page(PIXEL + VIEW).strip() == ""
    assert not Click.objects.exists()


def test_outbound_link_and_click_id_belong_to_the_click():
    click = make_tagged_click()

    assert page("{% tiktok_click_id %}", click) == click.pk
    assert page("{% tiktok_outbound %}", click).endswith(f"/go/{click.pk}/")
    assert page("{% tiktok_click_id %}|{% tiktok_outbound %}") == "|#"


@pytest.mark.parametrize("value", HOSTILE)
def test_no_configured_value_can_become_markup(value: str):
    click = make_tagged_click()
    Pixel.objects.update(code=value[:40].replace("\x00", ""), name=value[:40].replace("\x00", ""))
    Offer.objects.update(name=value.replace("\x00", ""), currency="<'\"")
    EventRule.objects.filter(trigger="page").update(
        event_name=value[:50].replace("\x00", ""), value_source="fixed", fixed_value=1
    )

    html = page(PIXEL + "{% tiktok_event name %}", click, {"name": value[:50].replace("\x00", "")})

    assert Scripts(html).tags == ["script", "script"]
    assert "\u2028" not in html
    ((name, properties, _),) = calls(html)
    assert (name, properties["currency"]) == (value[:50].replace("\x00", ""), "<'\"")
    assert json.loads(re.search(r"ttq\.load\((.*)\);", html)[1]) == value[:40].replace("\x00", "")


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(alphabet=st.characters(codec="latin-1"), max_size=40), st.sampled_from(HOSTILE))
def test_nothing_that_a_visitor_brings_is_printed(text: str, header: str, hostile: str):
    offer = Offer.objects.first() or make_offer(RULES)
    query = dict.fromkeys(("ttclid", "utm_source", "click_id", "variant", "consent"), text + hostile)
    request = RequestFactory().get(
        f"/{hostile}/", query, HTTP_REFERER=header, HTTP_COOKIE=header, HTTP_USER_AGENT=header
    )

    html = Template(
        "{% load tiktok %}" + PIXEL + VIEW + "<a href='{% tiktok_outbound %}'>{% tiktok_click_id %}</a>"
    ).render(Context({"request": request, "offer": offer}))

    assert Scripts(html).tags == ["script", "script", "a"]
    assert "alert(1)" not in html
    assert len(calls(html)) == 1
