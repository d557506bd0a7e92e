"""What the tests of traces do again and again."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Click, Conversion
from dispatch.diagnosis.tracing import Trace, trace
from dispatch.models import Delivery, Heartbeat
from dispatch.planning import plan
from offers.models import Network
from tests.factories import make_attempt, make_conversion, make_delivery, make_postback

DAY = timedelta(days=1)


def workers_run() -> None:
    Heartbeat.objects.start("a-host", timezone.now())


def report(network: Network, **params: str) -> None:
    """A call of the network, digested and planned."""
    make_postback(network, params)
    digest_batch(timezone.now())
    plan(timezone.now())


def sent(conversion: Conversion | None = None, **fields: Any) -> Delivery:
    """A delivery that TikTok has accepted."""
    now = timezone.now()
    delivery = make_delivery(conversion or make_conversion(), status="accepted", accepted_at=now, **fields)
    make_attempt(delivery, http_status=200, code=0, request_id="R-1", payload={"user": {"ttclid": "E.C.P.…"}})
    return delivery


def traced(text: object, now: datetime | None = None) -> Trace:
    return trace(str(text), now or timezone.now())


def verdict(text: object, now: datetime | None = None) -> tuple[str, str]:
    """Verdict and cause of the most troubling subject."""
    ruling = traced(text, now).first.ruling
    return ruling.verdict.value, ruling.cause.value


def age(click: Click, **span: float) -> Click:
    """The click, as if it had come so long ago."""
    click.created_at = timezone.now() - timedelta(**span)
    click.save(update_fields=["created_at"])
    return click
