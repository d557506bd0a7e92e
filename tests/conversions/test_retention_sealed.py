"""Calls with a refused signature are kept whole and encrypted for a while, and no longer."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions import retention
from conversions.models import Postback
from conversions.outcomes import Outcome
from tests.conversions.signed import RIGHT, WRONG, send_signed, signing_network

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("age", "gone"), [(13, 0), (15, 1)])
def test_the_call_goes_with_age_and_its_reason_stays(age: int, gone: int):
    postback = send_signed(signing_network(WRONG), RIGHT, click_id="x", email="jane@example.com")
    Postback.objects.update(received_at=timezone.now() - timedelta(days=age))

    count = sum(retention.sealed_calls().batches(timezone.now() - timedelta(days=14)))

    postback.refresh_from_db()
    assert (count, bool(postback.sealed_call)) == (gone, not gone)
    assert (postback.outcome, postback.raw_call != "") == (Outcome.BAD_SIGNATURE, True)
