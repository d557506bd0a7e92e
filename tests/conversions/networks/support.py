"""What the tests of formats do again and again."""

from typing import Any
from urllib.parse import urlencode

from django.test import Client

from conversions.calls import Call
from conversions.models import Postback
from conversions.networks import ADAPTERS
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from offers.models import Network
from tests.conversions.support import digest_everything, postback_url
from tests.factories import make_click, make_network, make_offer

KEY = "a-signing-key"


def deliver(network: Network, call: Call):
    """Send a call through the gateway; the answer."""
    return Client().generic(
        call.method, postback_url(network), call.body, call.content_type, headers=call.headers, QUERY_STRING=call.query
    )


def template(**params: str) -> Call:
    """A call of a postback URL with these parameters."""
    return Call("GET", urlencode(params))


def digested(network: Network, call: Call) -> Postback:
    """Send a call and digest it; the postback with its outcome."""
    answer = deliver(network, call)
    digest_everything()
    postback = Postback.objects.latest("pk")
    postback.answer = answer
    return postback


def network_of(name: str, **fields: Any) -> Network:
    """A network with this format as its preset fills it in, and a key where the format is signed."""
    known = ADAPTERS[name].FORMAT
    fields.setdefault("signing_key", KEY if known.is_signed else "")
    return make_network(adapter=name, reply=known.reply, **fields)


def click_of(name: str, rules: list[dict[str, Any]] | None = None, **fields: Any):
    """A click of an offer of such a network."""
    return make_click(make_offer(rules, network=network_of(name, **fields)))


def read(name: str, network: Network | None = None, /, **params: str) -> PostbackRecord:
    """The neutral record of these parameters. Raises PostbackRefusedError."""
    return ADAPTERS[name].read(params, network or Network(adapter=name))


def refusal(name: str, network: Network | None = None, /, **params: str) -> str:
    """The outcome with which these parameters are refused."""
    try:
        read(name, network, **params)
    except PostbackRefusedError as refused:
        return refused.outcome
    return "accepted"
