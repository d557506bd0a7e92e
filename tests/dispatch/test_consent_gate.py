"""Nothing is sent that the visitor does not allow at that moment, whatever comes before or after what."""

from itertools import pairwise

import pytest
from django.utils import timezone
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.consent import record_answer
from conversions.digest import digest_batch
from conversions.models import Click, Consent, Conversion
from dispatch import outbox
from dispatch.models import Delivery
from dispatch.outbox import Shipment
from dispatch.planning import plan
from dispatch.reasons import Reason
from dispatch.sending import build_shipments
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from tests.factories import call_page_event, make_click, make_conversion, make_delivery, make_offer, make_postback

pytestmark = pytest.mark.django_db
Status = Delivery.Status
RULES = [{"trigger": "page", "event_name": "ViewContent"}, {"trigger": "approved", "event_name": "Purchase"}]
ANSWERS = ["granted", "denied", "withdrawn"]
STEPS = ["page", "postback", *ANSWERS, "erased", "plan", "claim", "leave", "accepted", "lost"]
REPLIES = {"accepted": Reply(Verdict.ACCEPTED, "OK", 200, 0), "lost": Reply(Verdict.UNKNOWN, "No answer")}


class Story:
    """What happens to one click, and what leaves for TikTok meanwhile."""

    def __init__(self, is_required: bool) -> None:
        self.click = make_click(make_offer(rules=RULES, consent_required=is_required))
        self.claimed: list[Delivery] = []
        self.under_way: list[Shipment] = []
        self.accepted: list[str] = []

    def happen(self, step: str) -> None:
        now = timezone.now()
        if step == "page":
            call_page_event(self.click, "ViewContent", now)
        elif step == "postback":
            params = {"click_id": self.click.pk, "status": "approved", "txid": self.click.pk}
            make_postback(self.click.offer.network, params)
            digest_batch(timezone.now())
        elif step in ANSWERS:
            record_answer(self.click.pk, step, "banner", "", now)
        elif step == "erased":
            Click.objects.filter(pk=self.click.pk).update(erased_at=now)
            Conversion.objects.filter(click=self.click).update(planned_at=None)
        elif step == "plan":
            plan(now)
        elif step == "claim":
            self.claimed += outbox.claim(self.click.offer.pixel, now, 10)
        elif step == "leave":
            self.leave()
        else:
            self.settle(REPLIES[step])

    def leave(self) -> None:
        shipments = build_shipments(self.claimed, timezone.now()) if self.claimed else []
        click = Click.objects.get(pk=self.click.pk)
        assert not shipments or (click.has_consent and not click.erased_at)
        self.claimed, self.under_way = [], [*self.under_way, *shipments]

    def settle(self, reply: Reply) -> None:
        for shipment in self.under_way:
            outbox.settle([shipment.delivery], reply, timezone.now())
            self.accepted += [shipment.event["event_id"]] if reply.verdict == Verdict.ACCEPTED else []
        Delivery.objects.filter(status=Status.WAITING).update(next_attempt_at=timezone.now())
        self.under_way = []

    def end(self) -> list[Delivery]:
        """All that can still be done about it, twice over."""
        for step in ["leave", "accepted", "plan", "claim", "leave", "accepted"] * 2:
            self.happen(step)
        return list(Delivery.objects.filter(conversion__click=self.click))


@hypothesis_settings(max_examples=60, deadline=None)
@given(is_required=st.booleans(), steps=st.lists(st.sampled_from(STEPS), max_size=14))
@example(True, ["page", "plan", "granted", "plan", "claim", "withdrawn", "leave"])
@example(True, ["granted", "page", "plan", "claim", "leave", "withdrawn", "lost", "plan", "claim", "leave", "granted"])
@example(False, ["postback", "denied", "plan", "granted", "plan", "claim", "erased"])
def test_nothing_leaves_against_the_visitors_word_and_every_refusal_is_on_record(is_required, steps):
    story = Story(is_required)
    for step in steps:
        story.happen(step)

    deliveries = story.end()

    click = Click.objects.get(pk=story.click.pk)
    left = {str(delivery.event_id) for delivery in deliveries if delivery.status == Status.ACCEPTED}
    others = {(d.status, d.reason) for d in deliveries if d.status != Status.ACCEPTED}
    assert len(deliveries) == len({"page", "postback"} & set(steps))
    assert sorted(left) == sorted(story.accepted)
    if click.erased_at:
        assert others <= {(Status.SUPPRESSED, Reason.ERASED)}
    elif click.has_refused:
        assert others <= {(Status.SUPPRESSED, Reason.CONSENT_DENIED)}
    elif click.has_consent:
        assert not others
    else:
        assert others <= {(Status.HELD, Reason.CONSENT_UNKNOWN)}


@pytest.mark.parametrize(
    ("click", "reason"),
    [({"robot": "bot"}, Reason.ROBOT), ({"robot": "prefetch"}, Reason.ROBOT), ({"erased_at": "now"}, Reason.ERASED)],
)
@pytest.mark.parametrize("consent", ["unknown", "granted"])
def test_robots_and_who_was_erased_are_not_told_of_at_plan_or_at_send(click, reason, consent):
    fields = {name: timezone.now() if value == "now" else value for name, value in click.items()}
    stored = make_click(make_offer(consent_required=True), consent=consent, **fields)
    make_conversion(stored)
    waiting = make_delivery(make_conversion(stored))

    plan(timezone.now())
    assert build_shipments(outbox.claim(waiting.pixel, timezone.now(), 1), timezone.now()) == []

    assert set(Delivery.objects.values_list("status", "reason")) == {(Status.SUPPRESSED, reason)}


def test_a_grant_lets_go_what_is_held_at_the_next_plan_and_a_withdrawal_calls_back_what_waits():
    story = Story(is_required=True)
    stages = []
    for step in ["page", "granted", "withdrawn", "granted"]:
        story.happen(step)
        story.happen("plan")
        stages.append(Delivery.objects.get().status)

    assert stages == [Status.HELD, Status.WAITING, Status.SUPPRESSED, Status.WAITING]
    answers = [record.state for record in story.click.consent_records.order_by("pk")]
    assert all(before != after for before, after in pairwise(answers))


@pytest.mark.parametrize(("country", "status"), [("DE", Status.HELD), ("US", Status.WAITING), ("", Status.HELD)])
def test_the_visitors_country_decides_whether_they_have_to_agree(country, status):
    offer = make_offer(consent_required=True, consent_countries="DE FR")
    make_conversion(make_click(offer, country=country, consent=Consent.UNKNOWN))

    plan(timezone.now())

    assert Delivery.objects.get().status == status


def test_asking_again_at_the_last_moment_costs_no_query_per_delivery(django_assert_num_queries):
    offer = make_offer(send_external_id=True)
    for _ in range(5):
        make_delivery(make_conversion(make_click(offer), page_properties={"order_id": "A-1"}))
    claimed = outbox.claim(offer.pixel, timezone.now(), 5)

    with django_assert_num_queries(3):  # clicks, offers, rules
        assert len(build_shipments(claimed, timezone.now())) == 5
