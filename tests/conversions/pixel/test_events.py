"""Events that a page's script calls, and what it saw of the Pixel."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.models import Conversion, Sighting
from tests.conversions.pixel.support import PAGE, RULES, call_for
from tests.factories import call_page_event, make_click, make_offer

pytestmark = pytest.mark.django_db


def test_an_event_is_recorded_once_and_told_as_it_was_first(django_assert_num_queries):
    click = make_click(make_offer(RULES))
    first = call_for(click, "event", event="Lead", properties={"value": "12.5", "content_type": "product"}).json()

    with django_assert_num_queries(4):
        again = call_for(click, "event", event="Lead", properties={"value": 99}).json()

    conversion = Conversion.objects.get()
    assert again == first == {
        "event_id": str(conversion.event_id),
        "pixel": True,
        "properties": {"value": 12.5, "currency": "USD", "content_type": "product"},
        "fire": True,
    }  # fmt: skip
    assert (conversion.page_value, conversion.page_url) == (12.5, PAGE)


def test_keys_tell_several_events_of_one_name_apart():
    click = make_click(make_offer(RULES))

    ids = [call_for(click, "event", event="Lead", key=key).json()["event_id"] for key in ("A-1", "A-2", "A-1", 7)]

    assert (len(set(ids)), ids[0]) == (3, ids[2])


@pytest.mark.parametrize(
    "hindrance", [{"consent": "denied"}, {"consent": "withdrawn"}, {"robot": "bot"}, {"seen": True}, {"old": True}]
)
def test_what_may_not_be_fired_is_recorded_all_the_same(hindrance: dict):
    fields = {name: value for name, value in hindrance.items() if name in ("consent", "robot")}
    click = make_click(make_offer(RULES), **fields)
    ago = timezone.now() - timedelta(hours=48) if "old" in hindrance else timezone.now()
    if fields == {}:
        conversion = call_page_event(click, "Lead", ago)
    if "seen" in hindrance:
        call_for(click, "sighting", event_ids=[str(conversion.event_id)], outcome="fired")

    answer = call_for(click, "event", event="Lead").json()

    assert (answer["fire"], answer["event_id"]) == (False, str(Conversion.objects.get().event_id))


@pytest.mark.parametrize(("rule", "mode"), [({"legs": "server"}, "both"), ({}, "server")])
def test_an_event_of_the_server_leg_alone_is_not_fired(rule: dict, mode: str):
    offer = make_offer([{"trigger": "page", "event_name": "Lead", **rule}], tracking_mode=mode)

    answer = call_for(make_click(offer), "event", event="Lead").json()

    assert (answer["pixel"], answer["fire"], Conversion.objects.count()) == (False, False, 1)


def test_a_sighting_counts_once_and_only_for_what_the_click_recorded():
    click = make_click(make_offer(RULES))
    mine, foreign = call_page_event(click, "Lead"), call_page_event(make_click(click.offer), "Lead")
    ids = [str(mine.event_id), str(foreign.event_id), str(uuid.uuid4()), "made by the page", 5, None]

    statuses = [
        call_for(click, "sighting", event_ids=ids, outcome=outcome, detail="by jane@example.com").status_code
        for outcome in ("blocked", "fired", "fired")
    ]

    assert statuses == [204, 204, 204]
    assert list(Sighting.objects.values_list("conversion", "outcome", "detail")) == [
        (mine.pk, "blocked", "by [hidden]"),
        (mine.pk, "fired", "by [hidden]"),
    ]
