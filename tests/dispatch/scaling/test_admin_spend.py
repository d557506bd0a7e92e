"""Staff see whether spend may be raised, why, and what was decided before."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch.models import ScaleDecision
from offers.models import Offer
from tests.factories import make_network, make_offer, make_pixel
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
HISTORY = reverse("admin:dispatch_scaledecision_changelist")
OFFERS = reverse("admin:offers_offer_changelist")
REASON = {
    "code": "match_low", "title": "The Pixel is missing too often", "words": "Blocked <b>everywhere</b>.",
    "speaks": "hold", "value": "40 %", "target": "95 % or more", "link": "/admin/somewhere/",
}  # fmt: skip


def decided(offer: Offer, verdict: str = "hold", **fields: Any) -> ScaleDecision:
    now = timezone.now()
    given = {"reasons": [REASON], "decided_at": now, "looked_at": now, **fields}
    return ScaleDecision.objects.create(offer=offer, verdict=verdict, **given)


def html(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_an_offers_page_says_whether_spend_may_be_raised_and_why():
    offer = make_offer()
    decided(offer, "raise", reasons=[])
    decided(offer)
    page = reverse("admin:offers_offer_change", args=[offer.pk])

    shown = html(staff_client("offers.view_offer", "dispatch.view_scaledecision"), page)

    assert "May spend be raised?" in shown
    assert "Blocked &lt;b&gt;everywhere&lt;/b&gt;." in shown
    assert f"{reverse('admin:dispatch_runbook')}#match_low" in shown
    assert f"{HISTORY}?offer__id__exact={offer.pk}" in shown
    assert "May spend be raised?" not in html(staff_client("offers.view_offer"), page)


def test_the_history_can_be_filtered_by_offer_and_verdict():
    offer, other = make_offer(name="Lamp"), make_offer(name="Chair")
    row = decided(offer)
    decided(other, "watch")
    client = staff_client("dispatch.view_scaledecision")

    assert [row.offer for row in listed(client, {"offer__id__exact": offer.pk})] == [offer]
    assert [row.offer for row in listed(client, {"verdict__exact": "watch"})] == [other]
    assert "40 %" in html(client, reverse("admin:dispatch_scaledecision_change", args=[row.pk]))
    assert staff_client("offers.view_offer").get(HISTORY).status_code == 403


def listed(client: Client, query: dict[str, Any]) -> list[ScaleDecision]:
    return list(client.get(HISTORY, query).context["cl"].result_list)


def test_the_list_of_offers_carries_the_verdicts_without_a_query_for_each():
    client = staff_client("offers.view_offer", "dispatch.view_scaledecision")
    network, pixel = make_network(), make_pixel()
    decided(make_offer(network=network, pixel=pixel), "watch")
    with CaptureQueriesContext(connection) as for_one:
        assert "Watch" in html(client, OFFERS)
    for _ in range(4):
        decided(make_offer(network=network, pixel=pixel), "watch")

    with CaptureQueriesContext(connection) as for_five:
        html(client, OFFERS)

    assert len(for_five) == len(for_one)
    assert "Watch" not in html(staff_client("offers.view_offer"), OFFERS)


def test_a_decision_that_nobody_confirms_is_shown_as_a_hold():
    offer = make_offer()
    decided(offer, "raise", reasons=[], looked_at=timezone.now() - timedelta(hours=1))

    shown = html(staff_client("offers.view_offer", "dispatch.view_scaledecision"), OFFERS)

    assert ("Hold" in shown, "Raise" in shown) == (True, False)
