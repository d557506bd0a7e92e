"""Calls as a network would send them: an example of its format with another status, or what somebody pasted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import orjson

from conversions.calls import Call, SignatureError, UnreadableCallError
from conversions.networks import Adapter, adapter_of
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.values import KIND_OF_STATUS, STATUS_WORDS, words_of
from conversions.outcomes import Outcome
from conversions.reading import read_pairs
from offers.models import Network
from offers.models.network import PostbackStatus

FORM = "application/x-www-form-urlencoded"
SAMPLE_CLICK = "0" * 26
AFTER_A_SALE = {
    PostbackStatus.REJECTED, PostbackStatus.REFUNDED, PostbackStatus.PARTIAL, PostbackStatus.CHARGEBACK,
    PostbackStatus.CORRECTION,
}  # fmt: skip
REFUSED_AS = {PostbackStatus.IGNORED: Outcome.IGNORED, PostbackStatus.TEST: Outcome.TEST}


def example_calls(network: Network, click_id: str, status: PostbackStatus, key: str, number: int = 1) -> list[Call]:
    """The calls for a status, a sale before what takes it back; empty where the format's example is a sale only.

    Another number is another transaction.
    """
    sale = adapter_of(network).example(network, click_id, key, number)
    if status == PostbackStatus.APPROVED:
        return [sale]
    changed = next((call for call in variants(network, sale, status) if says(network, call, key, status)), None)
    if changed is None:
        return []
    return [sale, changed] if status in AFTER_A_SALE else [changed]


def pasted_call(text: str) -> Call:
    """A query as the network would call, the whole address or a JSON body."""
    text = text.strip()
    if text.startswith("{"):
        return Call("POST", body=text.encode(), content_type="application/json")
    before, mark, after = text.partition("?")
    query = after if mark and "=" not in before else text
    return Call("GET", query.encode().decode("latin-1"))  # as WSGI hands bytes over


def variants(network: Network, sale: Call, status: PostbackStatus) -> Iterator[Call]:
    """The sale with each word for the status in each place where a status may stand."""
    for word in words_for(network, status):
        yield from rewritten(network, sale, word)
        yield replace(sale, query="&".join(filter(None, [sale.query, urlencode({"status": word})])))


def words_for(network: Network, status: PostbackStatus) -> list[str]:
    """The network's words for one of our statuses, its own before the usual ones."""
    known = {**network.status_map, **{w: s for w, s in network.format.status_words.items() if not network.to_status(w)}}
    usual = [word for word in STATUS_WORDS[status] if word]
    return [*(word for word, meaning in known.items() if meaning == status), *usual]


def rewritten(network: Network, sale: Call, word: str) -> Iterator[Call]:
    """The sale with `word` in place of each value that is a word for a status itself."""
    for changed in rewritten_form(network, sale.query, word):
        yield replace(sale, query=changed)
    for name, value in sale.headers.items():
        if is_word(network, value):
            yield replace(sale, headers={**sale.headers, name: word})
    if sale.content_type == FORM:
        for changed in rewritten_form(network, sale.body.decode(), word):
            yield replace(sale, body=changed.encode())
    if sale.body[:1] == b"{":
        members = orjson.loads(sale.body)
        for name, value in members.items():
            if isinstance(value, str) and is_word(network, value):
                yield replace(sale, body=orjson.dumps({**members, name: word}))


def rewritten_form(network: Network, text: str, word: str) -> Iterator[str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    for place, (name, value) in enumerate(pairs):
        if is_word(network, value):
            yield urlencode([*pairs[:place], (name, word), *pairs[place + 1 :]])


def is_word(network: Network, value: str) -> bool:
    folded = value.strip().casefold()
    usual = {word for words in STATUS_WORDS.values() for word in words if word}
    return bool(network.to_status(value) or words_of(network).get(folded) or folded in usual)


def says(network: Network, call: Call, key: str, status: PostbackStatus) -> bool:
    """Whether the format reads the call as its own and as speaking of this status."""
    try:
        record = read(adapter_of(network), call, network, [key])
    except (SignatureError, UnreadableCallError):
        return False
    except PostbackRefusedError as refusal:
        return refusal.outcome == REFUSED_AS.get(status)
    return status == (record.kind if status in KIND_OF_STATUS else record.status)


def read(adapter: Adapter, call: Call, network: Network, keys: Sequence[str]) -> PostbackRecord:
    """The record of a call. Raises SignatureError, UnreadableCallError and PostbackRefusedError."""
    pairs = adapter.open(call, keys) if hasattr(adapter, "open") else read_pairs(call)
    return adapter.read(dict(pairs), network)


def click_names(network: Network) -> frozenset[str]:
    """The parameters, case-folded, that this network's format reads as the click id."""
    adapter = adapter_of(network)
    names = {*adapter.CRITICAL, *network.format.macros, *network.parameter_names.values()}
    return frozenset(name.casefold() for name in names if is_read_as_click(adapter, network, name))


def is_read_as_click(adapter: Adapter, network: Network, name: str) -> bool:
    try:
        return adapter.read({name: SAMPLE_CLICK}, network).click_id == SAMPLE_CLICK
    except PostbackRefusedError:
        return False
