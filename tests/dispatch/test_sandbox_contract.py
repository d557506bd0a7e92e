"""The sandbox refuses what TikTok's contract refuses, with TikTok's codes and the index of the bad event."""

import copy
import hashlib
import json

import pytest

from dispatch.tiktok.sandbox.contract import MAX_BODY, check_events, read_envelope
from dispatch.tiktok.sandbox.refusal import RefusedError

NOW = 1_790_000_000
EMAIL = hashlib.sha256(b"alice_abc@gmail.com").hexdigest()
EVENT = {
    "event": "Purchase",
    "event_time": NOW - 60,
    "event_id": "0e5d2a7c-6d5b-5b3e-9f1d-2b8c6f7a1e90",
    "user": {
        "email": [EMAIL],
        "phone": hashlib.sha256(b"+12133734253").hexdigest(),
        "external_id": [hashlib.sha256(b"user_123").hexdigest()],
        "ttclid": "E.C.P.abc~-_=",
        "ttp": "2aBcD",
        "ip": "8.8.8.8",
        "user_agent": "Mozilla/5.0",
        "locale": "en-US",
    },
    "properties": {
        "value": 49.5,
        "currency": "EUR",
        "content_type": "product",
        "contents": [{"content_id": "7", "price": 49.5, "quantity": 1, "content_name": "Course"}],
        "num_items": 1,
        "order_id": "A-1",
    },
    "page": {"url": "https://shop.example/thanks?ttclid=E.C.P.abc", "referrer": "https://shop.example/"},
    "limited_data_use": False,
}
ENVELOPE = {"event_source": "web", "event_source_id": "PIXELCODE1", "data": [EVENT]}


def changed(original, path, value):
    """A deep copy with one value replaced; `...` takes the key out."""
    result = copy.deepcopy(original)
    *parents, last = path.split(".")
    place = result
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return result


def refusal_of_event(event):
    with pytest.raises(RefusedError) as caught:
        check_events([EVENT, event], NOW)
    return caught.value


def refusal_of_body(body):
    with pytest.raises(RefusedError) as caught:
        read_envelope(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


def test_accepts_a_full_event_without_a_warning():
    assert check_events([EVENT], NOW) == [[]]


def test_accepts_the_smallest_event():
    smallest = {name: EVENT[name] for name in ("event", "event_time", "event_id")}

    assert check_events([smallest | {"page": {"url": "http://localhost:8000/"}}], NOW) == [[]]


BAD_FIELDS = [
    ("event", "", 40002),
    ("event", 5, 40002),
    ("event", "Purchase!", 40002),
    ("event", "1st", 40002),
    ("event", "x" * 51, 40002),
    ("event", ..., 40002),
    ("event_time", NOW * 1000, 40002),
    ("event_time", str(NOW), 40002),
    ("event_time", float(NOW), 40002),
    ("event_time", True, 40002),
    ("event_time", NOW + 601, 40002),
    ("event_time", NOW - 7 * 86400 - 1, 40002),
    ("event_time", ..., 40002),
    ("event_id", "", 40002),
    ("event_id", " ", 40002),
    ("event_id", 12, 40002),
    ("event_id", ..., 40002),
    ("page", ..., 40002),
    ("page.url", ..., 40002),
    ("page.url", "/thanks", 40002),
    ("page.url", "ftp://shop.example/", 40002),
    ("page.url", "https://", 40002),
    ("page.url", "https://shop.example/a b", 40002),
    ("page.url", "https://shop.example:port/", 40002),
    ("page.referrer", "", 40002),
    ("page.title", "Thanks", 40002),
    ("limited_data_use", "false", 40002),
    ("limited_data_use", 0, 40002),
    ("test_event_code", "TEST1", 40002),
    ("context", {}, 40002),
    ("user", [], 40002),
    ("user", None, 40002),
    ("user.phone_number", EMAIL, 40002),
    ("user.email", "alice@example.com", 40062),
    ("user.email", EMAIL.upper(), 40062),
    ("user.email", EMAIL + "\n", 40062),
    ("user.email", [EMAIL, "alice@example.com"], 40062),
    ("user.email", hashlib.sha256(b"").hexdigest(), 40002),
    ("user.email", [], 40002),
    ("user.email", "", 40002),
    ("user.email", None, 40002),
    ("user.email", {"0": EMAIL}, 40002),
    ("user.phone", "+12133734253", 40062),
    ("user.phone", hashlib.sha256(b"12133734253").hexdigest(), 40002),
    ("user.phone", hashlib.sha256(b"6281234567890").hexdigest(), 40002),
    ("user.external_id", "user_123", 40062),
    ("user.external_id", 123, 40002),
    ("user.ttclid", EMAIL, 40002),
    ("user.ttclid", "", 40002),
    ("user.ttp", None, 40002),
    ("user.ip", "300.1.1.1", 40002),
    ("user.ip", "8.8.8.8:80", 40002),
    ("user.user_agent", "", 40002),
    ("user.locale", "English!", 40002),
    ("properties.value", "49.5", 40002),
    ("properties.value", True, 40002),
    ("properties.value", -1, 40002),
    ("properties.value", float("inf"), 40002),
    ("properties.value", None, 40002),
    ("properties.currency", ..., 40002),
    ("properties.currency", "eur", 40002),
    ("properties.currency", "XXX", 40002),
    ("properties.content_type", "course", 40002),
    ("properties.contents", [], 40002),
    ("properties.contents", [{"content_id": 7}], 40002),
    ("properties.contents", [{"price": 1}], 40002),
    ("properties.contents", [{"content_id": "7", "price": "1"}], 40002),
    ("properties.contents", [{"content_id": "7", "quantity": 1.5}], 40002),
    ("properties.contents", [{"content_id": "7", "content_type": "product"}], 40002),
    ("properties.content_ids", ["7", 8], 40002),
    ("properties.num_items", 1.0, 40002),
    ("properties.num_items", False, 40002),
    ("properties.query", "shoes", 40002),
    ("properties.description", "", 40002),
    ("properties.customer_type", "old", 40002),
    ("ad", {"attribution_share": 1.5}, 40002),
]


@pytest.mark.parametrize(("path", "value", "code"), BAD_FIELDS)
def test_refuses_a_bad_field_and_names_the_event(path, value, code):
    refusal = refusal_of_event(changed(EVENT, path, value))

    assert refusal.code == code
    assert refusal.message.startswith(f"Batch.1.{path}")


def test_echoes_the_offending_value_as_tiktok_does():
    refusal = refusal_of_event(changed(EVENT, "properties.value", "12,50"))

    assert refusal.message == 'Batch.1.properties.value: must be a number, got "12,50"'


@pytest.mark.parametrize("event", [None, [], "Purchase", 1])
def test_refuses_an_event_that_is_no_object(event):
    assert refusal_of_event(event).code == 40002


@pytest.mark.parametrize(
    ("path", "value", "warning"),
    [
        ("event", "Spin the wheel", "custom event"),
        ("event", "CompletePayment", "now called Purchase"),
        ("user.ip", "127.0.0.1", "not a public address"),
        ("user.ip", "192.168.1.5", "not a public address"),
        ("user.ttclid", "__CLICKID__", "unreplaced macro"),
        ("properties.value", 0.1 + 0.2, "more than 4 decimals"),
    ],
)
def test_warns_of_what_tiktok_takes_but_cannot_use(path, value, warning):
    [[found]] = check_events([changed(EVENT, path, value)], NOW)

    assert warning in found


BAD_ENVELOPES = [
    ("event_source", ..., 40002),
    ("event_source", "website", 40002),
    ("event_source", "offline", 40002),
    ("event_source_id", ..., 40002),
    ("event_source_id", "", 40002),
    ("event_source_id", 5, 40002),
    ("data", ..., 40002),
    ("data", EVENT, 40002),
    ("data", [], 40061),
    ("data", [EVENT] * 1001, 40061),
    ("test_event_code", "", 40002),
    ("test_event_code", 5, 40002),
    ("test_event_code", None, 40002),
    ("partner_name", "Us", 40063),
    ("pixel_code", "PIXELCODE1", 40002),
]


@pytest.mark.parametrize(("path", "value", "code"), BAD_ENVELOPES)
def test_refuses_a_bad_top_level_and_names_the_field(path, value, code):
    refusal = refusal_of_body(changed(ENVELOPE, path, value))

    assert refusal.code == code
    assert refusal.message.startswith(path)


def test_reads_the_top_level():
    envelope = read_envelope(json.dumps(ENVELOPE | {"test_event_code": "TEST123"}).encode())

    assert envelope.pixel_code == "PIXELCODE1"
    assert envelope.test_event_code == "TEST123"
    assert envelope.data == [EVENT]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"data":[],"data":[]}',
        b'{"data":[{"properties":{"value":1,"value":2}}]}',
        b'{"data":[{"properties":{"value":NaN}}]}',
        b'{"data":[{"properties":{"value":-Infinity}}]}',
        b'{"event_source_id":"\\ud800"}',
        b"[" * 100_000,
        b'{"data":' + b"9" * 10_000 + b"}",
        b" " * (MAX_BODY + 1),
    ],
)
def test_refuses_a_body_that_is_no_good_json(body):
    assert refusal_of_body(body).code == 40002


@pytest.mark.parametrize(("user", "warned"), [({"ip": "8.8.8.8"}, False), ({"ttclid": "E.C.P.abc"}, True)])
def test_warns_of_limited_data_use_without_the_visitors_address(user, warned):
    [found] = check_events([changed(EVENT | {"limited_data_use": True}, "user", user)], NOW)

    assert bool(found) is warned
