"""Shopify's webhooks: signed over the raw body, told apart by their topic."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import orjson
import pytest
from django.utils import timezone

from conversions import configuration
from conversions.calls import Call, SignatureError
from conversions.identity import hash_email, hash_phone
from conversions.models import Conversion, LedgerEntry
from conversions.networks import shopify
from conversions.networks.shopify import SIGNATURE, TOPIC, sign
from conversions.outcomes import Outcome
from tests.conversions.networks.support import KEY, click_of, deliver, digested
from tests.conversions.support import database_text

ORDER_ID = 820982911946154508  # longer than a double holds exactly


def webhook(topic: str, body: dict[str, Any] | bytes, key: str = KEY, **headers: str) -> Call:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {f"x-shopify-{name.replace('_', '-')}": value for name, value in headers.items()}
    return Call("POST", "", raw, "application/json", {SIGNATURE: sign(raw, key), TOPIC: topic, **given})


def order(click_id: str = "", **members: Any) -> dict[str, Any]:
    noted = [{"name": "gift", "value": "yes"}, {"name": "click_id", "value": click_id}]
    return {
        "id": ORDER_ID, "total_price": "403.00", "currency": "CAD", "financial_status": "paid",
        "created_at": "2026-01-15T13:00:00-05:00", "note_attributes": noted, **members,
    }  # fmt: skip


def refund(refund_id: int, *amounts: str, **members: Any) -> dict[str, Any]:
    back = [{"kind": "refund", "status": "success", "amount": amount, "currency": "CAD"} for amount in amounts]
    return {"id": refund_id, "order_id": ORDER_ID, "transactions": back, **members}


def opened(body: dict[str, Any], topic: str = "orders/create") -> dict[str, str]:
    return dict(shopify.open(webhook(topic, body), [KEY]))


def test_the_published_vector():
    body = b'{"id":820982911946154508,"total_price":"403.00","currency":"USD"}'
    call = Call("POST", "", body, headers={SIGNATURE: "1ZDKZwAdfM9noJW+WFAIRYVA6U2i5DmOBDIZZixly/Q="})

    assert dict(shopify.open(call, ["hush"])) == {
        "order_id": "820982911946154508", "amount": "403.00", "currency": "USD", TOPIC: "orders/create",
    }  # fmt: skip


@pytest.mark.parametrize("headers", [{}, {SIGNATURE: ""}, {SIGNATURE: "é"}, {SIGNATURE: sign(b"{} ", KEY)}])
def test_what_is_not_signed_as_it_came_is_refused(headers: dict[str, str]):
    with pytest.raises(SignatureError):
        shopify.open(Call("POST", "", b"{}", headers=headers), [KEY])


@pytest.mark.parametrize(
    "members",
    [
        {"note_attributes": [{"name": "Click_ID", "value": "abc"}]},
        {"landing_site": "/products/x?utm_source=tiktok&click_id=abc#top", "note_attributes": []},
        {"landing_site": "https://shop.example/?clickid=abc", "note_attributes": [{"name": "click_id", "value": ""}]},
        {"click_id": "abc", "note_attributes": None},
    ],
)
def test_the_click_id_is_found_where_the_shop_has_kept_it(members: dict[str, Any]):
    assert opened({**order(), **members})["click_id"] == "abc"


@pytest.mark.parametrize(
    "members",
    [
        {"note_attributes": "click_id"},
        {"note_attributes": [1, None, [], {"name": {}, "value": []}]},
        {"landing_site": ["?click_id=abc"]},
        {"click_id": {"a": 1}},
    ],
)
def test_odd_shapes_are_no_click_id(members: dict[str, Any]):
    assert "click_id" not in opened({**order(), "note_attributes": [], **members})


@pytest.mark.parametrize(
    ("body", "topic"),
    [(order(), "orders/create"), (order(cancelled_at="2026-01-16"), "orders/cancelled"), (refund(1), "refunds/create")],
)
def test_a_body_without_a_topic_says_itself_what_it_is(body: dict[str, Any], topic: str):
    assert opened(body, topic="")[TOPIC] == topic


@pytest.mark.django_db
def test_a_paid_order_is_a_sale_of_its_total():
    click = click_of("shopify")

    digested(click.offer.network, webhook("orders/create", order(click.pk)))

    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.transaction_id) == ("approved", str(ORDER_ID))
    assert (conversion.amount, conversion.currency) == (Decimal("403.00"), "CAD")


@pytest.mark.django_db
def test_an_order_that_is_paid_later_waits_for_that():
    click = click_of("shopify")
    calls = [
        webhook("orders/create", order(click.pk, financial_status="pending")),
        webhook("orders/paid", order(click.pk)),
    ]

    statuses = []
    for call in calls:
        digested(click.offer.network, call)
        statuses.append(Conversion.objects.get().status)

    assert statuses == ["pending", "approved"]


@pytest.mark.django_db
def test_creation_and_payment_of_one_order_count_once():
    click = click_of("shopify")

    for topic in ("orders/create", "orders/paid"):
        postback = digested(click.offer.network, webhook(topic, order(click.pk)))

    assert (postback.outcome, LedgerEntry.objects.count()) == (Outcome.DUPLICATE, 1)


@pytest.mark.django_db
def test_refunds_are_told_apart_by_their_ids_and_add_up():
    click = click_of("shopify")
    calls = [
        webhook("orders/create", order(click.pk)),
        webhook("refunds/create", refund(1, "100.00", "1.50")),
        webhook("refunds/create", refund(1, "100.00", "1.50")),
        webhook("refunds/create", refund(2, "100.00", "1.50")),
    ]

    for call in calls:
        digested(click.offer.network, call)

    assert Conversion.objects.get().status == Conversion.Status.PARTIAL
    assert sum(entry.amount for entry in LedgerEntry.objects.all()) == Decimal("200.00")


@pytest.mark.django_db
@pytest.mark.parametrize("steps", list(permutations(["sale", "half", "rest"])))
def test_refunds_of_everything_take_the_order_back_in_any_order(steps: tuple[str, ...]):
    click = click_of("shopify")
    calls = {
        "sale": webhook("orders/create", order(click.pk)),
        "half": webhook("refunds/create", refund(1, "201.50")),
        "rest": webhook("refunds/create", refund(2, "201.50")),
    }

    for step in steps:
        digested(click.offer.network, calls[step])

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED


@pytest.mark.django_db
def test_a_cancelled_order_that_is_refunded_is_taken_off_once():
    click = click_of("shopify")
    calls = [
        webhook("orders/create", order(click.pk)),
        webhook("orders/cancelled", order(click.pk, cancelled_at="2026-01-16T00:00:00Z")),
        webhook("refunds/create", refund(1, "403.00")),
    ]

    for call in calls:
        digested(click.offer.network, call)

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED
    assert sum(entry.amount or 0 for entry in LedgerEntry.objects.all()) == Decimal(0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (webhook("orders/create", order(test=True)), Outcome.TEST),
        (webhook("orders/create", order(), test="true"), Outcome.TEST),
        (webhook("refunds/create", refund(1, "1.00", test=True)), Outcome.TEST),
        (webhook("refunds/create", refund(1)), Outcome.IGNORED),
        (webhook("refunds/create", refund(1, "0.00")), Outcome.IGNORED),
        (webhook("orders/updated", order()), Outcome.IGNORED),
        (webhook("customers/create", order()), Outcome.UNMAPPED_STATUS),
        (webhook("orders/create", order(total_price="dear")), Outcome.BAD_AMOUNT),
        (webhook("refunds/create", refund(1, "1.00", "x")), Outcome.BAD_AMOUNT),
        (webhook("orders/create", b"[1]"), Outcome.UNDECODABLE),
    ],
)
def test_what_is_no_sale_is_named(call: Call, outcome: str):
    assert digested(click_of("shopify").offer.network, call).outcome == outcome


@pytest.mark.django_db
def test_of_the_buyer_only_digests_are_kept():
    click = click_of("shopify")
    buyer = {"email": "Jane@Example.com", "phone": "+12025550123", "billing_address": {"address1": "Elm Street 5"}}

    digested(click.offer.network, webhook("orders/create", order(click.pk, **buyer)))

    conversion = Conversion.objects.get()
    assert conversion.email_sha256 == hash_email("jane@example.com")
    assert conversion.phone_sha256 == hash_phone("+12025550123")
    assert not any(word in database_text() for word in ("Example.com", "2025550123", "Elm Street"))


@pytest.mark.django_db
def test_an_order_of_200_kb_is_taken():
    click = click_of("shopify")
    items = [{"title": "A product", "properties": ["x" * 80]}] * 2000

    postback = digested(click.offer.network, webhook("orders/create", order(click.pk, line_items=items)))

    assert postback.outcome == Outcome.RECORDED


@pytest.mark.django_db
def test_while_keys_rotate_both_are_taken():
    click = click_of("shopify")
    network = click.offer.network
    network.set_signing_key("the new key", timezone.now())
    network.save()
    configuration.forget()

    statuses = [
        deliver(network, webhook("orders/create", order(click.pk), key)).status_code
        for key in (KEY, "the new key", "neither")
    ]

    assert statuses == [200, 200, 404]


def test_the_topic_which_is_not_signed_can_not_take_an_order_back():
    captured = {"id": 1, "total_price": "9.00"}

    assert opened(captured, topic="orders/cancelled")[TOPIC] == "orders/create"
    assert opened(captured, topic="refunds/create")[TOPIC] == "orders/create"
    assert opened({**captured, "cancelled_at": "2026-01-15"}, topic="orders/cancelled")[TOPIC] == "orders/cancelled"
