"""The payload contract of Events API 2.0 for web events: its shape, its limits, and a reason for every refusal.

Source: TikTok's Events API reference ("Report web events"), URL version v1.3; where it is silent, the stricter
reading of TikTok's own tag templates.
"""

import re
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from conversions.page_properties import CONTENT_TYPES
from dispatch.reasons import Reason
from offers.vocabulary import CURRENCIES

VERSION = "2.0/2"
PATH = "/open_api/v1.3/event/track/"
MAX_EVENTS = 1000
MAX_BODY_BYTES = 1_000_000
OLDEST = timedelta(days=7)
FUTURE_TOLERANCE = timedelta(minutes=10)
TTCLID_LENGTH = 2048
SHA256_HEX = re.compile(r"^[0-9a-f]{64}$")
CURRENCY = re.compile(r"^[A-Z]{3}$")
EVENT_NAME = re.compile(r"^[A-Za-z][A-Za-z ]{1,49}$")


class User(TypedDict, total=False):
    """Match keys. Digests are lower-case hex SHA-256; the others go raw, as TikTok asks."""

    email: list[str]
    phone: list[str]
    external_id: list[str]
    ttclid: str
    ttp: str
    ip: str
    user_agent: str


class Page(TypedDict):
    url: str
    referrer: NotRequired[str]


class Content(TypedDict):
    """One thing that the event is about. Ids are text: TikTok refuses a number. `price` is that of one."""

    content_id: str
    content_name: NotRequired[str]
    content_category: NotRequired[str]
    brand: NotRequired[str]
    price: NotRequired[float]
    quantity: NotRequired[int]


class Properties(TypedDict, total=False):
    """`value` is a plain number in units of `currency`."""

    value: float
    currency: str
    contents: list[Content]
    content_ids: list[str]
    content_type: str
    description: str
    search_string: str
    order_id: str
    num_items: int


class Event(TypedDict):
    """One entry of `data`. `event_time` is in Unix seconds, UTC."""

    event: str
    event_time: int
    event_id: str
    user: User
    page: Page
    properties: NotRequired[Properties]
    limited_data_use: NotRequired[bool]


class Body(TypedDict):
    event_source: str
    event_source_id: str
    data: list[Event]
    test_event_code: NotRequired[str]


class ContractError(Exception):
    """An event that TikTok would refuse or could not use; nothing of it was sent."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def make_body(pixel_code: str, test_event_code: str, events: list[Event]) -> Body:
    """The request body of up to 1,000 events of one pixel; the test code stands at the top level, or is left out."""
    body: Body = {"event_source": "web", "event_source_id": pixel_code, "data": events}
    if test_event_code:
        body["test_event_code"] = test_event_code
    return body


def check_event(event: Event, now: datetime) -> None:
    """Raises ContractError with the first thing that breaks the contract."""
    check_name(event["event"])
    check_time(event["event_time"], now)
    check_user(event["user"])
    check_page(event["page"])
    check_properties(event.get("properties", {}))


def check_name(name: str) -> None:
    if not EVENT_NAME.match(name):
        raise ContractError(Reason.CONTRACT, f"event: “{name[:60]}” is not an event name.")


def check_time(event_time: int, now: datetime) -> None:
    age = now.timestamp() - event_time
    if age > OLDEST.total_seconds():
        raise ContractError(Reason.TOO_OLD, f"event_time: {int(age // 86400)} days ago; 7 is the most.")
    if -age > FUTURE_TOLERANCE.total_seconds():
        raise ContractError(Reason.CONTRACT, "event_time: more than ten minutes in the future.")


def check_user(user: User) -> None:
    """Digests must be digests, and there must be something to match a person by."""
    for field, digests in (
        ("email", user.get("email", [])),
        ("phone", user.get("phone", [])),
        ("external_id", user.get("external_id", [])),
    ):
        if any(not SHA256_HEX.match(digest) for digest in digests):
            raise ContractError(Reason.CONTRACT, f"user.{field}: not a lower-case SHA-256 digest.")
    if len(user.get("ttclid", "")) > TTCLID_LENGTH:
        raise ContractError(Reason.CONTRACT, "user.ttclid: longer than 2,048 characters.")
    if not (user.keys() - {"ip", "user_agent"} or {"ip", "user_agent"} <= user.keys()):
        raise ContractError(
            Reason.NO_MATCH_KEY, "user: no ttclid, _ttp, e-mail, phone, external id, nor ip with user agent."
        )


def check_page(page: Page) -> None:
    if not re.match(r"^https?://[^/?#\s]+", page["url"]):
        raise ContractError(Reason.CONTRACT, "page.url: a web event needs the complete address of its page.")


def untold(currency: str) -> ContractError:
    """What is wrong with a currency that TikTok does not take; a real one was left as it is for want of a rate."""
    words = f"properties.currency: TikTok does not take “{currency[:10]}”"
    if CURRENCY.match(currency):
        return ContractError(Reason.NO_RATE, f"{words}, and there is no exchange rate for {currency}.")
    return ContractError(Reason.CONTRACT, f"{words}.")


def check_properties(properties: Properties) -> None:
    currency = properties.get("currency")
    if currency is not None and currency not in CURRENCIES:
        raise untold(currency)
    if "value" in properties and properties["value"] < 0:
        raise ContractError(Reason.CONTRACT, "properties.value: below zero; a refund is not an event.")
    if "value" in properties and currency is None:
        raise ContractError(Reason.CONTRACT, "properties.value: a value needs its currency.")
    check_contents(properties)


def check_contents(properties: Properties) -> None:
    """What TikTok would refuse the whole request for: an id that is no text, a kind of thing that it does not know."""
    ids = [content.get("content_id") for content in properties.get("contents", [])]
    for field, found in (("contents", ids), ("content_ids", properties.get("content_ids", []))):
        if not all(isinstance(content_id, str) and content_id for content_id in found):
            raise ContractError(Reason.CONTRACT, f"properties.{field}: a thing needs its id, as text.")
    if properties.get("content_type", CONTENT_TYPES[0]) not in CONTENT_TYPES:
        raise ContractError(Reason.CONTRACT, "properties.content_type: neither “product” nor “product_group”.")
