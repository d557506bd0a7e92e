"""The script for pages that Django does not render, as it goes out."""

import gzip
import json
import re

import pytest
from django.test import Client

from conversions.pixel.script import SOURCE
from tests.factories import make_offer

pytestmark = pytest.mark.django_db


def get(slug: str, **headers: str):
    return Client().get(f"/pixel/{slug}.js", headers=headers)


def config_of(script: str) -> dict[str, str]:
    """What stands between the last parentheses, read as JSON."""
    return json.loads(script.removeprefix(SOURCE).strip().removesuffix(";")[1:-1])


def test_it_is_small_even_for_the_longest_of_names(settings):
    settings.PUBLIC_BASE_URL = "https://conversions.a-long-name-of-an-agency.example"
    make_offer(slug="a-rather-long-name-of-an-offer-in-three-countries1")

    packed = get("a-rather-long-name-of-an-offer-in-three-countries1", accept_encoding="gzip, deflate, br")

    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < 6000
    assert gzip.decompress(packed.content) == get("a-rather-long-name-of-an-offer-in-three-countries1").content


def test_browsers_and_caches_keep_it_and_ask_whether_it_has_changed():
    offer = make_offer()
    first = get(offer.slug)

    again = get(offer.slug, if_none_match=first["ETag"])

    assert first["Content-Type"] == "text/javascript; charset=utf-8"
    assert first["Cache-Control"] == "public, max-age=300"
    assert first["X-Content-Type-Options"] == "nosniff"
    assert first["Vary"] == "Accept-Encoding"
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert not first.cookies
    assert get(make_offer().slug, if_none_match=first["ETag"]).status_code == 200


def test_an_unknown_or_inactive_offer_has_none():
    inactive = make_offer(is_active=False)

    assert get("nobody").status_code == get(inactive.slug).status_code == 404
    assert Client().post(f"/pixel/{make_offer().slug}.js").status_code == 405


def test_no_value_breaks_out_of_its_configuration(settings):
    settings.PUBLIC_BASE_URL = 'https://t.example/"});alert(1);//</script>\u2028'
    offer = make_offer(currency="XXX")

    script = get(offer.slug).content.decode()

    assert config_of(script)["tracker"] == settings.PUBLIC_BASE_URL
    assert config_of(script)["currency"] == ""
    assert "\u2028" not in script


def test_comments_stay_at_home():
    assert not re.search(r"/\*|^\s*//", SOURCE, re.MULTILINE)


def test_it_has_no_syntax_that_browsers_of_2019_lack():
    assert not re.search(r"\?\?|\?\.[a-z[(]|(\|\||&&)=", SOURCE)
