"""A person's data is erased on request: nothing of theirs is left anywhere, and it does not come back."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.identity import hash_phone, sha256
from conversions.models import Click, ConsentRecord, Conversion, Erasure, LedgerEntry, Postback, Sighting, UploadRow
from conversions.replaying import replay
from conversions.tasks import digest
from conversions.traces import UnnamedError, read_person
from conversions.uploads.creating import choose
from dispatch.erasure import erase, look
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.reasons import Reason
from dispatch.tasks import deliver
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.conversions.pixel.support import call_for
from tests.conversions.support import database_text, digest_everything, postback_url, send
from tests.conversions.uploads.support import csv_bytes, make_upload, work
from tests.factories import (
    make_attempt,
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_network,
    make_offer,
    make_postback,
)

pytestmark = pytest.mark.django_db
Subject = Erasure.Subject
EMAIL, PHONE, CUSTOMER = "jane.roe@example.com", "+12133734253", "customer-4711"
ADDRESS, BROWSER, TTCLID, TTP = "203.0.113.77", "Mozilla/5.0 (Roe's own phone)", "E.C.P.roe-ttclid", "roe-ttp-cookie-1"
WORDS = ["her-search", "her-page", "her-note", "her-order", "her-city", "her-friend"]
RULES = [
    {"trigger": "page", "event_name": "Lead", "value_source": "none"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]


def digests_of(click: Click) -> list[str]:
    return [sha256(EMAIL), hash_phone(PHONE), sha256(CUSTOMER), sha256(click.pk)]


def everything_of(click: Click) -> list[str]:
    """What must be nowhere once the person is erased, digests shortened for the record included."""
    short = [f"{value[:6]}…" for value in [*digests_of(click), TTCLID, TTP]]
    clear = [EMAIL, EMAIL.partition("@")[0], PHONE, PHONE[1:], CUSTOMER, ADDRESS, "203.0.113.", BROWSER, TTCLID, TTP]
    return [*digests_of(click), *short, *clear, *WORDS]


@pytest.fixture
def offer() -> Offer:
    offer = make_offer(RULES, send_email=True, send_phone=True, send_external_id=True)
    make_credential(offer.pixel)
    return offer


def visit(offer: Offer) -> Click:
    """An arrival, an answer, who she is, a page event and its sighting: as browsers bring them."""
    browser = Client(REMOTE_ADDR=ADDRESS, HTTP_USER_AGENT=BROWSER, HTTP_REFERER="https://page.example/?who=her-friend")
    browser.cookies["_ttp"] = TTP
    browser.get(f"/c/{offer.slug}/?ttclid={TTCLID}&utm_source=tiktok&q=her-search")
    click = Click.objects.get()
    page = "https://landing.example/thanks?who=her-page"
    call_for(click, "consent", browser, state="granted", source="banner", url=page)
    call_for(click, "identify", browser, email=EMAIL, phone=PHONE, external_id=CUSTOMER, url=page)
    said = {"search_string": "her-search", "description": "her-note", "order_id": "her-order", "value": 5}
    event = call_for(click, "event", browser, event="Lead", properties=said, url=page, ttp=TTP).json()
    call_for(click, "sighting", browser, event_ids=[event["event_id"]], outcome="fired", detail="her-page", url=page)
    return click


def report(offer: Offer, click: Click) -> None:
    """A sale, a call for a click that nobody knows, one that can't be read, one whose signature is refused, a file."""
    who = {"email": EMAIL, "phone": PHONE, "city": "her-city", "ip": ADDRESS, "user_agent": BROWSER}
    send(offer.network, click_id=click.pk, txid="T-1", payout="12.50", currency="EUR", **who)
    send(offer.network, click_id="unknown-click", txid="T-2", payout="3", **who)
    caller = Client(REMOTE_ADDR=ADDRESS)
    caller.post(
        postback_url(offer.network), f"\x00click_id={click.pk}&note=her-city&email={EMAIL}", content_type="text/plain"
    )
    signed = make_network(adapter="generic_hmac", signing_key="a-key-of-the-network")
    caller.get(postback_url(signed), {"click_id": click.pk, "email": EMAIL, "city": "her-city", "sig": "00"})
    line = f"{click.pk},T-1,approved,12.50,EUR,{EMAIL},https://landing.example/?who=her-page"
    upload = make_upload(csv_bytes("click id,transaction id,status,payout,currency,email,page url", line), offer.network)
    choose(work(upload).pk, Q())
    work(upload)


@pytest.mark.parametrize(
    ("subject", "typed"),
    [
        (Subject.CLICK, "its id"),
        (Subject.EMAIL, " Jane.ROE@example.com"),
        (Subject.EMAIL, sha256(EMAIL)),
        (Subject.PHONE, "+1 (213) 373-4253"),
        (Subject.EXTERNAL_ID, CUSTOMER),
    ],
)
def test_nothing_of_the_person_is_left_in_any_column_of_any_table(
    offer: Offer, sandbox: Sandbox, subject: str, typed: str
):
    click = visit(offer)
    report(offer, click)
    digest()
    deliver()
    before = [value for value in everything_of(click) if value in database_text()]

    erasure, _ = erase(read_person(subject, click.pk if typed == "its id" else typed), None, timezone.now())

    text = database_text()
    by_click_alone = subject in (Subject.CLICK, Subject.EXTERNAL_ID)
    unmatched = Postback.objects.filter(click_ref="unknown-click")
    if by_click_alone:  # nothing ties this call to the click; it goes with its own name
        erase(read_person(Subject.EMAIL, EMAIL), None, timezone.now())
        text = database_text()
    assert {TTCLID, TTP, ADDRESS, BROWSER, *WORDS, *digests_of(click)[:3]} <= set(before)
    assert [value for value in everything_of(click) if value in text] == []
    assert (unmatched.get().params["txid"], unmatched.get().outcome) == ("T-2", "unmatched_click")
    assert (erasure.clicks, erasure.conversions, erasure.told_before) == (1, 2, 2)
    assert not Postback.objects.exclude(Q(sealed_call="") & Q(raw_call="")).exists()
