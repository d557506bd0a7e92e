"""Signed calls for tests: a network that signs, and what it sends under a right or a wrong key."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from conversions.models import Postback
from conversions.networks.generic_hmac import sign
from offers.models import Network
from tests.conversions.support import postback_url
from tests.factories import make_network

RIGHT, WRONG = "the right key", "another key"


def signing_network(key: str = RIGHT, **fields: Any) -> Network:
    network = make_network(adapter="generic_hmac", **fields)
    network.set_signing_key(key, timezone.now())
    network.save()
    return network


def send_signed(network: Network, key: str, **params: str) -> Postback:
    """A call that is signed with `key`; the postback that was kept of it."""
    query = urlencode([*params.items(), ("sig", sign(list(params.items()), key))])
    Client().get(f"{postback_url(network)}?{query}")
    return Postback.objects.latest("pk")


def correct_key(network: Network, key: str) -> None:
    network.set_signing_key(key, timezone.now())
    network.save()
