"""The outbound link: to the network's offer with the click id in its sub-id."""

import pytest
from django.test import Client

from conversions.click_ids import new_click_id
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
