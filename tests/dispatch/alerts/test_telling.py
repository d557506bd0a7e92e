from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch import retention
from dispatch.alerts.rules import NOT_TOLD, RULES
from dispatch.alerts.telling import tell
from dispatch.findings.current import current
from dispatch.findings.finding import Code, Scope
from dispatch.models import Alert, AlertMessage, Watch
from dispatch.reasons import Reason
from tests.dispatch.alerts.support import MINUTE, NOON, make_channel, rounds, wrong
from tests.factories import make_delivery

pytestmark = pytest.mark.django_db


def newest() -> AlertMessage:
    return AlertMessage.objects.order_by("-pk")[0]


class TestBeginning:
    def test_what_stops_money_is_told_when_it_has_stood_for_a_minute(self):
        make_channel()

        first, second = rounds(range(1), wrong()), rounds(range(1, 2), wrong())

        assert (first, second) == (0, 1)
        assert newest().due_at == NOON + MINUTE

    def test_a_warning_is_told_when_it_has_stood_for_ten_minutes(self):
        make_channel()
        warning = wrong(Code.NETWORK_SILENT, tone="warn")

        assert rounds(range(10), warning) == 0
        assert rounds(range(10, 11), warning) == 1

    def test_it_is_told_once(self):
        make_channel()

        assert rounds(range(60), wrong()) == 1

    def test_what_begins_in_the_same_minutes_is_one_message_to_each_channel(self):
        make_channel()
        make_channel(name="Chat", kind="webhook")
        found = [wrong(subject_id=number) for number in range(5)]

        written = rounds(range(2), *found, wrong(Code.DEAD_LETTERS, scope=Scope.SITE))

        assert written == 2
        assert newest().alerts.count() == 6

    def test_what_begins_just_after_a_message_waits_for_the_next_one(self):
        make_channel()
        rounds(range(2), wrong())

        both = [wrong(), wrong(Code.DIGEST_LATE)]

        assert rounds(range(1, 3), *both) == 0
        assert rounds(range(3, 4), *both) == 1

    def test_what_came_and_went_is_told_to_nobody(self):
        make_channel()

        assert rounds(range(1), wrong()) + rounds(range(1, 10)) == 0
        assert Alert.objects.get().ended_at == NOON + 2 * MINUTE

    def test_a_channel_may_want_only_what_stops_money(self):
        make_channel(least_tone="bad")

        assert rounds(range(12), wrong(Code.NETWORK_SILENT, tone="warn")) == 0
        assert Alert.objects.get().told_at is None

    def test_what_gets_worse_is_told_again(self):
        make_channel()
        rounds(range(11), wrong(tone="warn"))

        assert rounds(range(12, 13), wrong()) == 1

    def test_without_a_channel_it_stays_untold_until_there_is_one(self):
        rounds(range(5), wrong())
        make_channel()

        assert rounds(range(5, 6), wrong()) == 1

    def test_every_finding_is_either_told_or_left_out_on_purpose(self):
        assert set(RULES) | NOT_TOLD == set(Code)
        assert not set(RULES) & NOT_TOLD


class TestEnd:
    def test_it_is_told_with_how_long_it_lasted(self):
        make_channel()
        rounds(range(128), wrong())

        written = rounds(range(128, 131))

        assert written == 1
        assert "over after 2 h 9 min" in newest().body
        assert rounds(range(131, 140)) == 0

    def test_what_is_missed_once_is_not_over(self):
        make_channel()
        rounds(range(3), wrong())

        written = rounds(range(3, 4)) + rounds(range(4, 10), wrong())

        assert written == 0
        assert Alert.objects.get().ended_at is None

    def test_is_told_to_those_who_heard_of_the_beginning(self):
        make_channel()
        rounds(range(3), wrong())
        late = make_channel(name="Added later")

        rounds(range(3, 6))

        assert not late.messages.exists()

    def test_what_comes_back_is_a_new_alert(self):
        make_channel()
        rounds(range(3), wrong())
        rounds(range(3, 6))

        assert rounds(range(10, 12), wrong()) == 1
        assert Alert.objects.filter(ended_at=None).count() == 1


class TestAgain:
    def test_what_is_still_so_after_a_day_is_reminded_of(self):
        make_channel()
        rounds(range(2), wrong())

        assert rounds(range(1440, 1441), wrong()) == 0
        assert rounds(range(1441, 1442), wrong()) == 1
        assert "STILL SO AFTER A DAY" in newest().body

    def test_dead_letters_are_told_again_when_they_have_doubled(self):
        make_channel()
        letters = [wrong(Code.DEAD_LETTERS, size=count) for count in (1000, 1999, 2000)]
        rounds(range(2), letters[0])

        assert rounds(range(5, 6), letters[1]) == 0
        assert rounds(range(6, 7), letters[2]) == 1
        assert rounds(range(10, 20), letters[2]) == 0

    def test_dead_letters_are_found_with_their_number(self):
        for _ in range(2):
            make_delivery(status="dead", reason=Reason.INVALID, next_attempt_at=None)

        findings = current(timezone.now())

        assert [each.size for each in findings if each.code == Code.DEAD_LETTERS] == [2]

    def test_dead_letters_grow_anew_from_what_was_left_over(self):
        make_channel()
        many, few, more = (wrong(Code.DEAD_LETTERS, size=count) for count in (500, 10, 30))
        rounds(range(2), many)

        assert rounds(range(5, 6), few) == 0
        assert rounds(range(6, 7), more) == 1


def test_each_round_is_noted():
    tell([], NOON)
    tell([], NOON + timedelta(seconds=61))

    assert Watch.objects.get().looked_at == NOON + timedelta(seconds=61)


def test_what_is_over_for_long_is_pruned_with_its_messages():
    make_channel()
    rounds(range(2), wrong(), wrong(subject_id=2))
    rounds(range(2, 6), wrong())
    AlertMessage.objects.update(due_at=None)
    age = NOON + timedelta(days=1)

    assert list(retention.alerts().batches(age)) == [1]
    assert list(retention.alert_messages().batches(age)) == [2]
    assert Alert.objects.get().key.endswith(":1")
