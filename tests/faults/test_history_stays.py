"""What history hangs on can't be deleted, and what may be deleted takes no history along."""

import pytest
from django.db.models import Model, ProtectedError

from dispatch.models import Credential, Delivery, DeliveryAttempt
from tests.conversions.support import digest_everything, send
from tests.factories import make_attempt, make_click, make_credential, make_delivery

pytestmark = pytest.mark.django_db


def sold() -> Delivery:
    """A delivery with everything that led to it."""
    click = make_click()
    send(click.offer.network, click_id=click.pk, payout="5")
    digest_everything()
    return make_delivery(click.conversions.get())


@pytest.mark.parametrize(
    "owner",
    ["pixel", "conversion", "conversion.click", "conversion.offer", "conversion.offer.network"],
)
def test_what_a_delivery_comes_from_is_protected(owner: str):
    row: Model = sold()
    for name in owner.split("."):
        row = getattr(row, name)

    with pytest.raises(ProtectedError):
        row.delete()

    assert Delivery.objects.exists()


def test_attempts_outlive_their_credential():
    delivery = sold()
    credential = make_credential(delivery.pixel)
    make_attempt(delivery, credential=credential)

    credential.delete()

    assert DeliveryAttempt.objects.get().credential is None
    assert not Credential.objects.exists()


def test_a_pixel_keeps_its_credentials():
    credential = make_credential(sold().pixel)

    with pytest.raises(ProtectedError):
        credential.pixel.delete()
