"""event_id: the same for both legs, for ever."""

import uuid

import pytest
from django.db import IntegrityError, transaction

from conversions.event_ids import make_event_id
from conversions.models import Conversion
from tests.factories import make_click, make_conversion

CLICK = "01jd5v9k3m8x7q2w4e6r8t0y1z"


def test_it_never_changes_between_versions():
    assert str(make_event_id(CLICK, "Purchase")) == "a101c2cc-827f-59d9-be20-234117a2f86c"


def test_it_is_the_same_whoever_asks_first():
    assert make_event_id(CLICK, "Purchase") == make_event_id(CLICK, "Purchase", "")


def test_another_click_event_or_occurrence_is_another_id():
    ids = {
        make_event_id(CLICK, "Purchase"),
        make_event_id(CLICK, "Lead"),
        make_event_id(CLICK, "Purchase", "T-1"),
        make_event_id(CLICK, "Purchase", "T-2"),
        make_event_id(CLICK[:-1] + "0", "Purchase"),
    }

    assert len(ids) == 5


def test_it_is_a_lower_case_uuid_without_underscores():
    event_id = make_event_id(CLICK, "Purchase")

    assert (event_id.version, str(event_id)) == (5, str(event_id).lower())


@pytest.mark.django_db
def test_the_database_refuses_an_event_id_twice():
    event_id = uuid.uuid4()
    make_conversion(event_id=event_id)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_conversion(event_id=event_id)


@pytest.mark.django_db
def test_one_event_id_under_two_names_is_no_duplicate():
    click, event_id = make_click(), uuid.uuid4()

    make_conversion(click, event_id=event_id, event_name="Lead")
    make_conversion(click, event_id=event_id, event_name="Purchase")

    assert Conversion.objects.count() == 2
