"""A file of conversions: what is said before anything is recorded, and what is recorded then."""

from decimal import Decimal

import pytest
from django.db.models import Q
from django.utils import timezone

from conversions.identity import sha256
from conversions.models import Click, Conversion, LedgerEntry, Postback, Upload, UploadRow
from conversions.uploads.creating import choose
from conversions.uploads.preparing import prepare
from offers.models import Network
from tests.conversions.support import database_text, digest_everything
from tests.conversions.uploads.support import csv_bytes, details, make_upload, verdicts, work
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
HEADINGS = "Sub ID 1,Transaction ID,Status,Commission,Currency,Date"


def checked(*lines: str, network: Network, **fields: object) -> Upload:
    return work(make_upload(csv_bytes(*lines), network, **fields))


def test_nothing_is_recorded_before_a_person_says_so():
    click = make_click()

    upload = checked(HEADINGS, f"{click.pk},T-1,approved,12.50,USD,2026-01-31", network=click.offer.network)

    assert (upload.state, upload.detail) == ("checked", "1 would be recorded")
    assert not Postback.objects.exists()
    assert not Conversion.objects.exists()
    assert not upload.content


def test_chosen_rows_become_postbacks_that_are_digested():
    click = make_click()
    upload = checked(HEADINGS, f"{click.pk},T-1,approved,12.50,EUR,2026-01-31", network=click.offer.network)

    assert choose(upload.pk, Q()) == 1
    work(upload)

    conversion, postback = Conversion.objects.get(), Postback.objects.get()
    assert (conversion.payout, conversion.currency, conversion.transaction_id) == (Decimal("12.50"), "EUR", "T-1")
    assert (postback.method, postback.outcome, postback.conversion) == ("FILE", "recorded", conversion)
    assert UploadRow.objects.get().postback == postback
    assert (upload.state, upload.detail) == ("done", "1 recorded")


def test_every_row_says_what_it_would_lead_to():
    click, other = make_click(), make_click()
    network = click.offer.network
    make_postback(network, {"click_id": click.pk, "txid": "T-0", "payout": "5"})
    digest_everything()

    upload = checked(
        HEADINGS,
        f"{click.pk},T-0,approved,5,USD,",
        f"{click.pk},T-0,refunded,5,USD,",
        f"{click.pk},T-1,strange,5,USD,",
        f'{click.pk},T-1,approved,"1,234",USD,',
        f"{other.pk},T-2,approved,5,USD,",
        "nosuchclick,T-3,approved,5,USD,",
        ",,approved,5,USD,",
        f"{click.pk},1.2E+18,approved,5,USD,",
        f"{click.pk},T-4,approved,5,USD,31.31.2026",
        network=network,
    )

    expected = ["duplicate", "updated", *["refused"] * 7]
    assert [verdict for _, verdict in verdicts(upload)] == expected
    reasons = [
        "",
        "",
        "not mapped",
        "not a plain number",
        "belongs to",
        "no click",
        "names no click id",
        "shortened",
        "no time",
    ]
    assert all(reason in detail for reason, detail in zip(reasons, details(upload), strict=True))
    assert choose(upload.pk, Q()) == 1


def test_a_transaction_that_comes_twice_in_a_file_is_a_duplicate_however_far_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.uploads.checking.CHUNK", 2)
    click = make_click()
    lines = [f"{click.pk},T-{n},approved,5,USD," for n in (1, 2, 3, 1, 3)]

    upload = checked(HEADINGS, *lines, network=click.offer.network)

    assert [verdict for _, verdict in verdicts(upload)] == ["recorded"] * 3 + ["duplicate"] * 2
    assert details(upload)[3:] == ["The same as row 2 of this file.", "The same as row 4 of this file."]


def test_a_refund_without_click_id_is_explained_by_the_sale_further_down(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.uploads.checking.CHUNK", 1)
    click = make_click()
    lines = [",T-1,refunded,5,USD,", f"{click.pk},T-1,approved,5,USD,"]

    upload = checked(HEADINGS, *lines, network=click.offer.network)
    choose(upload.pk, Q())
    work(upload)
    Postback.objects.filter(due_at__isnull=False).update(due_at=upload.created_at)
    digest_everything()

    assert {verdict for _, verdict in verdicts(upload)} == {"recorded", "updated"}
    assert Conversion.objects.get().status == "refunded"


def test_what_a_postback_has_brought_meanwhile_does_not_count_twice():
    click = make_click()
    upload = checked(HEADINGS, f"{click.pk},T-1,approved,5,USD,", network=click.offer.network)
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "payout": "5"})
    digest_everything()

    choose(upload.pk, Q())
    work(upload)

    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (1, 1)
    assert UploadRow.objects.get().postback.outcome == "duplicate"


def test_the_same_file_twice_is_known_the_second_time():
    click = make_click()
    lines = [HEADINGS, f"{click.pk},T-1,approved,5,USD,", f"{click.pk},T-2,approved,5,USD,"]
    first = checked(*lines, network=click.offer.network)
    choose(first.pk, Q())
    work(first)

    second = checked(*lines, network=click.offer.network)

    assert [verdict for _, verdict in verdicts(second)] == ["duplicate", "duplicate"]
    assert choose(second.pk, Q()) == 0


def test_rows_are_read_by_our_names_whatever_the_format_of_the_networks_calls():
    click = make_click(make_offer(network=make_network(adapter="generic_hmac", status_map={"7": "approved"})))

    upload = checked(HEADINGS, f"{click.pk},T-1,7,5,USD,", network=click.offer.network)
    choose(upload.pk, Q())
    work(upload)

    assert Conversion.objects.get().status == "approved"


def test_personal_data_is_hashed_on_arrival_and_kept_nowhere():
    click = make_click()
    line = f"{click.pk},T-1,Jane@Example.com,+1 202-555-0123,Jane Doe"

    upload = checked("click id,txid,E-Mail,Phone,Customer Name", line, network=click.offer.network)
    choose(upload.pk, Q())
    work(upload)

    conversion = Conversion.objects.get()
    assert conversion.email_sha256 == sha256("jane@example.com")
    assert conversion.phone_sha256 == sha256("+12025550123")
    assert not any(secret in database_text() for secret in ("ane@", "202-555", "+1202555", "Jane Doe"))


def test_a_ttclid_finds_the_click_that_it_came_with():
    click = make_click(ttclid="E.C.P.known")
    head, line = "ttclid,txid,payout", "E.C.P.known,T-1,5"

    upload = checked(head, line, network=click.offer.network, offer=click.offer)
    choose(upload.pk, Q())
    work(upload)

    assert Conversion.objects.get().click == click
    assert Click.objects.count() == 1


def test_a_ttclid_without_click_gets_one_and_every_upload_lands_on_it():
    offer = make_offer()
    head = "ttclid,txid,payout,offer,clicked at,consent,page url"
    lines = [
        f"E.C.P.new,T-{n},5,{offer.slug},2026-01-3{n} 10:00,yes,https://shop.example/a?em=x@y.example" for n in (0, 1)
    ]

    for line in lines:
        upload = checked(head, line, network=offer.network)
        choose(upload.pk, Q())
        work(upload)

    click = Click.objects.get()
    assert (click.ttclid, click.consent, click.created_at.day) == ("E.C.P.new", "granted", 30)
    assert click.landing_url == "https://shop.example/a?"
    assert Conversion.objects.filter(click=click).count() == 2
    assert "E.C.P.new" not in str(list(Postback.objects.values_list("params")))


@pytest.mark.parametrize(
    ("offer", "reason"), [("", "needs its offer"), ("nobodys", "no offer with the slug"), ("foreign", "no offer with")]
)
def test_a_ttclid_needs_an_offer_of_the_network(offer: str, reason: str):
    make_offer(slug="foreign")

    upload = checked("ttclid,payout,offer", f"E.C.P.new,5,{offer}", network=make_network())

    assert verdicts(upload) == [(2, "refused")]
    assert reason in details(upload)[0]


def test_two_uploads_of_the_same_clicks_make_them_in_one_order():
    offer = make_offer()
    lines = [f"E.C.P.{letter},{offer.slug},T-{letter}" for letter in "abcdef"]
    there, back = (
        work(make_upload(csv_bytes("ttclid,offer,txid", *order), offer.network)) for order in (lines, lines[::-1])
    )

    one, other = (
        [click.pk for click in prepare(upload, list(upload.rows.all()), timezone.now()).new_clicks]
        for upload in (there, back)
    )

    assert one == other
    assert len(one) == 6


def test_unclear_columns_are_asked_for_and_the_file_waits_encrypted():
    click = make_click()
    content = csv_bytes("Wer,Was", f"{click.pk[:20]},T-1")

    upload = work(make_upload(content, click.offer.network))

    assert upload.state == "columns"
    assert upload.content
    assert not upload.rows.exists()


def test_dates_that_can_be_read_in_two_ways_are_asked_for():
    upload = checked("txid,date", "T-1,03/04/2026", network=make_network())

    assert upload.state == "columns"


@pytest.mark.parametrize(("content", "words"), [(b"txid,payout\n", "no rows under"), (b"PK\x03\x04xx", "broken")])
def test_a_file_that_can_not_be_read_says_why_and_is_forgotten(content: bytes, words: str):
    upload = work(make_upload(content))

    assert upload.state == "failed"
    assert words in upload.detail
    assert not upload.content
