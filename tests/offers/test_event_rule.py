"""Event rules: one line of an offer's tracking model."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from offers.models import EventRule
from tests.factories import make_offer

pytestmark = pytest.mark.django_db
PAGE = {"trigger": "page", "event_name": "ViewContent"}


def errors_of(**fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        EventRule(offer=make_offer([PAGE]), **fields).full_clean()
    return raised.value.message_dict


def test_a_plain_rule_is_valid():
    EventRule(offer=make_offer([PAGE]), trigger="approved", event_name="Purchase", value_source="payout").full_clean()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"trigger": "approved", "event_name": "Purchase", "value_source": "fixed"}, "fixed_value"),
        ({"trigger": "approved", "event_name": "Purchase", "fixed_value": Decimal(-1)}, "fixed_value"),
        ({"trigger": "page", "event_name": "Contact", "value_source": "payout"}, "value_source"),
        ({"trigger": "page", "event_name": "Contact", "value_source": "amount"}, "value_source"),
        ({"trigger": "page", "event_name": "Contact", "network_event": "goal1"}, "network_event"),
        ({"trigger": "refunded", "event_name": "Contact"}, "trigger"),
        ({"trigger": "approved", "event_name": "purchase"}, "event_name"),
        ({"trigger": "approved", "event_name": "CompletePayment"}, "event_name"),
        ({"trigger": "approved", "event_name": "spring_campaign"}, "event_name"),
    ],
)
def test_a_mistake_is_explained_at_its_field(fields: dict, field: str):
    assert set(errors_of(**fields)) == {field}


def test_a_second_page_rule_for_one_event_is_refused_in_words():
    (message,) = errors_of(**PAGE)["__all__"]

    assert message == "This offer already has a page rule for that event."


@pytest.mark.parametrize("rule", [PAGE, {"trigger": "approved", "event_name": "Purchase", "network_event": "goal1"}])
def test_the_database_refuses_two_rules_for_one_call(rule: dict):
    offer = make_offer([rule])

    with pytest.raises(IntegrityError), transaction.atomic():
        EventRule.objects.create(offer=offer, **rule)


def test_one_event_may_have_a_page_rule_and_a_postback_rule():
    offer = make_offer([{"trigger": "page", "event_name": "Purchase"}])

    EventRule(offer=offer, trigger="approved", event_name="Purchase", value_source="payout").full_clean()


@pytest.mark.parametrize(
    ("mode", "legs", "pixel", "server"),
    [
        ("both", "both", True, True),
        ("both", "pixel", True, False),
        ("both", "server", False, True),
        ("server", "both", False, True),
        ("server", "pixel", False, False),
        ("pixel", "both", True, False),
        ("pixel", "server", False, False),
    ],
)
def test_a_rule_narrows_the_legs_of_its_offer(mode: str, legs: str, pixel: bool, server: bool):
    rule = make_offer([{**PAGE, "legs": legs}], tracking_mode=mode).event_rules.get()

    assert (rule.uses("pixel"), rule.uses("server")) == (pixel, server)
