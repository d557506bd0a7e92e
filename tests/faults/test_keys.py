"""The keys of stored secrets are lost and found again: nothing is sent with a wrong one, and nothing is lost."""

from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Credential, Delivery
from dispatch.sender import Sender
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer
from trackingsite.environment import new_field_key

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_its_key_a_credential_pauses_its_pixel_and_the_queue_waits(sandbox: Sandbox, settings: Any):
    keys, delivery = settings.FIELD_ENCRYPTION_KEYS, queue()

    settings.FIELD_ENCRYPTION_KEYS = [new_field_key()]
    Sender().turn()
    pixel = Pixel.objects.get()
    assert (pixel.paused_by, sandbox.requests()) == (Pixel.PausedBy.AUTH, [])
    assert "key" in pixel.paused_reason
    assert Delivery.objects.get().attempts == 0

    settings.FIELD_ENCRYPTION_KEYS = [new_field_key(), *keys]
    pixel.resume(timezone.now())
    Sender().turn()

    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.ACCEPTED


def test_a_staged_credential_under_a_living_key_takes_over(sandbox: Sandbox, settings: Any):
    delivery = queue()
    settings.FIELD_ENCRYPTION_KEYS = [new_field_key()]
    make_credential(delivery.pixel, "a-token-under-the-living-key", state=Credential.State.STAGED)

    Sender().turn()

    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.ACCEPTED


def queue() -> Delivery:
    offer = make_offer()
    make_credential(offer.pixel)
    return make_delivery(make_conversion(make_click(offer)))
