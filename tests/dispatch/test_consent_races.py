"""A visitor answers in the moment in which it is planned what TikTok is told of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click
from dispatch import planning
from dispatch.models import Delivery
from dispatch.planning import plan
from tests.factories import make_click, make_conversion, make_offer
from tests.second_connection import PATIENCE, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def answer(click: Click, said: str) -> None:
    record_answer(click.pk, said, "banner", "", timezone.now())


@pytest.mark.parametrize(
    ("first", "said", "status"), [("unknown", "granted", "waiting"), ("granted", "withdrawn", "suppressed")]
)
def test_an_answer_that_comes_while_it_is_planned_is_heard_next_time(monkeypatch, first, said, status):
    click = make_click(make_offer(consent_required=True), consent=first)
    make_conversion(click)
    read = planning.read_visitors
    with ThreadPoolExecutor(1) as pool:
        late = []

        def read_and_be_late(conversions):
            read(conversions)
            late.append(meanwhile(pool, lambda: answer(click, said)))

        monkeypatch.setattr(planning, "read_visitors", read_and_be_late)
        plan(timezone.now())
        late[0].result(PATIENCE)
    monkeypatch.undo()

    plan(timezone.now())

    assert Delivery.objects.get().status == status


def test_an_answer_that_is_there_when_the_conversion_is_locked_counts(monkeypatch):
    click = make_click(make_offer(consent_required=True))
    make_conversion(click)
    read = planning.read_visitors

    def answer_before_it_is_read(conversions):
        Click.objects.filter(pk=click.pk).update(consent="granted")
        read(conversions)

    monkeypatch.setattr(planning, "read_visitors", answer_before_it_is_read)
    plan(timezone.now())

    assert Delivery.objects.get().status == "waiting"
