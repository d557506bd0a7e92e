"""The review of dead letters, as Operations uses it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from dispatch.admin import decisions, history
from dispatch.models import Delivery
from dispatch.reasons import Reason
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_pixel
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db
Status = Delivery.Status
LIST = reverse("admin:dispatch_deadletter_changelist")
VIEW = "dispatch.view_deadletter"
REQUEUE = "dispatch.requeue_deadletter"
DISCARD = "dispatch.discard_deadletter"


def dead(reason: str = Reason.INVALID, **fields: Any) -> Delivery:
    status = Status.HELD if reason == Reason.OUTCOME_UNKNOWN else Status.DEAD
    return make_delivery(**{"status": status, "reason": reason, "next_attempt_at": None, **fields})


def operations() -> Client:
    return staff_client(VIEW, REQUEUE, DISCARD)


def one(delivery: Delivery, verb: str) -> str:
    return reverse("admin:dispatch_deadletter_one", args=[delivery.pk, verb])


def all_of(reason: str, verb: str) -> str:
    return reverse("admin:dispatch_deadletter_all", args=[reason, verb])


def statuses(*deliveries: Delivery) -> list[str]:
    return [Delivery.objects.get(pk=delivery.pk).status for delivery in deliveries]


def act(client: Client, verb: str, *deliveries: Delivery, url: str = LIST, **data: str) -> Any:
    """Run the action on the selected rows; `confirmed` answers the question at once."""
    selected = [str(delivery.pk) for delivery in deliveries]
    return client.post(url, {"action": f"{verb}_selected", "_selected_action": selected, **data}, follow=True)


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


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
