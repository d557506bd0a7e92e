"""Two people who decide on the same dead letters at the same moment: the first one's decision stands."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from dispatch.admin.columns import search
from dispatch.models import DeadLetter, Delivery
from dispatch.models.delivery import DeliveryQuerySet
from dispatch.reasons import Reason
from tests.factories import make_delivery
from tests.second_connection import PATIENCE, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def letter() -> Delivery:
    return make_delivery(status=Delivery.Status.DEAD, reason=Reason.INVALID, next_attempt_at=None)


def found_by_event_id(letter: Delivery) -> Any:
    return search(DeadLetter.objects.all(), str(letter.event_id))


def found_by_click(letter: Delivery) -> Any:
    return search(DeadLetter.objects.all(), letter.conversion.click_id)


def found_over_a_join(letter: Delivery) -> DeliveryQuerySet:
    return Delivery.objects.filter(conversion__click=letter.conversion.click_id)


def requeue(rows: DeliveryQuerySet, user: User) -> int:
    return rows.requeue(user, timezone.now())


def discard(rows: DeliveryQuerySet, user: User) -> int:
    return rows.discard(user, "A test order.", timezone.now())


@pytest.mark.parametrize("find", [found_by_event_id, found_by_click, found_over_a_join])
@pytest.mark.parametrize(("first", "second"), [(requeue, discard), (discard, requeue), (discard, discard)])
def test_who_decides_second_changes_nothing(
    letter: Delivery, find: Callable[[Delivery], Any], first: Callable[..., int], second: Callable[..., int]
):
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert first(find(letter), ada) == 1
            late = meanwhile(pool, lambda: second(find(letter), bob))
        assert late.result(PATIENCE) == 0

    letter.refresh_from_db()
    assert letter.decided_by == ada


def test_a_search_is_a_condition_on_the_deliveries_own_columns(letter: Delivery):
    for found in (found_by_event_id(letter), found_by_click(letter)):
        assert list(found) == [DeadLetter.objects.get(pk=letter.pk)]
        assert " JOIN " not in str(found.query)
