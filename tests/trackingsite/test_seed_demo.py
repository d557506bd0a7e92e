import io
import json
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client

from conversions.outcomes import Outcome
from offers.models import Offer
from trackingsite.environment import new_field_key

pytestmark = pytest.mark.django_db
KEYS = {
    "admin",
    "offer",
    "pixel_code",
    "access_token",
    "tracking_url",
    "landing_url",
    "postback_url",
    "consent_offer",
    "consent_tracking_url",
    "consent_landing_url",
}


def seed() -> dict[str, Any]:
    told = io.StringIO()
    call_command("seed_demo", "--json", stdout=told)
    facts: dict[str, Any] = json.loads(told.getvalue())
    return facts


def test_prints_one_object_with_what_a_script_needs():
    facts = seed()

    assert facts.keys() == KEYS
    assert all(
        "{" + name + "}" in facts["postback_url"] for name in ("click_id", "payout", "currency", "txid", "status")
    )


def test_prints_the_same_again_and_adds_nothing():
    first = seed()

    assert seed() == first
    assert Offer.objects.count() == 2


def test_the_printed_login_works():
    login = seed()["admin"]

    user = authenticate(username=login["username"], password=login["password"])

    assert user is not None
    assert user.is_superuser


def test_the_printed_postback_address_works(client: Client, settings):
    facts = seed()
    click = client.get(facts["tracking_url"].removeprefix(settings.PUBLIC_BASE_URL)).cookies["click_id"].value
    url = facts["postback_url"].format(click_id=click, payout="1", currency="USD", txid="T", status="approved")

    response = client.get(url.removeprefix(settings.PUBLIC_BASE_URL) + "&wait=1")

    assert response.json()["outcome"] == Outcome.RECORDED


def test_the_demo_follows_the_site_to_another_port(settings):
    seed()
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:9999"

    facts = seed()
    assert facts["landing_url"] == "http://127.0.0.1:9999/demo/landing/"
    assert facts["consent_landing_url"] == "http://127.0.0.1:9999/demo/landing/?offer=demo-consent"
    links = set(Offer.objects.values_list("offer_url", flat=True))
    checkout = "http://127.0.0.1:9999/demo/checkout/?click_id={click_id}"
    assert links == {checkout, f"{checkout}&offer=demo-consent"}


def test_one_of_the_two_offers_asks_for_consent():
    facts = seed()

    asking = dict(Offer.objects.values_list("slug", "consent_required"))
    assert asking == {facts["offer"]: False, facts["consent_offer"]: True}


def test_an_offer_that_staff_pointed_elsewhere_stays_there():
    seed()
    Offer.objects.update(landing_url="https://landing.example/")

    assert seed()["landing_url"] == "https://landing.example/"


def test_a_database_of_other_keys_is_named(settings):
    seed()
    settings.FIELD_ENCRYPTION_KEYS = [new_field_key()]

    with pytest.raises(CommandError, match="filled under other FIELD_ENCRYPTION_KEYS"):
        seed()
