"""The demo shop's pages: whose they are, and what they may run."""

from typing import Any

import pytest
from django.test import Client

from conversions.models import Click, Conversion, Postback
from offers.models import Offer
from tests.conversions.tags import BROWSER
from tests.factories import make_click
from trackingsite.management.commands.seed_demo import seed

pytestmark = pytest.mark.django_db
ASKING = "demo-consent"


@pytest.fixture
def client() -> Client:
    seed()
    return Client(HTTP_USER_AGENT=BROWSER)


@pytest.mark.parametrize("name", ["landing", "checkout", "thank-you"])
def test_a_page_belongs_to_the_offer_that_its_address_names(client: Client, name: str):
    client.get(f"/demo/{name}/", {"offer": ASKING})

    assert Conversion.objects.get().offer.slug == ASKING


def test_else_it_belongs_to_the_offer_of_the_visitors_click(client: Client):
    click = make_click(Offer.objects.get(slug=ASKING))

    response = client.get("/demo/checkout/", {"click_id": click.pk})

    assert response.context["offer"] == click.offer
    assert Click.objects.count() == 1


@pytest.mark.parametrize("query", [{}, {"offer": "</script>"}, {"offer": "other"}, {"click_id": "x" * 26}])
def test_else_to_the_one_that_asks_nobody(client: Client, query: dict[str, str]):
    response = client.get("/demo/landing/", query)

    assert response.context["offer"].slug == "demo"
    assert b"Privacy choices" not in response.content


def test_a_sale_is_reported_for_either_offer(client: Client):
    click = make_click(Offer.objects.get(slug=ASKING))

    response = client.post("/demo/buy/", {"click_id": click.pk})

    assert response["Location"] == f"/demo/thank-you/?offer={ASKING}&click_id={click.pk}"
    assert Postback.objects.get().params["click_id"] == click.pk


@pytest.mark.parametrize("click_id", ["", "x" * 26, "x" * 100_000, "\x00"])
def test_a_sale_of_no_click_is_not_found(client: Client, click_id: str):
    assert client.post("/demo/buy/", {"click_id": click_id}).status_code == 404


def test_the_policy_of_scripts_is_strict(client: Client):
    response = client.get("/demo/landing/", {"offer": ASKING})

    policy = response["Content-Security-Policy"]
    assert "script-src 'nonce-" in policy
    assert "unsafe" not in policy
    assert response.content.count(b"<script") == response.content.count(b'nonce="') - 1  # that of the style


def test_where_nobody_seeded_the_demo_there_is_none(db: Any):
    assert Client().get("/demo/landing/").status_code == 404
