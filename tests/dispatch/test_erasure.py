"""A person's data is erased on request: nothing of theirs is left anywhere, and it does not come back."""

from typing import Any

import pytest
from django.db.models import Q
from django.test import Client
from django.utils import timezone

from conversions.click_ids import new_click_id
from conversions.identity import hash_phone, sha256
from conversions.models import Click, Conversion, Erasure, LedgerEntry, Postback
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
    upload = make_upload(
        csv_bytes("click id,transaction id,status,payout,currency,email,page url", line), offer.network
    )
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


def erase_email() -> Erasure:
    return erase(read_person(Subject.EMAIL, EMAIL), None, timezone.now())[0]


def test_what_the_ledger_says_stays_and_is_not_counted_again(offer: Offer):
    click = make_click(offer)
    send(offer.network, click_id=click.pk, txid="T-1", payout="12.50", currency="EUR", email=EMAIL)
    digest_everything()
    before = list(Conversion.objects.values("event_id", "transaction_id", "payout", "currency", "status"))

    erase_email()
    replay([Postback.objects.get().pk], timezone.now())
    digest_everything()

    assert list(Conversion.objects.values("event_id", "transaction_id", "payout", "currency", "status")) == before
    assert (LedgerEntry.objects.count(), Postback.objects.get().outcome) == (1, "recorded")


def test_a_later_call_brings_its_money_and_no_digest(offer: Offer, sandbox: Sandbox):
    erase_email()
    click, other = make_click(offer), make_click(offer)

    send(offer.network, click_id=click.pk, txid="T-1", payout="5", email=EMAIL, phone=PHONE)
    send(offer.network, click_id=other.pk, txid="T-2", payout="5", email="somebody@else.example")
    digest()
    deliver()

    assert sha256(EMAIL) not in database_text()
    assert hash_phone(PHONE) not in database_text()
    told = [event["payload"]["user"].get("email") for event in sandbox.events()]
    assert {str(email) for email in told} == {"None", str([sha256("somebody@else.example")])}


def test_keeping_people_away_costs_a_call_one_look(offer: Offer, django_assert_num_queries: Any):
    erase_email()
    send(offer.network, txid="T-1", payout="5", email=EMAIL)

    with django_assert_num_queries(2):  # the look, and the INSERT
        send(offer.network, txid="T-2", payout="5", email=EMAIL, phone=PHONE)

    assert not Postback.objects.exclude(email_sha256="", phone_sha256="").exists()


def test_a_call_that_was_kept_before_brings_no_digest_either(offer: Offer):
    click = make_click(offer)
    erase_email()
    make_postback(offer.network, {"click_id": click.pk, "txid": "T-1", "payout": "5"}, email_sha256=sha256(EMAIL))

    digest_everything()

    assert (Conversion.objects.get().email_sha256, Postback.objects.get().email_sha256) == ("", "")


def test_pages_and_files_do_not_bring_the_person_back(offer: Offer):
    erase_email()
    click = make_click(offer)

    identity = call_for(click, "identify", email=EMAIL, phone=PHONE).json()["identity"]
    upload = make_upload(
        csv_bytes("click id,transaction id,payout,currency,email", f"{click.pk},T-1,5,USD,{EMAIL}"), offer.network
    )
    choose(work(upload).pk, Q())
    work(upload)

    assert not {"sha256_email", "sha256_phone_number"} & identity.keys()
    assert Conversion.objects.get().payout == 5
    assert sha256(EMAIL) not in database_text()


def test_a_row_of_a_file_goes_with_its_click_id_though_nobody_knows_the_click(offer: Offer):
    click_id = new_click_id()
    work(make_upload(csv_bytes("click id,payout,currency,email", f"{click_id},5,USD,{EMAIL}"), offer.network))

    _, found = erase(read_person(Subject.CLICK, click_id), None, timezone.now())

    assert (found.clicks, found.rows) == (0, 1)
    assert sha256(EMAIL) not in database_text()


def test_a_click_that_was_erased_takes_nothing_new(offer: Offer, sandbox: Sandbox):
    click = make_click(offer)
    erase(read_person(Subject.CLICK, click.pk), None, timezone.now())

    send(offer.network, click_id=click.pk, txid="T-1", payout="5", email="new@mail.example", city="her-city")
    answer = call_for(click, "identify", email="new@mail.example")
    digest()
    deliver()

    delivery, text = Delivery.objects.get(), database_text()
    assert (delivery.status, delivery.reason, delivery.conversion.payout) == ("suppressed", Reason.ERASED, 5)
    assert (answer.status_code, sandbox.events()) == (404, [])
    assert sha256("new@mail.example") not in text
    assert "her-city" not in text


def test_what_waits_is_cancelled_and_what_was_told_is_counted(offer: Offer):
    click = make_click(offer)
    sales = [make_conversion(click, email_sha256=sha256(EMAIL)) for _ in range(6)]
    statuses = ["waiting", "held", "dead", "suppressed", "leased", "accepted"]
    for sale, status in zip(sales, statuses, strict=True):
        make_attempt(make_delivery(sale, status=status, detail="a word"), payload={"user": {}}, message="OK")

    found = look(read_person(Subject.EMAIL, EMAIL))
    erasure = erase_email()

    after = [delivery.status for delivery in Delivery.objects.order_by("pk")]
    assert (found.unsent, found.sending, found.told_before, erasure.told_before) == (3, 1, 1, 1)
    assert after == ["suppressed"] * 4 + ["leased", "accepted"]
    assert set(DeliveryAttempt.objects.values_list("message", flat=True)) == {""}
    assert Delivery.objects.filter(reason=Reason.ERASED, next_attempt_at=None).count() == 3


def test_erasing_again_changes_nothing_and_is_the_same_erasure(offer: Offer):
    visit(offer)
    first = erase_email()
    text = database_text()

    assert erase_email() == first

    assert database_text() == text


def test_somebody_of_whom_nothing_is_recorded_is_kept_away_all_the_same():
    person = read_person(Subject.EMAIL, EMAIL)

    erasure, found = erase(person, None, timezone.now())

    assert (found.is_nothing, erasure.clicks, erasure.key) == (True, 0, Erasure.objects.get().key)
    assert sha256(EMAIL) not in database_text()


def test_the_digest_that_we_tell_of_a_click_id_finds_the_click(offer: Offer):
    click, other = make_click(offer), make_click(offer)

    erase(read_person(Subject.EXTERNAL_ID, sha256(click.pk)), None, timezone.now())

    assert [bool(Click.objects.get(pk=key).erased_at) for key in (click.pk, other.pk)] == [True, False]


def test_a_key_that_is_not_the_first_any_more_still_knows_whom_it_marked(offer: Offer, settings: Any):
    erase_email()
    settings.FIELD_ENCRYPTION_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleTE=", *settings.FIELD_ENCRYPTION_KEYS]

    click = make_click(offer)
    make_postback(offer.network, {"click_id": click.pk, "payout": "5"}, email_sha256=sha256(EMAIL))
    digest_everything()

    assert Conversion.objects.get().email_sha256 == ""


def test_a_network_can_not_have_the_clicks_of_another_one_erased(offer: Offer):
    click = make_click(offer)
    make_postback(make_network(), {"click_id": click.pk, "payout": "5"}, email_sha256=sha256(EMAIL))

    erase_email()

    click.refresh_from_db()
    assert click.erased_at is None


def test_what_a_call_named_that_is_not_digested_yet_is_erased_too(offer: Offer):
    click = make_click(offer)
    make_postback(offer.network, {"click_id": click.pk, "payout": "5"}, email_sha256=sha256(EMAIL))

    erase_email()

    click.refresh_from_db()
    assert click.erased_at
    assert (click.ip, click.ttclid) == (None, "")


@pytest.mark.parametrize(
    ("subject", "typed"),
    [("click", "short"), ("email", "nobody"), ("phone", "0301234567"), ("phone", "x"), ("external_id", "  ")],
)
def test_what_names_nobody_is_refused_with_what_to_type_instead(subject: str, typed: str):
    with pytest.raises(UnnamedError, match=r"\w{3}"):
        read_person(subject, typed)
