"""A visitor's answers: each change is on record, the same one twice is not, and it takes effect at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click, ConsentRecord, Conversion
from tests.factories import make_click, make_conversion, make_offer

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def answer(click: Click, *answers: str) -> list[str]:
    """Give the answers one after the other; the states on record, the first one first."""
    for number, state in enumerate(answers):
        record_answer(click.pk, state, "banner", "https://landing.example/", NOW + timedelta(seconds=number))
    return list(ConsentRecord.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize(
    ("answers", "states"),
    [
        (["granted"], ["granted"]),
        (["denied"], ["denied"]),
        (["withdrawn"], ["denied"]),  # nothing was agreed to that could be withdrawn
        (["granted", "denied"], ["granted", "withdrawn"]),
        (["granted", "withdrawn", "granted"], ["granted", "withdrawn", "granted"]),
        (["denied", "granted"], ["denied", "granted"]),
        (["granted", "granted"], ["granted"]),
        (["granted", "denied", "withdrawn"], ["granted", "withdrawn"]),
    ],
)
def test_each_change_of_the_answer_is_on_record(answers: list[str], states: list[str]):
    click = make_click()

    assert answer(click, *answers) == states

    click.refresh_from_db()
    assert (click.consent, click.consent_source) == (states[-1], "banner")
    assert click.consent_at is not None


def test_the_record_says_where_it_was_given_and_whether_it_had_to_be():
    required, free = make_click(make_offer(consent_required=True)), make_click()

    for click in (required, free):
        record_answer(click.pk, "granted", "b" * 50, "https://landing.example/?ttclid=E.C.P.1&email=a@b.example", NOW)

    records = list(ConsentRecord.objects.order_by("pk"))
    assert [(r.click, r.offer, r.was_required) for r in records] == [
        (required, required.offer, True),
        (free, free.offer, False),
    ]
    assert {(r.page_url, len(r.source), r.created_at) for r in records} == {("https://landing.example/", 30, NOW)}


def test_what_was_decided_is_decided_anew():
    click = make_click()
    own, other = (make_conversion(of, planned_at=NOW) for of in (click, make_click()))

    answer(click, "denied")

    assert list(Conversion.objects.unplanned()) == [own]
    assert other.planned_at == NOW


def test_an_erased_click_and_an_unknown_one_take_no_answer():
    click = make_click(erased_at=NOW)

    assert answer(click, "granted") == []
    assert record_answer("01m811azr3cg9vdh6wm35b6v2q", "granted", "banner", "", NOW) is None


@pytest.mark.parametrize("text", ["unknown", "", "yes"])
def test_what_is_no_answer_is_refused(text: str):
    with pytest.raises(ValueError, match=text or "''"):
        answer(make_click(), text)
