"""What a page's script calls meets other calls, the visitor's answer, the planner and an erasure: over connections of
their own, on real locks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click, Consent, Conversion, Sighting
from conversions.traces import Person
from dispatch.erasure import erase
from dispatch.models import Delivery
from dispatch.planning import plan
from tests.conversions.pixel.support import PAGE, RULES, call, call_for
from tests.conversions.test_races import at_once
from tests.factories import call_page_event, make_click, make_offer
from tests.second_connection import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def lead(click: Click, **said: Any) -> dict[str, Any]:
    return call_for(click, "event", event="Lead", **said).json()


def plan_now() -> int:
    return plan(timezone.now())


def answer(click: Click, state: Consent) -> Callable[[], Any]:
    return lambda: record_answer(click.pk, state, "banner", PAGE, timezone.now())


def test_one_event_called_many_times_at_once_is_one_conversion():
    click = make_click(make_offer(RULES))

    answers = at_once([lambda: lead(click, properties={"value": 5})] * 16)

    assert answers == [answers[0]] * 16
    assert Conversion.objects.get().page_value == 5


def test_two_tabs_of_a_fresh_visitor_are_two_clicks():
    offer = make_offer(RULES)

    ids = at_once([lambda: call("arrival", offer).json()["click_id"]] * 2)

    assert sorted(ids) == sorted(Click.objects.values_list("pk", flat=True))


def test_a_sighting_that_two_tabs_report_counts_once():
    conversion = call_page_event(make_click(make_offer(RULES)), "Lead")
    said = {"event_ids": [str(conversion.event_id)], "outcome": "fired"}

    statuses = at_once([lambda: call_for(conversion.click, "sighting", **said).status_code] * 8)

    assert (set(statuses), Sighting.objects.count()) == ({204}, 1)


@pytest.mark.parametrize(("state", "status"), [(Consent.GRANTED, "waiting"), (Consent.DENIED, "suppressed")])
def test_an_event_that_is_recorded_while_the_visitor_answers_goes_by_the_answer(state: Consent, status: str):
    click = make_click(make_offer(RULES, consent_required=True))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            answer(click, state)()
            other = meanwhile(pool, lambda: lead(click))
        other.result()
    plan_now()

    assert Delivery.objects.get().status == status


@pytest.mark.parametrize(
    ("before", "state", "status"),
    [(Consent.UNKNOWN, Consent.GRANTED, "waiting"), (Consent.GRANTED, Consent.WITHDRAWN, "suppressed")],
)
def test_whatever_the_planner_was_at_the_last_answer_counts(before: Consent, state: Consent, status: str):
    for _ in range(5):
        click = make_click(make_offer(RULES, consent_required=True), consent=before)
        a, b, c, d = (partial(lead, click, key=key) for key in "abcd")

        at_once([a, plan_now, b, answer(click, state), plan_now, c, plan_now, d])
        plan_now()

    assert set(Delivery.objects.values_list("status", flat=True)) == {status}
    assert Delivery.objects.count() == 20


def test_an_event_that_is_called_while_the_visitor_is_erased_leaves_nothing_of_them():
    click = make_click(make_offer(RULES))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            erase(Person("click", click.pk), None, timezone.now())
            other = meanwhile(pool, lambda: lead(click, properties={"description": "about me"}, url=f"{PAGE}?me=1"))
        other.result()

    assert not Conversion.objects.exclude(page_url=PAGE, page_properties=None).exists()
