"""Every number leads to exactly as many rows as it says."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from conversions.models import Conversion, LedgerEntry, Sighting
from dispatch.findings.finding import Scope
from dispatch.health.reading import figures
from dispatch.health.rows import DELIVERY, PARTS, Part, postback_part
from dispatch.health.selecting import conversions, deliveries
from dispatch.models import Delivery
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
MAY_SEE = ("dispatch.view_delivery", "conversions.view_conversion", "conversions.view_postback")
RULES: list[dict[str, Any]] = [
    {"trigger": "page", "event_name": "Purchase"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]
SPAN = timedelta(hours=40)


def called(offer: Offer, hours: int = 30, clicked: dict[str, Any] | None = None, **fields: Any) -> Conversion:
    """A purchase that a page told of some hours ago."""
    at = timezone.now() - timedelta(hours=hours)
    click = make_click(offer, created_at=at, is_test=fields.get("is_test", False), **(clicked or {}))
    return make_conversion(click, created_at=at, page_value=Decimal(5), payout=None, **fields)


def reported(conversion: Conversion) -> None:
    """The network tells of it an hour after the page."""
    at = conversion.created_at + timedelta(hours=1)
    LedgerEntry.objects.create(
        conversion=conversion, network=conversion.offer.network, kind="approved", key=str(conversion.pk),
        occurred_at=at, created_at=at,
    )  # fmt: skip


def fill(offer: Offer, other: Offer) -> None:
    """Something of everything that figures count."""
    accepted = make_delivery(called(offer), status="accepted", accepted_at=timezone.now())
    for verdict in ("throttled", "transient", "accepted"):
        make_attempt(accepted, verdict=verdict)
    once = make_delivery(called(offer, clicked={"ttclid": ""}), status="dead", reason="invalid")
    for verdict in ("auth", "invalid"):
        make_attempt(once, verdict=verdict)
    for status, reason in [
        ("waiting", ""), ("leased", ""), ("held", "outcome_unknown"), ("held", "consent_unknown"),
        ("suppressed", "consent_denied"), ("discarded", "invalid"),
    ]:  # fmt: skip
        make_delivery(called(offer), status=status, reason=reason)
    for outcomes in (["fired"], ["blocked"], ["fired", "blocked"]):
        seen = make_delivery(called(offer, hours=2), status="accepted", accepted_at=timezone.now()).conversion
        for outcome in outcomes:
            Sighting.objects.create(conversion=seen, outcome=outcome, created_at=timezone.now())
    reported(called(offer))
    make_delivery(called(offer, occurrence_key="T1", transaction_id="T1"))
    make_delivery(called(offer, occurrence_key="T1", transaction_id="T1"))
    make_delivery(called(offer, is_test=True), is_test=True)
    make_delivery(called(other))
    for outcome in ("recorded", "bad_amount", "bad_amount"):
        make_postback(offer.network, {}, outcome=outcome, digested_at=timezone.now())


@pytest.fixture
def offer() -> Offer:
    """With everything that figures count in the sums."""
    offer = make_offer(RULES)
    fill(offer, make_offer(RULES, network=offer.network, pixel=offer.pixel))
    roll_up(timezone.now(), seconds=30)
    return offer


def test_every_number_has_as_many_rows_behind_it(offer: Offer):
    sums = figures(Scope.OFFER, timezone.now() - SPAN, timezone.now())[offer.pk]
    told, sold = Delivery.objects.filter(conversion__offer=offer), Conversion.objects.filter(offer=offer)

    counted = {name: part.count(sums) for name, part in PARTS.items()}

    assert counted == {
        name: (deliveries(told, name) if part.table == DELIVERY else conversions(sold, name)).count()
        for name, part in PARTS.items()
    }
    assert all(counted.values())


def test_links_lead_to_lists_with_exactly_these_rows(offer: Offer):
    client, until = staff_client(*MAY_SEE), timezone.now()

    def shown(part: Part, scope: Scope, subject: int) -> int:
        response = client.get(part.url(scope, subject, until - SPAN, until))
        return int(response.context["cl"].result_count)

    assert shown(PARTS["retried"], Scope.OFFER, offer.pk) == 1
    assert shown(PARTS["due"], Scope.NETWORK, offer.network_id) == 12
    assert shown(PARTS["due"], Scope.PIXEL, offer.pixel_id) == 12
    assert shown(PARTS["all"], Scope.NETWORK, offer.network_id) == 15
    assert shown(PARTS["doubles"], Scope.OFFER, offer.pk) == 1
    assert shown(postback_part("bad_amount"), Scope.NETWORK, offer.network_id) == 2


def test_links_lead_to_postbacks_that_were_written_out_of_the_order_of_their_arrival(offer: Offer):
    now = timezone.now()
    for hours in (2, 1, 3, *range(300, 310)):
        came = now - timedelta(hours=hours)
        make_postback(offer.network, {}, outcome="unmapped_status", received_at=came, digested_at=now)
        make_postback(offer.network, {}, outcome="updated", received_at=came, digested_at=now)
    roll_up(now, seconds=30)
    sums = figures(Scope.NETWORK, now - SPAN, now)[offer.network_id]

    for part in map(postback_part, ("unmapped_status", "updated")):
        listed = staff_client(*MAY_SEE).get(part.url(Scope.NETWORK, offer.network_id, now - SPAN, now))
        assert listed.context["cl"].result_count == part.count(sums) == 3


def test_a_pixel_has_no_list_of_conversions():
    now: datetime = timezone.now()

    assert PARTS["doubles"].url(Scope.PIXEL, 1, now, now) == ""
