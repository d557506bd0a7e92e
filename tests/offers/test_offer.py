"""Offers: what staff may type in, and what is said where it is wrong."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from offers.models import Offer
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db


def errors_of(**fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        make_offer(**fields).full_clean()
    return raised.value.message_dict


def test_a_plain_offer_is_valid():
    make_offer(landing_url="").full_clean()


def test_an_offer_link_without_our_click_id_is_refused_at_its_field():
    assert set(errors_of(offer_url="https://network.example/offer")) == {"offer_url"}


@pytest.mark.parametrize("field", ["offer_url", "landing_url"])
def test_an_unknown_token_is_named_at_its_field(field: str):
    messages = errors_of(**{field: "https://network.example/?s={click_id}&x={clickid}"})

    assert "{clickid}" in messages[field][0]


def test_a_negative_payout_is_refused():
    assert set(errors_of(payout=Decimal(-1))) == {"payout"}


def test_a_currency_that_tiktok_does_not_take_is_refused():
    assert set(errors_of(currency="XAU")) == {"currency"}


def test_the_database_refuses_a_slug_twice():
    make_offer(slug="same")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_offer(slug="same")


def test_an_offer_with_history_can_not_be_deleted():
    click = make_click()

    with pytest.raises(ProtectedError):
        click.offer.delete()


@pytest.mark.parametrize(
    ("mode", "pixel", "server"), [("pixel", True, False), ("both", True, True), ("server", False, True)]
)
def test_the_tracking_mode_allows_its_legs(mode: str, pixel: bool, server: bool):
    offer = Offer(tracking_mode=mode)

    assert (offer.allows("pixel"), offer.allows("server")) == (pixel, server)


def test_a_new_offer_asks_for_consent_and_sends_no_identity():
    offer = Offer()

    assert offer.consent_required
    assert [offer.send_email, offer.send_phone, offer.send_external_id] == [False, False, False]


@pytest.mark.parametrize(
    ("country", "region", "is_limited"),
    [("US", "CA", True), ("US", "NY", False), ("US", "", True), ("DE", "BE", True), ("FR", "", False), ("", "", False)],
)
def test_data_is_limited_in_a_state_also_where_only_its_country_is_known(country: str, region: str, is_limited: bool):
    offer = Offer(limited_data_places="US-CA DE")

    assert offer.limits_data(country, region) is is_limited
