import pytest

from offers.models import Offer
from tests.factories import make_credential, make_network, make_offer, make_pixel

PAGE = {"trigger": "page", "event_name": "ViewContent"}
SALE = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}


@pytest.fixture
def offer() -> Offer:
    """One whose page calls an event and whose network reports sales, with everything that a test needs."""
    pixel = make_pixel(test_event_code="TEST123")
    make_credential(pixel)
    offer = make_offer([PAGE, SALE], pixel=pixel, network=make_network(adapter="generic"), consent_required=True)
    return offer
