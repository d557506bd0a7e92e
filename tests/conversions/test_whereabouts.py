from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from conversions.geoip import opened
from conversions.visitor import client_ip
from conversions.whereabouts import whereabouts
from tests.conversions.places import write_places

BERLIN = {"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE", "names": {"en": "Berlin"}}]}
PLACES = {
    "198.51.100.0/24": BERLIN,
    "203.0.113.0/25": {"country_code": "US", "country": "United States"},
    "203.0.113.128/25": {"country": {"names": {"en": "Nowhere"}}, "subdivisions": [{"iso_code": "CA"}]},
    "192.0.2.0/24": {"continent": {"code": "EU"}},
}


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.COUNTRY_HEADER, settings.REGION_HEADER = "CF-IPCountry", "CF-Region-Code"


@pytest.fixture
def database(settings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "places.mmdb"
    write_places(path, PLACES)
    settings.GEOIP_PATH = str(path)
    return path


def seen_from(ip: str, peer: str = "10.1.2.3", **headers: str) -> tuple[str, str]:
    """Where a visitor is, behind a proxy that is trusted."""
    names = {"country": "HTTP_CF_IPCOUNTRY", "region": "HTTP_CF_REGION_CODE"}
    given = {names[name]: value for name, value in headers.items()}
    return seen_in(RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=ip, **given))


def seen_in(request: HttpRequest) -> tuple[str, str]:
    return whereabouts(request, client_ip(request))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"country": "us", "region": "CA"}, ("US", "CA")),
        ({"country": "US", "region": "US-CA"}, ("US", "CA")),
        ({"country": "US", "region": "California"}, ("US", "")),
        ({"country": "XX", "region": "CA"}, ("", "")),
        ({"country": "T1"}, ("", "")),
        ({"country": "Germany"}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_a_trusted_proxy_says_where_the_visitor_is(headers, expected):
    assert seen_from("198.51.100.7", **headers) == expected


def test_a_stranger_may_not_say_where_they_are():
    assert seen_from("198.51.100.7", peer="198.51.100.7", country="US") == ("", "")


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        ("198.51.100.7", ("DE", "BE")),
        ("203.0.113.7", ("US", "")),
        ("203.0.113.200", ("", "")),
        ("192.0.2.7", ("", "")),
        ("127.0.0.1", ("", "")),
        ("2001:db8::7", ("", "")),
        ("nonsense", ("", "")),
    ],
)
def test_the_database_says_where_an_address_is(database, ip, expected):
    assert seen_from(ip) == expected


@pytest.mark.parametrize(("country", "expected"), [("FR", ("FR", "")), ("XX", ("DE", "BE"))])
def test_a_proxy_that_knows_is_believed_before_the_database(database, country, expected):
    assert seen_from("198.51.100.7", country=country) == expected


def test_the_database_needs_no_proxy(database, settings):
    settings.TRUSTED_PROXIES = []

    assert seen_in(RequestFactory().get("/", REMOTE_ADDR="198.51.100.7")) == ("DE", "BE")


def test_a_database_that_changes_is_read_anew_and_one_that_does_not_is_kept_open(database):
    seen_from("198.51.100.7")
    first = opened.reader
    assert seen_from("203.0.113.7") == ("US", "")
    assert opened.reader is first

    newer = database.with_suffix(".new")
    write_places(newer, {"198.51.100.0/24": {"country": {"iso_code": "AT"}}})
    newer.replace(database)

    assert seen_from("198.51.100.7") == ("AT", "")


@pytest.mark.parametrize("content", [None, b"", b"not a database", b"\xab\xcd\xefMaxMind.com"])
def test_without_a_readable_database_countries_are_unknown(database, content, caplog):
    if content is None:
        database.unlink()
    else:
        database.write_bytes(content)

    assert [seen_from("198.51.100.7") for _ in range(2)] == [("", ""), ("", "")]
    assert len(caplog.records) == 1
