"""A sale is taken back while it is delivered: what was not sent is not sent, what was sent is not sent again."""

import pytest
from django.utils import timezone

from conversions.models import Click, Conversion
from dispatch import clock, outbox, planning
from dispatch.models import Delivery
from dispatch.reasons import Reason
from dispatch.sender import Sender
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.sandbox import Sandbox
from tests.conversions.support import digest_everything, send
from tests.factories import make_click, make_credential, make_offer

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status


@pytest.fixture
def click(sandbox: Sandbox) -> Click:
    """One whose sale can be delivered."""
    offer = make_offer()
    make_credential(offer.pixel)
    return make_click(offer)


def report(click: Click, status: str) -> Delivery:
    """A postback on its whole way; the delivery of its conversion."""
    send(click.offer.network, click_id=click.pk, txid="T-1", status=status, payout="5")
    digest_everything()
    planning.plan(clock.now())
    return Delivery.objects.get()


def test_while_it_waits_the_delivery_is_cancelled(click: Click, sandbox: Sandbox):
    report(click, "approved")

    delivery = report(click, "refunded")
    Sender().turn()

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.TAKEN_BACK)
    assert sandbox.events() == []


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.ACCEPTED, Status.ACCEPTED), (Verdict.TRANSIENT, Status.SUPPRESSED)]
)
def test_while_it_is_sent_the_answer_decides(click: Click, sandbox: Sandbox, verdict: Verdict, status: str):
    report(click, "approved")
    claimed = outbox.claim(click.offer.pixel, timezone.now(), 1)
    assert report(click, "refunded").status == Status.LEASED

    outbox.settle(claimed, Reply(verdict, "words"), timezone.now())
    Delivery.objects.filter(status=Status.WAITING).update(next_attempt_at=timezone.now())
    Sender().turn()

    assert Delivery.objects.get().status == status
    assert sandbox.events() == []
    assert Conversion.objects.get().status == Conversion.Status.REFUNDED


def test_when_it_was_told_it_is_not_told_again(click: Click, sandbox: Sandbox):
    report(click, "approved")
    Sender().turn()

    delivery = report(click, "refunded")
    Sender().turn()

    assert (delivery.status, len(sandbox.events())) == (Status.ACCEPTED, 1)
