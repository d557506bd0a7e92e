"""The review of dead letters, as Operations uses it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch.reasons import Reason
from tests.dispatch.dead_letter_pages import (
    LIST,
    VIEW,
    Status,
    dead,
    one,
    operations,
    text,
)
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_pixel
from tests.staff import staff_client

pytestmark = pytest.mark.django_db


def test_lists_what_a_person_must_decide_and_nothing_else():
    dead(detail="properties.currency is wrong")
    dead(Reason.OUTCOME_UNKNOWN, detail="No complete answer.")
    make_delivery(detail="still waiting")
    make_delivery(status=Status.HELD, reason=Reason.CONSENT_UNKNOWN, detail="held for consent")

    page = text(staff_client(VIEW).get(LIST))

    assert "properties.currency is wrong" in page
    assert "No complete answer." in page
    assert "Look the event up in Events Manager" in page
    assert "still waiting" not in page
    assert "held for consent" not in page


def test_filters_by_reason_with_counts():
    dead(detail="first")
    dead(detail="second")
    dead(Reason.CONTRACT, detail="third")

    page = text(operations().get(LIST, {"reason": "invalid"}))

    assert "first" in page
    assert "third" not in page
    assert "Re-queue all 2 …" in page
    assert "Re-queue all 1 …" in page


@pytest.mark.parametrize("query", ["zzz", "\x00", "'; --", "x" * 5000, "é" * 26, "123e4567-e89b-12d3-a456"])
def test_a_search_for_anything_else_finds_nothing_and_does_not_fail(query: str):
    dead(detail="a message")

    page = text(staff_client(VIEW).get(LIST, {"q": query}))

    assert "a message" not in page or "\x00" in query  # Django shows the whole list for a NUL, with an error


def test_finds_by_event_id_and_by_click():
    wanted, other = dead(detail="wanted"), dead(detail="the other")

    for query in (str(wanted.event_id), str(wanted.event_id).upper(), wanted.conversion.click_id):
        page = text(staff_client(VIEW).get(LIST, {"q": f" {query} "}))
        assert "wanted" in page
        assert other.detail not in page


def test_queries_do_not_grow_with_rows(django_assert_num_queries: Any, django_assert_max_num_queries: Any):
    client, click = staff_client(VIEW), make_click()
    dead(conversion=make_conversion(click))
    with django_assert_max_num_queries(15) as for_one:
        client.get(LIST)
    for _ in range(5):
        dead(conversion=make_conversion(click))

    with django_assert_num_queries(len(for_one)):
        client.get(LIST)


def test_the_detail_shows_answers_payload_and_advice_and_escapes_them():
    delivery = dead(detail="<script>alert(1)</script>")
    make_attempt(delivery, verdict="invalid", code=40002, http_status=200, message="Bad <b>value</b>", payload={"a": 1})

    page = text(operations().get(reverse("admin:dispatch_deadletter_change", args=[delivery.pk])))

    assert "TikTok code 40002 (Parameter error)" in page
    assert "&quot;a&quot;: 1" in page
    assert Reason.INVALID.advice.replace("'", "&#x27;") in page
    assert "<script>alert(1)</script>" not in page
    assert "<b>value</b>" not in page
    assert one(delivery, "requeue") in page


def test_warns_when_sending_again_could_count_twice():
    long_ago = {"maybe_accepted": True, "first_sent_at": timezone.now() - timedelta(hours=49)}
    risky, safe = dead(Reason.OUTCOME_UNKNOWN, **long_ago), dead()
    client = operations()

    assert "could count it twice" in text(client.get(reverse("admin:dispatch_deadletter_change", args=[risky.pk])))
    assert "1 of them could count twice" in text(client.get(one(risky, "requeue")))
    assert "count twice" not in text(client.get(one(safe, "requeue")))


def test_who_may_only_look_sees_no_buttons():
    delivery = dead()
    client = staff_client(VIEW)

    pages = text(client.get(LIST)) + text(client.get(reverse("admin:dispatch_deadletter_change", args=[delivery.pk])))

    assert "Re-queue" not in pages
    assert "Discard" not in pages


def test_nobody_edits_or_deletes_a_dead_letter():
    delivery = dead()
    client = operations()

    assert client.get(reverse("admin:dispatch_deadletter_add")).status_code == 403
    assert client.get(reverse("admin:dispatch_deadletter_delete", args=[delivery.pk])).status_code == 403
    assert client.post(reverse("admin:dispatch_deadletter_change", args=[delivery.pk]), {}).status_code == 403


@pytest.mark.parametrize("url", ["all/consent_denied/requeue/", "all/invalid/delete/", "one/1/requeue/", "one/1/zap/"])
def test_what_there_is_not_is_a_404(url: str):
    assert operations().get(LIST + url).status_code == 404


def test_a_letter_that_is_dead_no_more_leads_to_its_delivery():
    delivery = make_delivery(pixel=make_pixel())

    response = operations().get(reverse("admin:dispatch_deadletter_change", args=[delivery.pk]))

    assert response.url == reverse("admin:dispatch_delivery_change", args=[delivery.pk])
