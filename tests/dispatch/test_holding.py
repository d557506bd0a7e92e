"""What is held for the visitor's word: no longer than TikTok would take it, and by the policy as it is now."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversions.models import Conversion
from dispatch import holding
from dispatch.holding import give_up_too_old, review_policies
from dispatch.models import Delivery
from dispatch.planning import plan
from dispatch.reasons import Reason
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_offer
from tests.plans import make_finished_deliveries, plan_by_index

pytestmark = pytest.mark.django_db
Status = Delivery.Status
WEEK = timedelta(days=7)


def held_from(*countries: str, **offer: Any) -> list[Delivery]:
    """Held deliveries of one offer, of a visitor from each country who has not answered."""
    stored = make_offer(consent_required=True, **offer)
    conversions = [make_conversion(make_click(stored, country=country)) for country in countries]
    plan(timezone.now())
    return list(Delivery.objects.filter(conversion__in=conversions, status=Status.HELD))


def statuses_after_a_sweep() -> list[str]:
    review_policies()
    plan(timezone.now())
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


@pytest.mark.parametrize(
    ("edit", "statuses"),
    [
        ({"consent_required": False}, ["waiting", "waiting", "waiting"]),
        ({"consent_countries": "FR GB"}, ["waiting", "held", "held"]),
        ({"name": "Another name"}, ["held", "held", "held"]),
    ],
)
def test_a_change_of_policy_reaches_what_is_held(edit, statuses):
    held_from("DE", "FR", "")
    Offer.objects.update(**edit)

    assert statuses_after_a_sweep() == statuses


def test_a_policy_is_reviewed_in_pieces_twice_and_then_rests(monkeypatch):
    monkeypatch.setattr(holding, "AT_ONCE", 2)
    held_from("DE", "FR", "GB")

    assert [review_policies() for _ in range(6)] == [2, 1, 2, 1, 0, 0]

    Offer.objects.update(consent_countries="DE")
    assert review_policies() == 2


def test_what_is_held_of_other_offers_stays_as_it_is():
    held_from("DE")
    held_from("DE")
    while review_policies():
        pass
    Offer.objects.filter(pk=Offer.objects.earliest("pk").pk).update(consent_required=False)

    assert statuses_after_a_sweep() == ["waiting", "held"]
    assert Conversion.objects.unplanned().count() == 0


@pytest.mark.parametrize(("age", "status"), [(WEEK - timedelta(minutes=1), "held"), (WEEK, "suppressed")])
def test_what_nobody_answers_for_is_given_up_after_a_week(age, status):
    (delivery,) = held_from("DE")

    give_up_too_old(delivery.conversion.occurred_at + age + timedelta(seconds=1))

    delivery.refresh_from_db()
    assert (delivery.status, Conversion.objects.unplanned().count()) == (status, 0)


def test_what_nobody_found_a_rate_for_is_given_up_too():
    make_conversion(currency="UGX")
    plan(timezone.now())

    assert give_up_too_old(timezone.now() + WEEK) == 1

    delivery = Delivery.objects.get()
    assert (delivery.reason, delivery.lacks_rate) == (Reason.TOO_OLD, "")
    assert "no exchange rate" in delivery.detail


@pytest.mark.parametrize("answer", ["unknown", "granted", "denied"])
def test_what_is_too_old_comes_back_by_no_answer(answer):
    (delivery,) = held_from("DE")
    later = timezone.now() + WEEK
    give_up_too_old(later)
    delivery.conversion.click.consent = answer
    delivery.conversion.click.save()
    Conversion.objects.update(planned_at=None)

    plan(later)

    delivery.refresh_from_db()
    assert delivery.status == Status.SUPPRESSED


def test_the_sweep_finds_what_is_held_by_an_index():
    make_finished_deliveries()
    held_from("DE")

    assert "delivery_held_in_order" in plan_by_index(Delivery.objects.held_for(Reason.CONSENT_UNKNOWN)[:5])
