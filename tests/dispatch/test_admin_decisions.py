"""Deciding on dead letters, as Operations does it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_q.models import OrmQ

from dispatch.admin import decisions, history
from dispatch.models import Delivery
from dispatch.reasons import Reason
from tests.dispatch.dead_letter_pages import (
    DISCARD,
    LIST,
    REQUEUE,
    VIEW,
    Status,
    act,
    all_of,
    dead,
    one,
    operations,
    statuses,
    text,
)
from tests.factories import make_click, make_conversion
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db


def test_requeues_one_after_asking():
    delivery, other = dead(), dead()
    client = operations()

    assert "1 dead letter" in text(client.get(one(delivery, "requeue")))
    assert statuses(delivery) == [Status.DEAD]
    page = text(client.post(one(delivery, "requeue"), {"confirmed": "yes"}, follow=True))

    assert "1 dead letter is back in the queue." in page
    assert statuses(delivery, other) == [Status.WAITING, Status.DEAD]
    assert [task.func() for task in OrmQ.objects.all()] == ["dispatch.tasks.deliver"]


def test_requeues_the_selected_ones_after_asking():
    first, second, other = dead(), dead(Reason.OUTCOME_UNKNOWN), dead()
    client = operations()

    question = text(act(client, "requeue", first, second))
    assert "2 dead letters" in question
    assert f'name="_selected_action" value="{first.pk}"' in question
    act(client, "requeue", first, second, confirmed="yes")

    assert statuses(first, second, other) == [Status.WAITING, Status.WAITING, Status.DEAD]


def test_requeues_everything_the_filter_shows():
    invalid, contract = [dead(), dead()], dead(Reason.CONTRACT)
    url = f"{LIST}?reason=invalid"
    client = operations()

    assert "2 dead letters" in text(act(client, "requeue", invalid[0], url=url, select_across="1"))
    act(client, "requeue", invalid[0], url=url, select_across="1", confirmed="yes")

    assert statuses(*invalid, contract) == [Status.WAITING, Status.WAITING, Status.DEAD]


def test_requeues_all_of_one_reason_with_the_exact_count():
    invalid, contract = [dead(), dead(), dead()], dead(Reason.CONTRACT)
    client = operations()

    assert "3 dead letters" in text(client.get(all_of("invalid", "requeue")))
    client.post(all_of("invalid", "requeue"), {"confirmed": "yes"})

    assert statuses(*invalid, contract) == [*[Status.WAITING] * 3, Status.DEAD]


def test_spreads_many_over_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decisions, "SMALL_ENOUGH", 3)
    monkeypatch.setattr(decisions, "SENT_PER_SECOND", 2)
    click = make_click()
    for _ in range(8):
        dead(conversion=make_conversion(click))
    client = operations()

    assert "about 4 seconds" in text(client.get(all_of("invalid", "requeue")))
    client.post(all_of("invalid", "requeue"), {"confirmed": "yes"})

    times = {row.next_attempt_at for row in Delivery.objects.all()}
    assert max(times) - min(times) == timedelta(seconds=3)


def test_requeueing_twice_says_that_nothing_changed():
    delivery = dead()
    client = operations()
    client.post(one(delivery, "requeue"), {"confirmed": "yes"}, follow=True)

    again = text(client.post(one(delivery, "requeue"), {"confirmed": "yes"}, follow=True))
    question = text(client.get(one(delivery, "requeue")))

    assert "Nothing changed: somebody has decided on this already." in again
    assert "There is nothing to decide" in question
    assert LogEntry.objects.count() == 1


def test_discards_with_a_reason():
    delivery, other = dead(), dead()
    user = make_staff(VIEW, DISCARD)
    client = Client()
    client.force_login(user)

    act(client, "discard", delivery, confirmed="yes", reason="A test order.")

    delivery.refresh_from_db()
    assert (delivery.status, delivery.decision) == (Status.DISCARDED, "Discarded: A test order.")
    assert (delivery.decided_by, statuses(other)) == (user, [Status.DEAD])


@pytest.mark.parametrize("reason", ["", "   ", "x" * 251])
def test_discards_nothing_without_a_usable_reason(reason: str):
    delivery = dead()
    client = operations()

    one_page = text(client.post(one(delivery, "discard"), {"confirmed": "yes", "reason": reason}))
    many_page = text(act(client, "discard", delivery, confirmed="yes", reason=reason))

    assert "Why are they given up?" in one_page
    assert "Why are they given up?" in many_page
    assert statuses(delivery) == [Status.DEAD]


def test_each_decision_is_in_the_history_of_its_row():
    first, second = dead(), dead()
    client = operations()

    act(client, "requeue", first, confirmed="yes")
    act(client, "discard", second, confirmed="yes", reason="Doubled.")

    entries = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    assert list(entries) == [(str(first.pk), "Re-queued."), (str(second.pk), "Discarded: Doubled.")]


def test_a_mass_decision_is_one_entry(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(history, "ENTRY_EACH_UP_TO", 1)
    dead()
    dead()

    operations().post(all_of("invalid", "requeue"), {"confirmed": "yes"})

    assert LogEntry.objects.get().object_repr == "2 dead letters"


def test_deciding_many_costs_as_many_queries_as_one(django_assert_num_queries: Any, django_assert_max_num_queries: Any):
    client, click = operations(), make_click()
    dead(Reason.CONTRACT, conversion=make_conversion(click))
    dead(Reason.CONTRACT, conversion=make_conversion(click))
    with django_assert_max_num_queries(25) as for_two:
        client.post(all_of("contract", "requeue"), {"confirmed": "yes"})
    for _ in range(9):
        dead(conversion=make_conversion(click))

    with django_assert_num_queries(len(for_two)):
        client.post(all_of("invalid", "requeue"), {"confirmed": "yes"})


@pytest.mark.parametrize(("verb", "other"), [("requeue", DISCARD), ("discard", REQUEUE)])
def test_each_verb_needs_its_own_permission(verb: str, other: str):
    delivery = dead()
    client = staff_client(VIEW, other)
    answer = {"confirmed": "yes", "reason": "Because."}

    for url in (one(delivery, verb), all_of("invalid", verb)):
        assert client.get(url).status_code == 403
        assert client.post(url, answer).status_code == 403
    act(client, verb, delivery, **answer)

    assert statuses(delivery) == [Status.DEAD]
