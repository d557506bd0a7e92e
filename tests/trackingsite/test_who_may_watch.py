"""Who may read /metrics and the warnings of /readyz."""

from typing import Any

import pytest
from django.test import Client

PUBLIC = "198.51.100.7"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.5", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_callers_inside(address: str):
    client = Client(REMOTE_ADDR=address)

    assert client.get("/metrics").status_code == 200
    assert "warnings" in client.get("/readyz").json()


@pytest.mark.parametrize("address", [PUBLIC, "172.32.0.1", "2001:db8::1", "", "nonsense"])
def test_nobody_outside(address: str):
    client = Client(REMOTE_ADDR=address)

    assert client.get("/metrics").status_code == 404
    assert client.get("/readyz").json() == {"status": "ready"}


def test_callers_inside_through_a_trusted_proxy(settings: Any):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    inside, outside = (
        Client(REMOTE_ADDR="10.0.0.2", headers={"X-Forwarded-For": address}) for address in ("192.168.1.9", PUBLIC)
    )

    assert [client.get("/metrics").status_code for client in (inside, outside)] == [200, 404]


@pytest.mark.parametrize("proxies", [[], ["127.0.0.1"]])
def test_a_trusted_proxys_own_host_may_call_directly(settings: Any, proxies: list[str]):
    settings.TRUSTED_PROXIES = proxies

    assert Client().get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Proto"])
@pytest.mark.parametrize("proxies", [[], ["192.0.2.1"]])
def test_nobody_through_a_proxy_that_nobody_told_us_of(header: str, proxies: list[str], settings: Any):
    settings.TRUSTED_PROXIES = proxies

    assert Client(headers={header: "127.0.0.1"}).get("/metrics").status_code == 404


def test_nobody_through_a_trusted_proxy_that_does_not_name_the_caller(settings: Any):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]

    assert Client(headers={"Forwarded": f"for={PUBLIC}"}).get("/metrics").status_code == 404


def test_whoever_has_the_token_from_anywhere(settings: Any):
    settings.METRICS_TOKEN = "a-token-for-prometheus"
    client = Client(REMOTE_ADDR=PUBLIC, headers={"Authorization": "Bearer a-token-for-prometheus"})

    assert client.get("/metrics").status_code == 200
    assert "warnings" in client.get("/readyz").json()


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "a-token-for-prometheus", "Bearer ü", "Basic x"])
def test_nobody_without_the_token_once_there_is_one(given: str, settings: Any):
    settings.METRICS_TOKEN = "a-token-for-prometheus"

    answer = Client(headers={"Authorization": given}).get("/metrics")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert "warnings" not in Client(headers={"Authorization": given}).get("/readyz").json()
