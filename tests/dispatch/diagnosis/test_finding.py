"""What may be pasted, and what it leads to."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions.models import Upload, UploadRow
from dispatch.diagnosis.finding import NothingFoundError
from tests.dispatch.diagnosis.support import report, sent, traced
from tests.factories import make_click, make_conversion, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "written",
    [
        "{click}", "  '{click}' ", "“{CLICK}”", "click {click}", "click id: {click}", "{event}", "{EVENT}", "{bare}",
        "event_id={event}", "T-100", '"T-100"', "transaction T-100", "conversion {pk}", "{pk}", "delivery {delivery}",
        "dead letter {delivery}",
    ],
)  # fmt: skip
def test_every_id_of_a_conversion_leads_to_it(written: str):
    delivery = sent(make_conversion(transaction_id="T-100"))
    conversion = delivery.conversion
    names = {
        "click": conversion.click_id, "CLICK": conversion.click_id.upper(), "event": str(conversion.event_id),
        "EVENT": str(conversion.event_id).upper(), "bare": conversion.event_id.hex, "pk": conversion.pk,
        "delivery": delivery.pk,
    }  # fmt: skip

    trace = traced(written.format(**names))

    assert conversion.pk in {subject.case.conversion.pk for subject in trace.subjects if subject.case.conversion}
    assert trace.first.ruling.verdict == "delivered"


def test_a_transaction_of_two_networks_is_two_subjects():
    for _ in range(2):
        report(network := make_network(), click_id=make_click(make_offer(network=network)).pk, txid="1001")

    trace = traced("1001")

    assert len({subject.case.network for subject in trace.subjects}) == len(trace.subjects) == 2


def test_a_number_is_a_transaction_before_it_is_a_conversions_own():
    named, other = make_conversion(), make_conversion()
    named.transaction_id = str(other.pk)
    named.save()

    assert [subject.case.conversion for subject in traced(other.pk).subjects] == [named]


def test_a_click_brings_all_it_led_to_and_its_troubles_first():
    click = make_click()
    fine, dead = (make_conversion(click, event_name=name) for name in ("ViewContent", "Purchase"))
    sent(fine)
    sent(dead, reason="invalid")
    dead.deliveries.update(status="dead", accepted_at=None)

    assert [subject.case.conversion for subject in traced(click.pk).subjects][:2] == [dead, fine]


def test_a_row_of_a_file_that_was_not_brought_in_is_found():
    now = timezone.now()
    upload = Upload.objects.create(network=make_network(), file_name="june.csv", created_at=now, worked_at=now)
    UploadRow.objects.create(upload=upload, number=7, transaction_id="T-77", outcome="unmatched_click")

    trace = traced("T-77")

    assert (trace.first.ruling.verdict, trace.first.ruling.cause) == ("not_reported", "only_in_file")
    assert "row 7" in trace.first.ruling.words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  ", "Paste a click id"),
        ("E.C.P.v1-abc", "looks like a ttclid"),
        ("alice@example.com", "not traced by their e-mail"),
        ("0" * 26, "No click has the id"),
        ("5f0c1c52-7d5c-5d0e-9a55-3c9a6f0d2b11", "No conversion has the event_id"),
        ("ORDER-\x00-1", "log of postbacks"),
        ("9" * 40, "log of postbacks"),
        ("postback 99999999999999999", "Nothing here"),
    ],
)
def test_what_nothing_has_is_answered_with_where_to_look(text: str, words: str):
    with pytest.raises(NothingFoundError, match=re.escape(words)):
        traced(text)


def test_nothing_is_found_among_more_networks_than_are_looked_through():
    for _ in range(22):
        make_network()

    with pytest.raises(NothingFoundError):
        traced("ORDER-404")


def test_an_erasure_after_tiktok_was_told_is_noted():
    click = make_click(erased_at=timezone.now(), email_sha256="e" * 64)
    sent(make_conversion(click))

    trace = traced(click.pk)

    assert trace.first.ruling.verdict == "delivered"
    assert any("erased" in note for note in trace.first.notes)


def test_a_trace_tells_nothing_about_a_person():
    click = make_click(
        ttclid="E.C.P.a-long-secret-click-id", ip="203.0.113.9", email_sha256="e" * 64, phone_sha256="f" * 64,
        user_agent="Mozilla/5.0 (iPhone of Alice)",
    )  # fmt: skip
    sent(make_conversion(click, page_url="https://shop.example/thanks?email=alice@example.com&order=7"))
    make_postback(
        click.offer.network, {"ip": "203.0.113.9"}, click_ref=click.pk, outcome="ip_not_allowed",
        detail="203.0.113.9 is not in the list.",
    )  # fmt: skip

    told = str(traced(click.pk).as_json())

    for secret in ("a-long-secret", "203.0.113.9", "e" * 64, "f" * 64, "alice", "Alice"):
        assert secret not in told


def test_the_number_of_queries_does_not_grow_with_what_there_is():
    def queries(click_id: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            traced(click_id)
        return len(captured)

    offer = make_offer()
    small, large = make_click(offer), make_click(offer)
    sent(make_conversion(small, transaction_id="A"))
    for number in range(12):
        sent(make_conversion(large, transaction_id=f"B{number}"))
        make_postback(offer.network, {}, click_ref=large.pk, outcome="unmapped_status")

    assert queries(small.pk) == queries(large.pk) <= 25
