"""What the tests of signed notifications do again and again: telling them in every order, forging them."""

from ast import literal_eval
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from conversions import configuration
from conversions.calls import Call, SignatureError, UnreadableCallError
from conversions.digest import digest_batch
from conversions.models import Click, Conversion, Postback
from conversions.networks import ADAPTERS
from conversions.outcomes import Outcome
from conversions.replaying import replay
from offers.models import Network
from tests.conversions.networks.support import KEY, deliver, network_of
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_offer

FORM = "application/x-www-form-urlencoded"
Facts = Callable[[str, str], list[Call]]


def form(params: dict[str, str], query: str = "") -> Call:
    """A form as these networks post it."""
    return Call("POST", query, urlencode(params).encode(), FORM)


def opened(name: str, call: Call, *keys: str) -> dict[str, str]:
    """The parameters that the format's open() finds proven."""
    return dict(ADAPTERS[name].open(call, keys or (KEY,)))


def reason(name: str, call: Call, *keys: str) -> str:
    """Why open() refuses a call; empty when it does not."""
    try:
        opened(name, call, *keys)
    except (SignatureError, UnreadableCallError) as error:
        return str(error)
    return ""


def tell(network: Network, calls: Sequence[Call]) -> None:
    """The calls one by one through gateway and digest, until nothing waits any more."""
    for call in calls:
        assert deliver(network, call).status_code == 200
        digest_batch(timezone.now())
    while digest_batch(timezone.now() + timedelta(days=2)):
        pass


def books_of(click: Click) -> list[tuple[Any, ...]]:
    """The click's conversions: what was sold, transaction, status, payout, and what each was booked with."""
    rows = []
    for conversion in Conversion.objects.filter(click=click).prefetch_related("ledger_entries"):
        entries = sorted(
            (entry.kind, str(entry.payout), str(entry.amount)) for entry in conversion.ledger_entries.all()
        )
        rows.append((conversion.kind, conversion.transaction_id, conversion.status, str(conversion.payout), entries))
    return sorted(rows)


def books_in_any_order(name: str, facts: Facts) -> list[tuple[str, ...]]:
    """Tell the facts of a new click in each order, one of them again; the books, which must always be the same.

    `facts` makes the calls from the click id and from a tag that makes their receipts unique.
    """
    offer = make_offer(network=network_of(name))
    results = []
    for number, order in enumerate(permutations(range(len(facts("", ""))))):
        click, tag = make_click(offer), f"N{number:03}"
        calls = facts(click.pk, tag)
        tell(offer.network, [calls[index] for index in (*order, number % len(calls))])
        results.append((str(books_of(click)).replace(tag, "#"), order))
        assert results[0][0] == results[-1][0], f"order {order}"
    return [row[:4] for row in literal_eval(results[0][0])]


def assert_refused(network: Network, call: Call) -> Postback:
    """The call is answered as an unknown network's would be, and kept with its reason; the postback."""
    unknown, answer = Client().post("/postback/no-such-network/x/"), deliver(network, call)
    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content) == (404, b"Not found.\n")
    assert sorted(answer.headers.items()) == sorted(unknown.headers.items())
    postback = Postback.objects.latest("pk")
    assert (postback.outcome, postback.params) == (Outcome.BAD_SIGNATURE, {})
    assert not Conversion.objects.exists()
    return postback


def corrected(postback: Postback, key: str = KEY) -> Postback:
    """Correct the network's key and have the postback checked and digested again; how it ends."""
    network = postback.network
    network.set_signing_key(key, timezone.now())
    network.save()
    configuration.forget()
    replay([postback.pk], timezone.now())
    digest_everything()
    postback.refresh_from_db()
    return postback
