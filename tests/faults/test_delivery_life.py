"""Everything that can happen to deliveries, in any order: what must be true of them is true after each step."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conversions.models import Click, Consent, Conversion
from dispatch import outbox, planning, rotation, sending
from dispatch.models import Credential, Delivery, Lane
from dispatch.models.delivery import DEDUP_WINDOW
from dispatch.sending import Parcel
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from offers.models import Pixel
from tests.factories import make_click, make_conversion, make_credential, make_offer
from tests.faults.exploring import exploring

Status = Delivery.Status
OUT = frozenset({Status.ACCEPTED, Status.DISCARDED})
STUCK = frozenset({Status.DEAD, Status.HELD, Status.SUPPRESSED})
VERDICTS = st.sampled_from([*Verdict, Verdict.ACCEPTED, Verdict.UNKNOWN, Verdict.UNKNOWN])
DURATIONS = [timedelta(seconds=seconds) for seconds in (1, 61, 20 * 60, 5 * 3600, 20 * 3600, 50 * 3600)]


class LifeOfDeliveries(RuleBasedStateMachine):
    """One pixel with a queue. Workers are no threads here but parcels that are under way, settled, or lost."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = datetime(2026, 5, 1, tzinfo=UTC)
        self.clock = mock.patch("dispatch.clock.now", self.tell_the_time)
        self.clock.start()
        self.under_way: list[Parcel] = []
        self.packed_at: dict[int, datetime] = {}
        self.maybe_since: dict[int, datetime] = {}  # TikTok may have a copy since then
        self.lost: Counter[int] = Counter()  # claims that nobody settled
        self.out: dict[int, str] = {}
        self.tokens = 0

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def tell_the_time(self) -> datetime:
        return self.now

    @initialize()
    def begin(self) -> None:
        self.offer = make_offer()
        self.pixel = self.offer.pixel
        make_credential(self.pixel)
        self.sales_are_made(3)

    # What the world does

    @rule(count=st.integers(1, 4))
    def sales_are_made(self, count: int) -> None:
        for _ in range(count):
            make_conversion(make_click(self.offer), occurred_at=self.now, created_at=self.now)
        planning.plan(self.now)

    @rule(duration=st.sampled_from(DURATIONS), sweep=st.booleans())
    def time_passes(self, duration: timedelta, sweep: bool) -> None:
        self.now += duration
        if sweep:
            self.remember_unknown(Delivery.objects.expired(self.now))
            self.lost.update(Delivery.objects.expired(self.now).values_list("pk", flat=True))
            outbox.release_expired(self.now)

    @rule(data=st.data(), status=st.sampled_from(["refunded", "approved", "approved"]))
    def the_network_changes_its_mind(self, data: st.DataObject, status: str) -> None:
        conversion = self.draw_one(data, Conversion.objects.all())
        Conversion.objects.filter(pk=conversion.pk).update(status=status, planned_at=None)
        planning.plan(self.now)

    @rule(data=st.data(), consent=st.sampled_from([Consent.WITHDRAWN, Consent.GRANTED, Consent.GRANTED]))
    def a_visitor_decides(self, data: st.DataObject, consent: str) -> None:
        conversion = self.draw_one(data, Conversion.objects.all())
        Click.objects.filter(pk=conversion.click_id).update(consent=consent)
        Conversion.objects.filter(pk=conversion.pk).update(planned_at=None)
        planning.plan(self.now)

    # What workers do

    @rule(requests=st.integers(1, 3))
    def a_worker_packs(self, requests: int) -> None:
        lane = Lane.objects.of(self.pixel.pk)
        for parcel in sending.pack(lane, requests, self.now, trial=lambda: None):
            assert lane.pixel.paused_by == Pixel.PausedBy.NOBODY
            self.under_way.append(parcel)
            for delivery in parcel.deliveries:
                self.packed_at[delivery.pk] = self.now
                assert self.now <= self.maybe_since.get(delivery.pk, self.now) + DEDUP_WINDOW

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), verdict=VERDICTS)
    def tiktok_answers(self, data: st.DataObject, verdict: Verdict) -> None:
        self.answer(self.under_way[data.draw(st.integers(0, len(self.under_way) - 1))], verdict)

    @rule(duration=st.sampled_from(DURATIONS), requests=st.integers(1, 3), verdict=VERDICTS)
    def tiktok_answers_at_once(self, duration: timedelta, requests: int, verdict: Verdict) -> None:
        """The usual thing, and as a rule of its own the most frequent one."""
        self.now += duration
        others = list(self.under_way)
        self.a_worker_packs(requests)
        for parcel in self.under_way[len(others) :]:
            self.answer(parcel, verdict)

    @precondition(lambda self: self.under_way)
    @rule(first=VERDICTS, second=VERDICTS)
    def an_answer_comes_when_somebody_else_has_sent_again(self, first: Verdict, second: Verdict) -> None:
        late = self.under_way[0]
        self.time_passes(timedelta(seconds=61), sweep=True)
        self.a_worker_packs(1)
        if self.under_way[-1] is not late:
            self.answer(self.under_way[-1], first)
        self.answer(late, second)

    @precondition(lambda self: self.under_way)
    @rule()
    def the_worker_is_killed(self) -> None:
        self.under_way.clear()

    # What people do

    @rule()
    def staff_requeue(self) -> None:
        long_ago = Delivery.objects.undecided().filter(first_sent_at__lt=self.now - DEDUP_WINDOW)
        for key in long_ago.values_list("pk", flat=True):
            self.maybe_since.pop(key, None)  # whoever sends it again takes it upon themselves
        for key in Delivery.objects.undecided().values_list("pk", flat=True):
            self.lost.pop(key, None)
        Delivery.objects.undecided().requeue(None, self.now)

    @rule(data=st.data())
    def staff_discard(self, data: st.DataObject) -> None:
        undecided = Delivery.objects.undecided()
        if undecided.exists():
            Delivery.objects.filter(pk=self.draw_one(data, undecided).pk).discard(None, "no use", self.now)

    @rule(pause=st.booleans())
    def staff_pause_or_resume(self, pause: bool) -> None:
        pixel = Pixel.objects.get(pk=self.pixel.pk)
        pixel.pause(Pixel.PausedBy.STAFF, "launch", self.now) if pause else pixel.resume(self.now)

    @rule(promote=st.booleans())
    def staff_bring_a_token(self, promote: bool) -> None:
        self.tokens += 1
        Credential.objects.filter(state="staged").delete()
        staged = rotation.stage(self.pixel, f"token-number-{self.tokens:04}", "", None, self.now)
        Credential.objects.filter(pk=staged.pk).update(test_passed=True)
        if promote:
            rotation.promote(staged, None, self.now)

    # What is always true

    @invariant()
    def each_conversion_is_promised_once(self) -> None:
        promised = list(Delivery.objects.values_list("conversion", flat=True))
        assert len(promised) == len(set(promised))

    @invariant()
    def rows_make_sense(self) -> None:
        for row in Delivery.objects.all():
            leased = row.status == Status.LEASED
            assert leased == (row.lease_token is not None) == (row.lease_until is not None)
            assert row.claims == row.attempts + self.lost[row.pk] + leased, "else innocent ones die of crash loops"
            assert row.next_attempt_at or row.status != Status.WAITING
            assert bool(row.reason) == (row.status in STUCK) or row.status == Status.DISCARDED

    @invariant()
    def what_is_out_stays_out(self) -> None:
        found = dict(Delivery.objects.filter(status__in=OUT).values_list("pk", "status"))
        assert self.out.items() <= found.items()
        self.out = found

    @invariant()
    def an_unknown_outcome_is_forgotten_by_people_only(self) -> None:
        rows = Delivery.objects.filter(pk__in=self.maybe_since, maybe_accepted=False)
        assert not rows.exclude(status=Status.ACCEPTED).exists()

    def draw_one(self, data: st.DataObject, rows: QuerySet[Any]) -> Any:
        """By its place, because keys differ each time."""
        return rows.order_by("pk")[data.draw(st.integers(0, rows.count() - 1))]

    def answer(self, parcel: Parcel, verdict: Verdict) -> None:
        self.under_way.remove(parcel)
        if verdict == Verdict.UNKNOWN:
            self.remember_unknown(outbox.ours(parcel.deliveries))
        sending.settle(parcel, Reply(verdict, "words"), self.now)

    def remember_unknown(self, rows: QuerySet[Delivery]) -> None:
        for key in rows.values_list("pk", flat=True):
            self.maybe_since.setdefault(key, self.packed_at[key])


@pytest.mark.django_db
def test_whatever_happens_to_deliveries(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TIKTOK_BATCH_SIZE, settings.TIKTOK_REQUESTS_PER_SECOND = 3, 0
    monkeypatch.setattr(outbox, "RETRY_SECONDS", [10, 30])  # so that retries come to their end

    run_state_machine_as_test(LifeOfDeliveries, settings=exploring(examples=20, steps=40))
