import pytest

from offers.models import Offer
from tests.dispatch.diagnosis.support import workers_run
from tests.factories import make_credential, make_offer


@pytest.fixture
def offer() -> Offer:
    """One that can be told, with workers that run."""
    offer = make_offer()
    make_credential(offer.pixel)
    workers_run()
    return offer
