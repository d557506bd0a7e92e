"""Turning one call into one Postback row: is it the network's own, hide personal data, keep."""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from django.http import HttpRequest

from conversions import configuration, identity
from conversions.calls import Call, Pairs, SignatureError, UnreadableCallError
from conversions.erased import drop_erased_on_arrival
from conversions.inserting import PreparedInsert
from conversions.models import Postback
from conversions.networks import Adapter, adapter_of
from conversions.outcomes import Outcome
from conversions.reading import MAX_QUERY_BYTES, parse_body, read_pairs, read_request, refuse_hostile
from conversions.visitor import client_ip
from offers.encryption import SecretUnreadableError
from offers.models import Network

insert = PreparedInsert(Postback)
KEY_UNREADABLE = "Our copy of the network's key can't be decrypted, so nothing can be checked with it."
MAX_NAME = 100
MAX_VALUE = 4096
KEPT_OF_UNREADABLE = 2000
MOST_CONTACTS = 5  # numbers take a while to read, and a buyer has few


def keep(network: Network, request: HttpRequest, now: datetime) -> tuple[Postback, UnreadableCallError | None]:
    """Read and store one call in one INSERT. The caller has authenticated it by the secret of its address."""
    call = read_call(network, request)
    postback = make_postback(network, call, client_ip(request), now)
    if call.error is None and not network.accepts_ip(postback.remote_ip):
        call.error = UnreadableCallError(Outcome.IP_NOT_ALLOWED, 404, f"{postback.remote_ip} is not in the list.")
        postback.settle(call.error.outcome, call.error.detail, now)
    insert(postback)
    return postback, call.error


def read_call(network: Network, request: HttpRequest) -> Call:
    """A network's call with its parameters; what went wrong is in `error`, what was sent is kept."""
    adapter = adapter_of(network)
    call = read_request(request, adapter.FORMAT.max_body_bytes)
    if call.error is None:
        read_params(call, adapter, network)
    if call.error and call.error.outcome == Outcome.BAD_SIGNATURE:
        newest = configuration.networks.refresh(network.slug)  # a key that was entered a moment ago counts
        if newest and newest.signing_key != network.signing_key:
            call.error = None
            read_params(call, adapter, newest)
    if call.error and adapter.FORMAT.is_signed:
        call.error.status = 404  # whoever can't sign learns nothing, not even that somebody reads
    return call


def read_params(call: Call, adapter: Adapter, network: Network) -> None:
    """Fill in the call's parameters, those that the signature covers where the format has one; else its error."""
    try:
        call.pairs = adapter.open(call, network.live_keys()) if hasattr(adapter, "open") else read_pairs(call)
        refuse_hostile(call.pairs, adapter.CRITICAL)
    except SecretUnreadableError:
        call.error = UnreadableCallError(Outcome.BAD_SIGNATURE, 404, KEY_UNREADABLE)
    except SignatureError as error:
        call.error = UnreadableCallError(Outcome.BAD_SIGNATURE, 404, str(error))
    except UnreadableCallError as error:
        call.error = error


def make_postback(network: Network, call: Call, remote_ip: str | None, now: datetime) -> Postback:
    """An unsaved Postback: due now when it is readable, finished with its reason when it is not."""
    postback = Postback(network=network, received_at=now, method=call.method, remote_ip=remote_ip)
    if call.error is None:
        take_params(postback, call, now)
        return postback
    postback.settle(call.error.outcome, call.error.detail, now)
    if call.error.outcome != Outcome.BAD_SIGNATURE:
        postback.raw_call = hide_key(beginning_of(call), network.format.key_parameter)
    else:
        postback.raw_call = sketch_of(call, network.format.key_parameter)
        postback.sealed_call = call.pack()  # the key may be ours to correct, and what it signed must be whole then
    return postback


def take_params(postback: Postback, call: Call, now: datetime) -> None:
    """Give the postback what the call says, without personal data, to be digested now. Does not save."""
    emails, phones = values_of(call.pairs, identity.EMAIL_KEYS), values_of(call.pairs, identity.PHONE_KEYS)
    region = postback.network.default_region
    postback.params = hide_personal(call.pairs)
    postback.email_sha256 = first_hash(identity.hash_email(value) for value in emails)
    postback.phone_sha256 = first_hash(identity.hash_phone(value, region) for value in phones)
    drop_erased_on_arrival(postback)
    postback.due_at = now


def reopen(postback: Postback, now: datetime) -> bool:
    """Check a refused signature again with the network's keys of today; whether the call is its own. Does not save."""
    network = postback.network
    if not network.format.is_signed:
        postback.settle(
            Outcome.BAD_SIGNATURE, "The network's format is not signed any more; nothing can prove it.", now
        )
        return False
    call = Call.unpack(postback.sealed_call.reveal())
    read_params(call, adapter_of(network), network)
    if call.error:
        postback.settle(call.error.outcome, call.error.detail, now)
        return False
    take_params(postback, call, now)
    postback.outcome, postback.detail, postback.raw_call, postback.sealed_call = Outcome.RECEIVED, "", "", ""
    return True


def sketch_of(call: Call, key_parameter: str) -> str:
    """What is shown of a call that is sealed: its query, and of its body, which may name a buyer, the names."""
    query = hide_key(beginning_of(Call(query=call.query)), key_parameter)
    if not call.body:
        return query
    try:
        names = ", ".join(dict.fromkeys(name[:MAX_NAME] for name, _ in parse_body(call)))
    except UnreadableCallError as error:
        names = error.detail
    return f"{query}\nThe body, which is kept sealed: {identity.hide_beginning(names, KEPT_OF_UNREADABLE)}".strip()


def beginning_of(call: Call) -> str:
    """The beginning of query and body as one text that can be stored and shown, without personal data."""
    parts = (call.query[:MAX_QUERY_BYTES], call.body[: 2 * MAX_QUERY_BYTES].decode("utf-8", "replace"))
    text = "\n".join(part for part in parts if part).replace("\x00", "")  # UTF-16 has one behind every letter
    return identity.hide_beginning(text, KEPT_OF_UNREADABLE)


def hide_key(text: str, name: str) -> str:
    """The text of a refused call without the key that it brought along: ours may be wrong and this one right."""
    return re.sub(rf"({name}\W{{1,10}})[^&\s\"]+", rf"\1{identity.HIDDEN}", text) if name else text


def values_of(pairs: Pairs, keys: frozenset[str]) -> list[str]:
    return [value for key, value in pairs if key.casefold() in keys]


def first_hash(digests: Iterable[str]) -> str:
    return next((digest for digest in islice(digests, MOST_CONTACTS) if digest), "")


def hide_personal(pairs: Pairs) -> dict[str, str]:
    """The parameters as kept: personal ones hidden by name, and wherever they stand in a name or a value."""
    return {
        identity.hide_beginning(key, MAX_NAME): identity.HIDDEN if identity.is_personal(key) else kept(value)
        for key, value in pairs
    }


def kept(value: str) -> str:
    """The beginning of a value without personal data."""
    return hide_value(value)[:MAX_VALUE]


def hide_value(text: str) -> str:
    """A value without personal data; what is JSON is searched by its keys, so that no spelling of it slips by."""
    if text.lstrip()[:1] not in ("{", "["):
        return identity.hide_beginning(text, MAX_VALUE)
    try:
        parsed = orjson.loads(text)
        hidden = hide_nested(parsed)
        return text if hidden == parsed else orjson.dumps(hidden).decode()
    except (orjson.JSONDecodeError, TypeError, RecursionError):  # no JSON, or nested too deeply for us
        return identity.hide_beginning(text, MAX_VALUE)


def hide_nested(value: Any) -> Any:
    match value:
        case dict():
            return {
                identity.hide_inside(key): identity.HIDDEN if identity.is_personal(key) else hide_nested(inner)
                for key, inner in value.items()
            }
        case list():
            return [hide_nested(inner) for inner in value]
        case str():
            return hide_value(value)
    return value
