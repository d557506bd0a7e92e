"""Identifiers that a page gives: hashed at once, kept only as far as offer and visitor approve."""

import hashlib
import io
from typing import Any

import pytest
from django.utils import timezone

from conversions.models import Click
from offers.models import Offer
from tests.conversions.pixel.support import RULES, call_for
from tests.factories import make_click, make_conversion, make_offer

pytestmark = pytest.mark.django_db
APPROVED = {"send_email": True, "send_phone": True, "send_external_id": True}
GIVEN = {"email": " Jane@Example.com ", "phone": "(213) 373-4253", "external_id": 42}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def columns(click: Click) -> tuple[str, str, str]:
    click.refresh_from_db()
    return (click.email_sha256, click.phone_sha256, click.external_id_sha256)


def offer_that_sends(**fields: Any) -> Offer:
    return make_offer(RULES, **{**APPROVED, **fields})


def test_identifiers_are_hashed_and_nobody_writes_them_down(log: io.StringIO, django_assert_num_queries):
    click = make_click(offer_that_sends(), country="US")

    answer = call_for(click, "identify", **GIVEN).json()
    with django_assert_num_queries(1):
        call_for(click, "identify", **GIVEN)

    digests = (sha256("jane@example.com"), sha256("+12133734253"), sha256("42"))
    assert columns(click) == digests == tuple(answer["identity"].values())
    assert "Jane" not in log.getvalue()


def test_a_digest_passes_through():
    click = make_click(offer_that_sends())

    call_for(click, "identify", email="A" * 64, phone="B" * 64, external_id=" " + "C" * 64)

    assert columns(click) == ("a" * 64, "b" * 64, "c" * 64)


def test_what_is_no_address_is_named_and_the_rest_is_kept():
    click = make_click(offer_that_sends())

    answer = call_for(click, "identify", email="jane@", phone=True, external_id="7").json()

    assert (answer["ignored"], columns(click)) == (["email", "phone"], ("", "", sha256("7")))


def test_only_what_the_offer_approves_is_kept():
    click = make_click(offer_that_sends(send_phone=False, send_external_id=False), country="US")

    answer = call_for(click, "identify", **GIVEN).json()

    assert columns(click) == (sha256("jane@example.com"), "", "")
    assert answer == {"identity": {"sha256_email": sha256("jane@example.com")}, "ignored": []}


def test_nothing_is_kept_of_a_visitor_who_refused():
    click = make_click(offer_that_sends(), consent="denied", country="US")

    answer = call_for(click, "identify", **GIVEN).json()

    assert (answer["identity"], columns(click)) == ({}, ("", "", ""))


def test_what_could_not_be_matched_before_is_planned_anew():
    conversion = make_conversion(make_click(offer_that_sends()), planned_at=timezone.now())

    call_for(conversion.click, "identify", email="jane@example.com")

    conversion.refresh_from_db()
    assert conversion.planned_at is None


def test_nobody_learns_what_the_click_was_told_before():
    click = make_click(offer_that_sends(), email_sha256="e" * 64, external_id_sha256="f" * 64)

    answer = call_for(click, "identify", email="jane@", phone="+1 213 373 4253").json()

    assert answer == {"identity": {"sha256_phone_number": sha256("+12133734253")}, "ignored": ["email"]}
