"""What {% tiktok_pixel %} and its sisters print, by what the visitor has agreed to."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import now

from conversions.identity import sha256
from conversions.models import Click, Conversion, Sighting
from tests.conversions.tags import (
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
from tests.factories import call_page_event, make_click, make_offer

pytestmark = pytest.mark.django_db


def test_the_base_code_loads_the_offers_pixel():
    click = make_tagged_click()

    html = page(PIXEL, click)

    assert arguments_of("ttq.load", html) == [[click.offer.pixel.code]]
    assert '"https://analytics.tiktok.com/i18n/pixel/events.js"' in html
    assert html.index("ttq.load(") < html.index(".page()")


def test_the_stub_has_the_sixteen_methods_consent_included():
    methods = json.loads(re.search(r"ttq\.methods = (\[.*?\]);", page(PIXEL, make_tagged_click()))[1])

    assert len(methods) == 16
    assert {"holdConsent", "grantConsent", "revokeConsent"} < set(methods)


def test_the_offers_script_comes_along_and_is_told_the_state_of_the_click(settings):
    settings.PUBLIC_BASE_URL = "https://track.example"
    click = make_tagged_click()

    html = page(PIXEL, click)

    assert Scripts(html).sources == [f"https://track.example/pixel/{click.offer.slug}.js"]
    ((state,),) = pushed(html, "state")
    assert (state["offer"], state["click_id"], state["may_send"]) == (click.offer.slug, click.pk, True)


def test_an_event_carries_the_stored_event_id_and_names_its_pixel():
    click = make_tagged_click()

    html = page(PIXEL + VIEW, click)

    event_id = str(Conversion.objects.get().event_id)
    assert told("track", html) == [[click.offer.pixel.code, "ViewContent", {}, {"event_id": event_id}]]
    assert pushed(html, "fired") == [[event_id, click.offer.slug]]


def test_tags_that_stand_twice_are_printed_once():
    html = page((PIXEL + VIEW) * 2, make_tagged_click())

    assert Scripts(html).tags == ["script"] * 3
    assert len(tracked(html)) == len(pushed(html, "state")) == 1


def test_an_event_alone_brings_all_that_it_needs():
    html = page(VIEW, make_tagged_click())

    assert html.index("ttq.load(") < html.index(".track(")


def test_a_fixed_value_is_told_by_both_legs_and_therefore_printed():
    offer = make_offer([{**RULES[0], "value_source": "fixed", "fixed_value": Decimal("12.50")}], currency="EUR")

    ((_, properties, _),) = tracked(page(PIXEL + VIEW, make_click(offer)))

    assert properties == {"value": 12.5, "currency": "EUR"}


@pytest.mark.parametrize("source", ["payout", "amount"])
def test_what_only_the_network_knows_is_not_printed(source: str):
    offer = make_offer([{"trigger": "approved", "event_name": "Purchase", "value_source": source}])

    ((_, properties, _),) = tracked(page('{% tiktok_event "Purchase" value=5 %}', make_click(offer)))

    assert properties == {}


@pytest.mark.parametrize(("consent", "required"), [("unknown", False), ("granted", True), ("granted", False)])
def test_who_may_be_told_of_is_told_of_at_once(consent: str, required: bool):
    click = make_tagged_click(consent_required=required)
    Click.objects.update(consent=consent)

    html = page(PIXEL + VIEW, click)

    assert "holdConsent()" not in html
    assert html.index("ttq.load(") < html.index(".page()") < html.index(".track(")


def test_who_has_to_agree_first_waits_and_nothing_of_tiktok_is_loaded():
    html = page(PIXEL + VIEW, make_tagged_click(consent_required=True))

    assert "ttq.holdConsent();" in html
    assert arguments_of("ttq.load", html) == tracked(html) == []
    assert [name for name, *_ in pushed(html, "event")] == ["ViewContent"]
    assert pushed(html, "state")[0][0]["may_send"] is False


@pytest.mark.parametrize("required", [True, False])
def test_a_page_that_the_browser_has_kept_asks_the_server_for_its_events_anew(required: bool):
    click = make_tagged_click(consent_required=required)

    html = page(PIXEL + '{% tiktok_event "ViewContent" key="a" %}', click)

    assert pushed(html, "track") == [["ViewContent", {}, {"offer": click.offer.slug, "key": "a"}]]
    assert html.index("} else {") < html.index('["track"')


@pytest.mark.parametrize("consent", ["denied", "withdrawn"])
@pytest.mark.parametrize("required", [True, False])
def test_who_refused_gets_nothing_of_tiktok_but_may_think_again(consent: str, required: bool):
    click = make_tagged_click(consent_required=required, send_external_id=True)
    Click.objects.update(consent=consent)

    html = page(PIXEL + VIEW, click)

    assert "ttq" not in html
    event_id = str(Conversion.objects.get().event_id)
    assert pushed(html, "event") == [["ViewContent", {}, event_id, click.offer.slug]]
    assert len(Scripts(html).sources) == 1


def test_limited_data_use_is_an_option_of_the_pixel():
    offer = make_offer(RULES, limited_data_places="US-CA")

    html = page(PIXEL, make_click(offer, country="US", region="CA"))

    assert arguments_of("ttq.load", html) == [[offer.pixel.code, {"limited_data_use": True}]]


def test_an_offer_without_the_pixel_leg_has_its_script_alone():
    html = page(PIXEL + VIEW, make_tagged_click(tracking_mode="server"))

    assert "ttq" not in html
    assert pushed(html, "state")[0][0]["pixel"] is None
    assert Conversion.objects.count() == 1


def test_a_rule_of_the_server_leg_alone_is_recorded_and_not_printed():
    click = make_click(make_offer([{**RULES[0], "legs": "server"}]))

    assert tracked(page(PIXEL + VIEW, click)) == []
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize("robot", ["bot", "prefetch"])
def test_a_robot_gets_nothing_but_its_event_is_recorded(robot: str):
    click = make_tagged_click()
    Click.objects.update(robot=robot)
    request = page_request(query={"click_id": click.pk}, HTTP_USER_AGENT="WhatsApp/2")

    assert render(PIXEL + VIEW, request) == ""
    assert Conversion.objects.count() == 1


def test_who_turns_out_to_be_a_visitor_is_a_robot_no_more():
    click = make_tagged_click()
    conversion = call_page_event(click, "ViewContent")
    Conversion.objects.update(planned_at=now())
    Click.objects.update(robot="prefetch")

    html = page(PIXEL, click)

    assert arguments_of("ttq.load", html)
    conversion.refresh_from_db()
    assert conversion.planned_at is None


def test_an_event_that_the_pixel_has_fired_is_not_fired_again():
    click = make_tagged_click()
    conversion = call_page_event(click, "ViewContent")
    Sighting.objects.create(conversion=conversion, outcome="fired", created_at=now())

    assert tracked(page(PIXEL + VIEW, click)) == []


def test_an_event_without_a_rule_is_neither_printed_nor_recorded():
    html = page(PIXEL + '{% tiktok_event "AddToCart" %}', make_tagged_click())

    assert tracked(html) == []
    assert not Conversion.objects.exists()


def test_the_external_id_is_printed_as_a_digest_and_only_where_it_is_approved():
    plain, approved = make_tagged_click(), make_tagged_click(send_external_id=True)

    assert told("identify", page(PIXEL, plain)) == []
    [(pixel, identity)] = told("identify", page(PIXEL, approved))
    assert (pixel, identity) == (approved.offer.pixel.code, {"external_id": sha256(approved.pk)})


def test_identity_is_told_before_the_first_event():
    html = page(PIXEL + VIEW, make_tagged_click(send_external_id=True))

    assert html.index("ttq.load(") < html.index(".identify(") < html.index(".page()") < html.index(".track(")


IDENTIFY = "{% tiktok_identify email=email phone=phone external_id=id %}"
PERSON: dict[str, Any] = {"email": " Jane@Example.com", "phone": "+1 213 373 4253", "id": 42}


def test_a_person_is_told_by_digests_and_kept_for_the_other_leg():
    click = make_tagged_click(send_email=True, send_external_id=True)

    html = page(PIXEL + IDENTIFY + VIEW, click, **PERSON)

    identity = {"sha256_email": sha256("jane@example.com"), "external_id": sha256("42")}
    assert told("identify", html)[-1] == [click.offer.pixel.code, identity]
    click.refresh_from_db()
    assert (click.email_sha256, click.phone_sha256) == (sha256("jane@example.com"), "")
    assert "xample.com" not in html


@pytest.mark.parametrize("person", [{}, {"email": "", "phone": None, "id": ""}, {"email": "none", "phone": "12"}])
def test_nobody_and_what_is_no_address_are_left_out(person: dict[str, Any]):
    click = make_tagged_click(send_email=True, send_phone=True)

    assert told("identify", page(PIXEL + IDENTIFY, click, **person)) == []


def test_nothing_of_a_person_is_kept_who_refused():
    click = make_tagged_click(send_email=True)
    Click.objects.update(consent="denied")

    page(IDENTIFY, click, **PERSON)

    click.refresh_from_db()
    assert click.email_sha256 == ""


def read_nonce() -> str:
    return 'abc"><script>'


class Unread(SimpleLazyObject):
    """The nonce as django-csp and Django 6 give it: false until somebody has read it."""

    def __bool__(self) -> bool:
        return False


@pytest.mark.parametrize("name", ["csp_nonce", "_csp_nonce", "context"])
def test_the_nonce_of_the_page_stands_on_every_script(name: str):
    request = page_request(query={"click_id": make_tagged_click().pk})
    if name != "context":
        setattr(request, name, Unread(read_nonce))

    html = render(PIXEL + VIEW, request, csp_nonce=Unread(read_nonce) if name == "context" else None)

    assert html.count(' nonce="abc&quot;&gt;&lt;script&gt;"') == html.count("<script") == 3


@pytest.mark.parametrize(
    ("consent", "required", "expected"),
    [("unknown", True, "ask"), ("unknown", False, "unasked"), ("granted", True, "granted"), ("denied", True, "denied")],
)
def test_a_page_can_tell_whether_to_ask(consent: str, required: bool, expected: str):
    click = make_tagged_click(consent_required=required)
    Click.objects.update(consent=consent)

    assert page("{% tiktok_consent as consent %}{{ consent }}", click) == expected
