"""What of the sending record goes when it is old: payloads first, then the attempts that they belong to."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from conversions import retention
from conversions.retention import Chore
from dispatch.models import Alert, AlertMessage, Delivery, DeliveryAttempt

Status = Delivery.Status
# Whoever decides on these looks at their attempts, and their event is built anew from the click.
UNFINISHED = [Status.WAITING, Status.LEASED, Status.HELD, Status.DEAD]
# A subquery, not a join: what is asked of the attempt itself is then asked again of a row that had to be waited for.
OF_UNFINISHED = Q(Exists(Delivery.objects.filter(pk=OuterRef("delivery"), status__in=UNFINISHED)))


def attempts() -> Chore:
    """Whole attempts. The tallies count them for good."""
    return Chore(DeliveryAttempt.objects.all(), "started_at", OF_UNFINISHED, retention.delete)


def payloads() -> Chore:
    """What was sent, which holds the visitor's browser and most of the address."""
    with_payload = DeliveryAttempt.objects.exclude(payload={})
    return Chore(with_payload, "started_at", OF_UNFINISHED, lambda rows: rows.update(payload={}))


def alerts() -> Chore:
    """What is over."""
    return Chore(Alert.objects.exclude(ended_at=None), "ended_at", retention.NONE, delete_alerts, in_order=False)


def alert_messages() -> Chore:
    """What was told, or given up."""
    return Chore(AlertMessage.objects.filter(due_at=None), "created_at", retention.NONE, delete_alerts)


def delete_alerts(rows: QuerySet[Any]) -> int:
    """Delete alerts or messages, and which was told in which."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def visitors() -> Chore:
    """The address, browser and digests of clicks that nothing can be built from any more."""
    return retention.visitors(unfinished())


def buyers() -> Chore:
    """The digests of conversions that nothing can be built from any more."""
    return retention.buyers(unfinished())


def unfinished() -> QuerySet[Delivery]:
    """Deliveries that may still be sent, by automation or by a person's decision."""
    return Delivery.objects.filter(status__in=UNFINISHED)
