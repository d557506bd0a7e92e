"""Who is calling: the visitor's own address, whatever proxies and headers say."""

import ipaddress

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from conversions.visitor import clean_text, client_ip, parse_address, user_agent


def ip_of(peer: str, forwarded: str | None = None) -> str | None:
    extra = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_ip(RequestFactory().get("/", REMOTE_ADDR=peer, **extra))


@pytest.fixture
def _proxies(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8:ffff::/48"]


def test_without_trusted_proxies_a_header_is_never_believed():
    assert ip_of("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize(
    ("peer", "forwarded", "ip"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 10.2.2.2", "6.6.6.6"),
        ("10.1.1.1", "198.51.100.1, 192.0.2.7, 10.2.2.2", "198.51.100.1"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", None, "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.1.1.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.1.1.1", "2001:DB8::1", "2001:db8::1"),
        ("10.1.1.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:ffff::1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "unknown", None),
        ("10.1.1.1", "198.51.100.1, unknown", None),
        ("10.1.1.1", "198.51.100.1, _hidden, 10.2.2.2", None),
        ("", "198.51.100.1", None),
        ("unix:", "198.51.100.1", None),
    ],
)
def test_the_rightmost_address_that_is_no_trusted_proxy_counts(peer: str, forwarded: str | None, ip: str | None):
    assert ip_of(peer, forwarded) == ip


@pytest.mark.usefixtures("_proxies")
def test_a_long_forged_header_changes_nothing():
    assert ip_of("10.1.1.1", "6.6.6.6, " * 500 + "198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize("text", ["fe80::1%eth0", "[fe80::1%25eth0]:80"])
def test_a_zone_is_cut_off_because_postgresql_takes_none(text: str):
    assert str(parse_address(text)) == "fe80::1"


@pytest.mark.parametrize(
    "text", ["", " ", "1.2.3", "1.2.3.4.5", "example.com", "1.2.3.4, 5.6.7.8", "[", "%", "٣.1.1.1"]
)
def test_anything_else_is_no_address(text: str):
    assert parse_address(text) is None


@given(st.one_of(st.text(max_size=50), st.text(alphabet="0123456789abcdef:.[]% ", max_size=50)))
def test_an_address_is_storable_or_none(text: str):
    address = parse_address(text)

    assert address is None or str(ipaddress.ip_address(str(address))) == str(address)
    assert "%" not in str(address)


def test_a_user_agent_is_cut():
    request = RequestFactory().get("/", headers={"user-agent": "x" * 3000})

    assert len(user_agent(request)) == 1000


@given(st.text(alphabet=st.characters(), max_size=50), st.integers(0, 40))
def test_clean_text_is_always_storable(text: str, limit: int):
    cleaned = clean_text(text, limit)

    assert "\x00" not in cleaned
    assert len(cleaned.encode().decode()) <= limit
