from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from conversions.identity import sha256
from conversions.models import Conversion
from conversions.page_state import identity_of
from dispatch.reasons import Reason
from dispatch.tiktok.contract import ContractError, Event
from dispatch.tiktok.payload import build_event, redacted, reported
from tests.factories import make_click, make_conversion, make_offer

pytestmark = pytest.mark.django_db
OTHER_DIGEST = "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"
DIGEST = "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"


def build(conversion: Conversion) -> Event:
    rule = conversion.offer.event_rules.get()
    return build_event(conversion, timezone.now(), reported(conversion, rule, rule))


def refusal(conversion: Conversion) -> ContractError:
    with pytest.raises(ContractError) as error:
        build(conversion)
    return error.value


def conversion_of(*, offer: Any = None, click: Any = None, **fields: Any) -> Conversion:
    return make_conversion(make_click(make_offer(**(offer or {})), **(click or {})), **fields)


def test_tells_what_the_click_and_the_postback_knew():
    conversion = conversion_of(
        offer={"send_email": True}, click={"ttp": "ttp-cookie"}, payout=Decimal("12.50"), email_sha256=DIGEST
    )

    event = build(conversion)

    assert event == {
        "event": "Purchase",
        "event_time": int(conversion.occurred_at.timestamp()),
        "event_id": str(conversion.event_id),
        "user": {
            "ttclid": "E.C.P.abc",
            "ttp": "ttp-cookie",
            "ip": "198.51.100.7",
            "user_agent": "Mozilla/5.0 (test)",
            "email": [DIGEST],
        },
        "page": {"url": "https://landing.example/page?ttclid=E.C.P.abc"},
        "properties": {"value": 12.5, "currency": "USD"},
    }


CONTENTS = [{"content_id": "7", "content_name": "Shoe", "price": 12.5, "quantity": 2}]
SAID = {"contents": CONTENTS, "content_type": "product", "order_id": "A-1", "num_items": 2}


def test_tells_what_the_page_said():
    conversion = conversion_of(page_properties=SAID)

    assert build(conversion)["properties"] == {**SAID, "value": 40.0, "currency": "USD"}


def test_digests_of_page_and_network_stand_beside_each_other_once():
    approved = {"send_email": True, "send_phone": True, "send_external_id": True}
    click = {"email_sha256": OTHER_DIGEST, "phone_sha256": DIGEST, "external_id_sha256": DIGEST}
    conversion = conversion_of(offer=approved, click=click, email_sha256=DIGEST, phone_sha256=DIGEST)

    user = build(conversion)["user"]

    assert (user["email"], user["phone"]) == ([OTHER_DIGEST, DIGEST], [DIGEST])
    assert user["external_id"] == [DIGEST, sha256(conversion.click_id)]  # what the Pixel tells, and what it told before
    told = {"sha256_email": OTHER_DIGEST, "sha256_phone_number": DIGEST, "external_id": DIGEST}
    assert identity_of(conversion.click) == told


@pytest.mark.parametrize(("region", "limited"), [("CA", True), ("NY", None)])
def test_marks_limited_data_use_where_the_offer_says(region, limited):
    conversion = conversion_of(offer={"limited_data_places": "US-CA"}, click={"country": "US", "region": region})

    event = build(conversion)

    assert event.get("limited_data_use") is limited
    assert event["user"]["ip"] == "198.51.100.7"


def test_leaves_out_what_the_offer_does_not_approve():
    conversion = conversion_of(email_sha256=DIGEST, phone_sha256=DIGEST)

    user = build(conversion)["user"]

    assert not {"email", "phone", "external_id"} & user.keys()


def test_external_id_is_the_hashed_click_id():
    conversion = conversion_of(offer={"send_external_id": True})

    (external_id,) = build(conversion)["user"]["external_id"]

    assert len(external_id) == 64
    assert conversion.click_id not in external_id


@pytest.mark.parametrize(
    ("rule", "fields", "expected"),
    [
        ({"value_source": "payout"}, {"payout": Decimal("9.90")}, {"value": 9.9, "currency": "USD"}),
        ({"value_source": "amount"}, {"amount": Decimal(99), "currency": "EUR"}, {"value": 99.0, "currency": "EUR"}),
        ({"value_source": "fixed", "fixed_value": Decimal(5)}, {}, {"value": 5.0, "currency": "USD"}),
        ({"value_source": "none"}, {"payout": Decimal("9.90")}, None),
        ({"value_source": "payout"}, {"payout": None}, None),
    ],
)
def test_the_value_comes_from_where_the_rule_says(rule, fields, expected):
    conversion = conversion_of(offer={"rules": [{"trigger": "approved", "event_name": "Purchase", **rule}]}, **fields)

    assert build(conversion).get("properties") == expected


def test_refuses_an_event_older_than_a_week():
    error = refusal(conversion_of(occurred_at=timezone.now() - timedelta(days=7, minutes=1)))

    assert error.reason == Reason.TOO_OLD
    assert "7 days ago" in error.detail


def test_refuses_an_event_from_the_future():
    assert refusal(conversion_of(occurred_at=timezone.now() + timedelta(minutes=11))).reason == Reason.CONTRACT


def test_refuses_an_event_that_no_person_can_be_matched_to():
    error = refusal(conversion_of(click={"ttclid": "", "user_agent": ""}))

    assert error.reason == Reason.NO_MATCH_KEY


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"payout": Decimal(-1)}, "properties.value"),
        ({"currency": "XXX"}, "properties.currency"),
        ({"page_url": "/only/a/path"}, "page.url"),
        ({"event_name": "Summer_Sale"}, "event"),
        ({"page_properties": {"contents": [{"content_id": 7}]}}, "properties.contents"),
        ({"page_properties": {"content_ids": [7]}}, "properties.content_ids"),
        ({"page_properties": {"content_type": "shoe"}}, "properties.content_type"),
    ],
)
def test_a_refusal_names_the_field(fields, named):
    conversion = conversion_of(**fields)

    assert refusal(conversion).detail.startswith(named)


def test_refuses_a_digest_that_is_none():
    conversion = conversion_of(offer={"send_email": True}, email_sha256="alice@example.com")

    assert refusal(conversion).detail == "user.email: not a lower-case SHA-256 digest."


@pytest.mark.parametrize(("site", "sent"), [("https://track.example", False), ("http://127.0.0.1:8000", True)])
def test_a_private_address_is_the_visitors_on_a_local_installation_only(settings, site, sent):
    settings.PUBLIC_BASE_URL = site
    conversion = conversion_of(click={"ip": "10.1.2.3"})

    assert ("ip" in build(conversion)["user"]) is sent


def test_the_record_of_an_event_shows_nothing_personal():
    conversion = conversion_of(offer={"send_email": True}, email_sha256=DIGEST)

    record = str(redacted(build(conversion)))

    assert DIGEST not in record
    assert "198.51.100.7" not in record
    assert "E.C.P.abc'" not in record.replace("ttclid=E.C.P.abc'", "")
