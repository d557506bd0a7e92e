"""Dead letters and the pages on which staff decide on them."""

from typing import Any

from django.test import Client
from django.urls import reverse

from dispatch.models import Delivery
from dispatch.reasons import Reason
from tests.factories import make_delivery
from tests.staff import staff_client

Status = Delivery.Status
LIST = reverse("admin:dispatch_deadletter_changelist")
VIEW = "dispatch.view_deadletter"
REQUEUE = "dispatch.requeue_deadletter"
DISCARD = "dispatch.discard_deadletter"


def dead(reason: str = Reason.INVALID, **fields: Any) -> Delivery:
    status = Status.HELD if reason == Reason.OUTCOME_UNKNOWN else Status.DEAD
    return make_delivery(**{"status": status, "reason": reason, "next_attempt_at": None, **fields})


def operations() -> Client:
    return staff_client(VIEW, REQUEUE, DISCARD)


def one(delivery: Delivery, verb: str) -> str:
    return reverse("admin:dispatch_deadletter_one", args=[delivery.pk, verb])


def all_of(reason: str, verb: str) -> str:
    return reverse("admin:dispatch_deadletter_all", args=[reason, verb])


def statuses(*deliveries: Delivery) -> list[str]:
    return [Delivery.objects.get(pk=delivery.pk).status for delivery in deliveries]


def act(client: Client, verb: str, *deliveries: Delivery, url: str = LIST, **data: str) -> Any:
    """Run the action on the selected rows; `confirmed` answers the question at once."""
    selected = [str(delivery.pk) for delivery in deliveries]
    return client.post(url, {"action": f"{verb}_selected", "_selected_action": selected, **data}, follow=True)


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()
