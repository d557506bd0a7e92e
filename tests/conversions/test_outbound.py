"""The outbound link: to the network's offer with the click id in its sub-id."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.click_ids import new_click_id
from conversions.models import Click
from offers.models import Offer
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db


def test_it_leads_to_the_offer_with_the_click_id():
    click = make_click(
        make_offer(offer_url="https://network.example/o?sub={click_id}&a={ad_id}&o={offer}"), ad_id="4 2"
    )

    response = Client().get(f"/go/{click.pk}/")

    assert response.status_code == 302
    assert response["Location"] == f"https://network.example/o?sub={click.pk}&a=4%202&o={click.offer.slug}"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("ttclid", ["E.C.P.abc"])
def test_the_ttclid_never_leaves_the_click(ttclid: str):
    click = make_click(ttclid=ttclid)

    assert ttclid not in Client().get(f"/go/{click.pk}/")["Location"]


@pytest.mark.parametrize("click_id", [new_click_id(), "short", "A" * 26, "a" * 27, "a" * 25 + "-", "a" * 25 + "%0A"])
def test_an_unknown_click_is_a_404(click_id: str):
    make_click()

    assert Client().get(f"/go/{click_id}/").status_code == 404


def test_the_links_of_an_inactive_offer_are_a_404():
    click = make_click(make_offer(is_active=False))

    assert Client().get(f"/go/{click.pk}/").status_code == 404


def test_a_hostile_value_can_not_lead_elsewhere():
    offer = make_offer(offer_url="https://network.example/{utm_term}?sub={click_id}")
    click = make_click(offer, utm_term="//evil.example/?\r\nSet-Cookie: a=b#@evil\u2028")

    location = Client().get(f"/go/{click.pk}/")["Location"]

    assert location.startswith("https://network.example/%2F%2Fevil.example%2F%3F%0D%0ASet-Cookie")
    assert location.endswith(f"?sub={click.pk}")


def test_it_costs_one_statement(django_assert_num_queries):
    click = make_click()

    with django_assert_num_queries(1):
        Client().get(f"/go/{click.pk}/")


@pytest.mark.parametrize(
    ("query", "added"),
    [
        ("utm_source=tiktok&x=%c3%a9+a&empty=&flag", "&utm_source=tiktok&x=%c3%a9+a&empty=&flag"),
        ("sub=other&SUB=other&s%75b=other&sub[]=other&sub%00x=other&a=1;sub=other&a=2", ""),
        ("sub.id=other&sub+id=other&+sub_id=other&t=1", "&t=1"),
        ("click_id=other&ttclid=E.C.P.secret&consent=granted&utm_term=1", "&utm_term=1"),
        ("&&", ""),
        ("x=" + "y" * 8000, ""),
        ("x=1#@evil.example/", "&x=1%23@evil.example/"),
    ],
)
def test_the_visitors_query_stands_behind_the_links_own_and_doubles_nothing(query: str, added: str):
    click = make_click(make_offer(offer_url="https://network.example/o?sub={click_id}&a={ad_id}&sub_id=7#top"))

    response = Client().get(f"/go/{click.pk}/", QUERY_STRING=query)

    assert response["Location"] == f"https://network.example/o?sub={click.pk}&a=&sub_id=7{added}#top"


def test_a_link_without_a_query_of_its_own_is_given_one():
    click = make_click(make_offer(offer_url="https://network.example/{click_id}"))

    assert Client().get(f"/go/{click.pk}?a=1")["Location"] == f"https://network.example/{click.pk}?a=1"


def test_a_link_by_offer_leads_to_the_browsers_newest_click_of_it(django_assert_num_queries):
    offer, other = make_offer(), make_offer()
    older, newest, others = make_click(offer), make_click(offer), make_click(other)
    client = Client()
    client.cookies["click_id"] = f"{others.pk}.{newest.pk}.{older.pk}"
    client.get(f"/go/{offer.slug}/")

    with django_assert_num_queries(1):
        response = client.get(f"/go/{offer.slug}?a=1")

    assert response["Location"] == f"https://network.example/offer?sub={newest.pk}&a=1"
    assert Click.objects.count() == 3


def test_a_link_by_offer_is_an_arrival_where_there_is_no_click_of_it_yet():
    offer, client = make_offer(), Client()
    client.cookies["click_id"] = make_click().pk

    response = client.get(f"/go/{offer.slug}/?ttclid=E.C.P.new&utm_source=tiktok")

    click = Click.objects.get(offer=offer)
    assert response["Location"] == f"https://network.example/offer?sub={click.pk}&utm_source=tiktok"
    assert (click.ttclid, click.utm_source) == ("E.C.P.new", "tiktok")
    assert click.landing_url.startswith(f"http://testserver/go/{offer.slug}/?ttclid=E.C.P.new")
    assert client.cookies["click_id"].value.startswith(f"{click.pk}.")


def test_a_newer_click_on_an_ad_is_an_arrival_too():
    click, client = make_click(ttclid="E.C.P.old"), Client()
    client.cookies["click_id"] = click.pk

    client.get(f"/go/{click.offer.slug}/?ttclid=E.C.P.new")

    assert Click.objects.filter(offer=click.offer).count() == 2


def test_an_offer_whose_slug_could_be_a_click_id_is_found():
    offer = make_offer(slug="abcdefghijklmnopqrstuvwxyz")

    assert Client().get(reverse("outbound_link", args=[offer.slug])).status_code == 302


@pytest.mark.parametrize("fields", [{"is_active": False}, {"slug": "another"}])
def test_a_link_to_no_active_offer_is_a_404(fields: dict[str, object]):
    make_offer(**{"slug": "lamp", **fields})

    assert Client().get("/go/lamp/").status_code == 404


SPITEFUL = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.sampled_from(["..", ".", "../..", "..\\..", "//evil.example", "\\\\evil.example", "@evil.example", "..;", "?",
                     "https://evil.example", "%2e%2e", ".. ", "javascript:alert(1)", ":80", "#@evil.example", "？x",
                     "\u2028", "。", "／／evil.example", "\r\nLocation: //x"]),
)  # fmt: skip
OFFER_URLS = [
    "https://network.example/{utm_term}",
    "https://network.example/a/{utm_term}/{variant}?sub={click_id}",
    "https://network.example/a/.{utm_term}{variant}/b#{variant}",
    "https://network.example?s={utm_term}&sub={click_id}",
]


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPITEFUL, SPITEFUL, SPITEFUL, st.sampled_from(OFFER_URLS))
def test_nothing_that_a_visitor_brings_leads_elsewhere(term: str, variant: str, query: str, offer_url: str):
    offer = Offer.objects.first() or make_offer()
    Offer.objects.update(offer_url=offer_url)
    click = make_click(offer, utm_term=term, variant=variant)

    location = Client().get(f"/go/{click.pk}/", QUERY_STRING=query.encode().decode("latin-1"))["Location"]

    parts = urlsplit(location)
    assert (parts.scheme, parts.netloc) == ("https", "network.example")
    assert location.isascii()
    assert not set(location) & set("\r\n\t \\")
    assert parts.path.count("/") == urlsplit(offer_url).path.count("/")
    steps = unquote(parts.path).replace("\\", "/").split("/")
    assert not [step for step in steps if step.strip() == ".."]
    assert [value for name, value in parse_qsl(parts.query) if name == "sub"] in ([], [click.pk])
    assert location.isprintable()
