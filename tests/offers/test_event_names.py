"""Which event names a rule may use, and why not the others."""

import pytest
from django.core.exceptions import ValidationError

from offers.event_names import validate_event_name
from offers.vocabulary import StandardEvent


def refusal(name: str) -> tuple[str, str]:
    """The code and the words with which a name is refused."""
    with pytest.raises(ValidationError) as raised:
        validate_event_name(name)
    return raised.value.code, raised.value.message


@pytest.mark.parametrize("name", StandardEvent.values)
def test_every_standard_name_is_taken(name: str):
    validate_event_name(name)


def test_there_are_the_eighteen_names_of_the_current_list():
    assert len(StandardEvent.values) == 18
    assert not {"Pageview", "CompletePayment", "SubmitForm"} & set(StandardEvent.values)


@pytest.mark.parametrize(("old", "new"), [("CompletePayment", "Purchase"), ("SubmitForm", "Lead")])
def test_an_old_name_is_refused_with_the_new_one(old: str, new: str):
    code, words = refusal(old)

    assert code == "renamed"
    assert new in words


def test_a_name_in_other_letters_is_refused_with_the_right_spelling():
    assert refusal("viewcontent") == ("case", "Event names are case-sensitive: write ViewContent.")


@pytest.mark.parametrize(
    "name", ["BlackFriday2026", "spring_sale", "Campaign", "Offer A", "tiktok-1", "US|iOS", "Test"]
)
def test_a_campaign_like_name_is_refused_with_the_reason(name: str):
    code, words = refusal(name)

    assert code == "campaign_like"
    assert name in words
    assert "UTM" in words


@pytest.mark.parametrize("name", ["Order", "Rebill", "", " ", "Purchase ", "<script>", "Покупка", "x" * 5000])
def test_any_other_name_is_refused_with_the_list_of_names(name: str):
    code, words = refusal(name)

    assert code == "not_standard"
    assert "InitiateCheckout" in words


def test_custom_names_are_taken_where_settings_allow_them(settings):
    settings.ALLOW_CUSTOM_EVENT_NAMES = True

    validate_event_name("Rebill")


@pytest.mark.parametrize(
    ("name", "code"),
    [("CompletePayment", "renamed"), ("purchase", "case"), ("Spring 2026", "campaign_like"), ("R!", "not_standard"),
     ("X" * 51, "not_standard"), ("Rebill\n", "not_standard")],
)  # fmt: skip
def test_settings_do_not_open_the_door_to_every_name(settings, name: str, code: str):
    settings.ALLOW_CUSTOM_EVENT_NAMES = True

    assert refusal(name)[0] == code
