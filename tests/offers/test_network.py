"""Networks: what staff may type in, and what is said where it is wrong."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from offers.models import Network
from tests.factories import make_network

pytestmark = pytest.mark.django_db


def errors_of(**fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        make_network(**fields).full_clean()
    return raised.value.message_dict


def test_a_plain_network_is_valid():
    make_network().full_clean()


def test_the_database_refuses_a_slug_twice():
    make_network(slug="same")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_network(slug="same")


@pytest.mark.parametrize(
    "wrong", [{"1": "sold"}, {"1": ["approved"]}, {"1": None}, {"1": {}}, ["approved"], "approved"]
)
def test_a_wrong_status_map_is_explained_at_its_field(wrong):
    assert set(errors_of(status_map=wrong)) == {"status_map"}


def test_an_unknown_status_is_named_together_with_the_known_ones():
    (message,) = errors_of(status_map={"1": "sold"})["status_map"]

    assert "“sold”" in message
    assert "approved" in message


@pytest.mark.parametrize("wrong", ["300.0.0.1", "203.0.113.0/33", "network.example", "203.0.113.1-203.0.113.9"])
def test_a_wrong_address_is_named_at_its_field(wrong: str):
    (message,) = errors_of(allowed_ips=f"198.51.100.1\n{wrong}")["allowed_ips"]

    assert wrong in message


def test_addresses_are_kept_one_a_line():
    network = make_network(allowed_ips="  203.0.113.7 \r\n\r\n 2001:db8::/32\n")

    network.full_clean()

    assert network.allowed_ips == "203.0.113.7\n2001:db8::/32"


@pytest.mark.parametrize("currency", ["usd", "XXX", "EURO"])
def test_a_currency_that_tiktok_does_not_take_is_refused(currency: str):
    with pytest.raises(ValidationError) as raised:
        Network(name="A", slug="a", default_currency=currency).full_clean()

    assert set(raised.value.message_dict) == {"default_currency"}


@pytest.mark.parametrize("region", ["us", "U1"])
def test_a_region_is_two_capital_letters(region: str):
    assert set(errors_of(default_region=region)) == {"default_region"}


@pytest.mark.parametrize(
    ("allowed", "address", "accepted"),
    [
        ("", "203.0.113.7", True),
        ("", None, True),
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.0/24", "203.0.113.200", True),
        ("203.0.113.9/24", "203.0.113.200", True),
        ("203.0.113.0/24\n2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.7", False),
        ("203.0.113.7", None, False),
    ],
)
def test_addresses_are_accepted_by_the_list(allowed: str, address: str | None, accepted: bool):
    assert Network(allowed_ips=allowed).accepts_ip(address) is accepted


@pytest.mark.parametrize(("word", "status"), [("OK", "approved"), (" ok ", "approved"), ("7", "pending"), ("no", "")])
def test_status_words_are_matched_without_case(word: str, status: str):
    network = Network(status_map={"Ok ": "approved", "7": "pending"})

    assert network.to_status(word) == status


def test_only_active_networks_are_live():
    live = make_network()
    make_network(is_active=False)

    assert list(Network.objects.live()) == [live]
