"""What a page says of an event in {% tiktok_event %}, and that nothing of it can run away."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.models import Conversion
from offers.models import EventRule, Offer, Pixel
from tests.conversions.tags import (
    HOSTILE,
    PIXEL,
    RULES,
    VIEW,
    Scripts,
    arguments_of,
    make_tagged_click,
    page,
    page_request,
    render,
    tracked,
)
from tests.factories import make_offer

pytestmark = pytest.mark.django_db
LAMP = {"content_id": "lamp", "quantity": 2, "price": Decimal("21.25")}


def test_what_the_page_says_goes_to_both_legs():
    source = '{% tiktok_event "ViewContent" value=price currency="eur" contents=things order_id=7 %}'

    html = page(source, make_tagged_click(), price=Decimal("42.50"), things=[LAMP])

    ((_, properties, _),) = tracked(html)
    others = {"contents": [{"content_id": "lamp", "quantity": 2, "price": 21.25}], "order_id": "7"}
    assert properties == {**others, "value": 42.5, "currency": "EUR"}
    conversion = Conversion.objects.get()
    assert (conversion.page_value, conversion.page_currency) == (Decimal("42.50"), "EUR")
    assert conversion.page_properties == others


def test_a_key_tells_several_events_of_one_name_apart():
    source = '{% for order in orders %}{% tiktok_event "ViewContent" key=order %}{% endfor %}'

    html = page(source, make_tagged_click(), orders=[11, 12, 11, None])

    keys = Conversion.objects.values_list("occurrence_key", flat=True)
    assert sorted(keys) == ["", "11", "12"]
    assert len({event_id for _, _, event_id in tracked(html)}) == len(tracked(html)) == 3


def test_a_misspelt_property_is_named_in_the_log(caplog: pytest.LogCaptureFixture):
    html = page('{% tiktok_event "ViewContent" contnets=1 %}' * 2, make_tagged_click())

    assert len(tracked(html)) == 1
    assert caplog.text.count("contnets") == 1


@pytest.mark.parametrize("value", HOSTILE)
def test_no_configured_value_can_become_markup(value: str):
    click = make_tagged_click(send_external_id=True)
    plain = value.replace("\x00", "")
    Pixel.objects.update(code=plain[:40], name=plain[:40])
    Offer.objects.update(name=plain, currency="<'\"")
    EventRule.objects.filter(trigger="page").update(event_name=plain[:50], value_source="fixed", fixed_value=1)

    html = page(PIXEL + "{% tiktok_event name %}", click, name=plain[:50])

    assert Scripts(html).tags == ["script"] * 3
    assert "\u2028" not in html
    ((name, properties, _),) = tracked(html)
    assert (name, properties["currency"]) == (plain[:50], "<'\"")
    assert arguments_of("ttq.load", html) == [[plain[:40]]]


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.text(alphabet=st.characters(codec="latin-1"), max_size=40), st.sampled_from(HOSTILE))
def test_nothing_that_a_visitor_brings_is_printed(text: str, header: str, hostile: str):
    offer = Offer.objects.first() or make_offer(RULES)
    names = ("ttclid", "utm_source", "click_id", "variant", "consent", "offer")
    request = page_request(
        f"/{hostile}/", dict.fromkeys(names, text + hostile), HTTP_REFERER=header, HTTP_COOKIE=header
    )

    html = render(PIXEL + VIEW + "<a href='{% offer_link %}'>{% tiktok_click_id %}</a>", request, offer=offer)

    assert Scripts(html).tags == ["script", "script", "script", "a"]
    assert "alert(1)" not in html
    assert len(tracked(html)) == 1


ODD: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("value", "currency", "contents", "ids", "key", "email", "offer"), ODD)))
def test_odd_arguments_render_harmlessly(odd: dict[str, Any]):
    click = make_tagged_click()
    source = (
        "{% tiktok_identify email=email phone=email external_id=email %}"
        '{% tiktok_event "ViewContent" value=value currency=currency contents=contents content_ids=ids key=key %}'
        "<a href='{% offer_link offer=offer %}'></a>"
    )

    html = page(source, click, **{**odd, "offer": odd["offer"] or click.offer})

    assert set(Scripts(html).tags) == {"script", "a"}
    assert "<script>alert" not in html
    assert len(tracked(html)) == 1


HUGE = {
    "markup": "</script>" * 11_000,
    "separators": "\u2028" * 100_000,
    "number": 10**5000,
    "list": [{"content_id": "x" * 1000}] * 100,
}


@pytest.mark.parametrize("kind", HUGE)
def test_very_long_arguments_are_cut(kind: str):
    source = '{% tiktok_event "ViewContent" value=huge description=huge contents=huge key=huge order_id=huge %}'

    html = page("{% tiktok_identify email=huge external_id=huge %}" + source, make_tagged_click(), huge=HUGE[kind])

    assert len(html) < 40_000
    assert UUID(tracked(html)[0][2]) == Conversion.objects.get().event_id
