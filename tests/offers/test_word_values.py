"""What words are worth, as staff write it; and the event rules that need it, or must not have it."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.forms import modelform_factory

from offers.admin.offer_page import value_warnings
from offers.forms import EventRuleForm
from offers.models import EventRule, Offer
from offers.word_values import read_word_values

POSTBACK = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}


def rule(**fields: Any) -> EventRule:
    return EventRule(offer=Offer(), **{**POSTBACK, **fields})


@pytest.mark.parametrize(
    "text", ["hot=40 warm=12.5", "HOT = 40, warm=12.50", "hot=40;warm=12.5", ' "hot"=40\nwarm=12.5 ']
)
def test_pairs_are_parted_by_whatever_people_write(text):
    assert read_word_values(text) == {"hot": Decimal(40), "warm": Decimal("12.50")}


def test_a_word_with_spaces_stands_in_quotes_and_case_does_not_matter():
    worth = rule(replaced_by="segment", value_of_words='"Very  Hot"=60').worth_of

    assert (worth("very hot"), worth(" VERY HOT"), worth("hot")) == (Decimal(60), Decimal(60), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hot", "“hot” is no word with its value."),
        ("hot=40 warm=1x", "“warm=1x” is no word with its value."),
        ("hot=12,5", "“5” is no word with its value."),
        ("hot=-1", "“hot=-1” is no word with its value."),
        ("very hot=1", "“very hot=1” is no word with its value."),
        ("hot=1 HOT=2", "“hot” has two values."),
    ],
)
def test_what_is_no_list_of_values_is_refused_with_the_place(text, words):
    with pytest.raises(ValueError, match=words):
        read_word_values(text)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            {"trigger": "page", "value_source": "none", "replaced_by": "margin"},
            "replaced_by",
            "A page is told of before",
        ),
        ({"replaced_by": "segment"}, "value_of_words", "Say what each word is worth"),
        ({"replaced_by": "lead_quality", "value_of_words": "hot"}, "value_of_words", "no word with its value"),
        ({"replaced_by": "margin", "value_of_words": "hot=1"}, "value_of_words", "Only a segment or a lead quality"),
    ],
)
def test_a_rule_says_what_is_wrong_with_its_replacement(fields, field, words):
    with pytest.raises(ValidationError) as raised:
        rule(**fields).clean()

    assert words in str(raised.value.message_dict[field])


@pytest.mark.parametrize("fields", [{"replaced_by": "margin"}, {"replaced_by": "segment", "value_of_words": "hot=1"}])
def test_a_rule_with_a_whole_replacement_is_good(fields):
    rule(**fields).clean()


def test_what_the_script_has_switched_off_is_empty():
    stored = rule(replaced_by="segment", value_of_words="hot=1")

    form = modelform_factory(EventRule, EventRuleForm, exclude=["offer"])({**POSTBACK, "legs": "both"}, instance=stored)

    assert form.is_valid()
    assert (stored.replaced_by, stored.value_of_words) == ("", "")


@pytest.mark.parametrize(("legs", "count"), [("both", 1), ("server", 0)])
def test_a_replacement_that_the_pixel_may_forestall_is_warned_of(legs, count):
    offer = Offer(tracking_mode=Offer.TrackingMode.BOTH)
    page = EventRule(offer=offer, trigger="page", event_name="Purchase", value_source="none", legs=legs)
    replacing = EventRule(offer=offer, **POSTBACK, replaced_by="margin")

    assert len(value_warnings([page, replacing])) == count
