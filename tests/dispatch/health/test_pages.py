from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch.models import Delivery, OfferSlot, ScaleDecision, TellingSlot
from dispatch.rollups.slots import slot_of
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
OVERVIEW = "/admin/conversions/conversion/health/"


@pytest.fixture
def client() -> Client:
    return staff_client("dispatch.view_health", "dispatch.view_delivery")


def lived(name: str, **told: Any) -> Offer:
    """An offer with 100 sales of the last hour; `told` is what became of them."""
    offer = make_offer(name=name)
    at = slot_of(timezone.now() - timedelta(hours=1))
    OfferSlot.objects.create(offer=offer, starts_at=at, event_name="Purchase", currency="USD", approved=100)
    TellingSlot.objects.create(
        offer=offer, pixel=offer.pixel, starts_at=at, tried=100, delays={"2": 100}, **{"with_browser": 100, **told}
    )
    return offer


def text_of(client: Client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_the_worst_offer_stands_on_top(client: Client):
    lived("A good one", accepted=100, with_ttclid=100)
    lived("Z bad one", accepted=60, dead=40, reasons={"invalid": 40})

    page = text_of(client, OVERVIEW)

    assert page.index("Z bad one") < page.index("A good one")
    assert "60 %" in page


def test_a_column_sorts_and_a_name_is_searched(client: Client):
    lived("One", accepted=100, retried=1)
    lived("Two", accepted=60, dead=40, retried=0)

    rows = client.get(OVERVIEW, {"sort": "retries"}).context["rows"]

    assert [">One<" in rows[0][0][1], ">Two<" in rows[1][0][1]] == [True, True]
    assert len(client.get(OVERVIEW, {"q": "t\x00w"}).context["rows"]) == 1
    assert "Nothing has this in its name." in text_of(client, f"{OVERVIEW}?q=three")


def test_an_offer_shows_each_number_with_target_rows_and_where_to_look(client: Client):
    offer = lived("Bad", accepted=60, dead=40, reasons={"invalid": 40})
    make_credential(offer.pixel, activated_at=timezone.now() - timedelta(days=91))
    make_delivery(make_conversion(make_click(offer)), status=Delivery.Status.DEAD, reason="invalid")
    ScaleDecision.objects.create(
        offer=offer, verdict="hold", reasons=[{"title": "Too little is accepted", "words": "60 of 100."}],
        decided_at=timezone.now(), looked_at=timezone.now(),
    )  # fmt: skip

    page = client.get(f"{OVERVIEW}offer/{offer.pk}/")
    cards = {card["target"].name: card for card in page.context["cards"]}
    facts = {line["fact"].name: line["fact"] for line in page.context["facts"]}
    text = " ".join(page.content.decode().split())

    assert cards["acceptance"]["is_off"]
    assert not cards["retries"]["is_off"]
    assert "figure=dead" in cards["acceptance"]["rows"][2]
    assert f"conversion__offer__id__exact={offer.pk}" in cards["acceptance"]["look_url"]
    assert (facts["dead"].shown, facts["dead"].tone) == ("1", "warn")
    assert (facts["credential"].shown, facts["credential"].tone) == ("91 days", "warn")
    assert "Too little is accepted</b>: 60 of 100." in text
    assert "Where to look first:" in text
    assert "Target: 99 % or more; bad: below 95 %." in text


def test_links_are_for_those_who_may_follow_them():
    offer = lived("Bad", accepted=60, dead=40)

    page = staff_client("dispatch.view_health").get(f"{OVERVIEW}offer/{offer.pk}/")

    assert "/admin/dispatch/delivery/" not in page.content.decode()
    assert page.context["cards"][0]["rows"][2] == "40 dead letters"


def test_earlier_decisions_are_for_those_who_may_see_them():
    now, offer = timezone.now(), lived("One")
    ScaleDecision.objects.create(offer=offer, verdict="watch", reasons=[], decided_at=now, looked_at=now)

    pages = [
        text_of(staff_client("dispatch.view_health", *more), f"{OVERVIEW}offer/{offer.pk}/")
        for more in ([], ["dispatch.view_scaledecision"])
    ]

    assert ["May spend be raised?" in page for page in pages] == [True, True]
    assert ["Earlier decisions" in page for page in pages] == [False, True]


def test_where_nothing_was_recorded_the_page_says_so(client: Client):
    offer = make_offer()

    assert "No conversions were recorded in these 72 hours, so there is nothing to judge." in text_of(
        client, f"{OVERVIEW}offer/{offer.pk}/?period=72h"
    )
    assert "Nothing was to be sent in these 24 hours" in text_of(client, f"{OVERVIEW}pixel/{offer.pixel_id}/")
    assert client.get(f"{OVERVIEW}network/{offer.network_id}/?period=nonsense").status_code == 200


def test_too_few_cases_are_not_judged(client: Client):
    offer = make_offer()
    at = slot_of(timezone.now() - timedelta(hours=1))
    TellingSlot.objects.create(offer=offer, pixel=offer.pixel, starts_at=at, accepted=1, dead=2)

    page = client.get(f"{OVERVIEW}offer/{offer.pk}/")

    assert not page.context["cards"][0]["is_off"]
    assert "Fewer than 10 say nothing" in page.content.decode()


def test_what_does_not_exist_is_not_found_and_others_are_kept_out(client: Client):
    assert client.get(f"{OVERVIEW}offer/99999/").status_code == 404
    assert client.get(f"{OVERVIEW}site/1/").status_code == 404
    assert staff_client("dispatch.view_delivery").get(OVERVIEW).status_code == 403
    assert staff_client("dispatch.view_delivery").get(f"{OVERVIEW}offer/1/").status_code == 403


@pytest.mark.parametrize("scope", ["offer", "network", "pixel"])
def test_pages_cost_as_many_queries_for_five_as_for_one(client: Client, scope: str):
    first = lived("First", accepted=99, dead=1, reasons={"invalid": 1})
    make_credential(first.pixel)
    key = {"offer": first.pk, "network": first.network_id, "pixel": first.pixel_id}[scope]
    urls = [f"{OVERVIEW}?scope={scope}", f"{OVERVIEW}{scope}/{key}/?period=30d"]
    [client.get(url) for url in urls]

    for_one = [cost(lambda url=url: client.get(url)) for url in urls]
    for number in range(4):
        offer = lived(f"Offer {number}", accepted=100)
        make_delivery(make_conversion(make_click(offer)))

    assert [cost(lambda url=url: client.get(url)) for url in urls] == for_one
    assert max(for_one) < 30


def cost(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


def test_pages_of_offers_networks_and_pixels_lead_to_their_health():
    offer = make_offer()
    client = staff_client("dispatch.view_health", "offers.view_offer", "offers.view_network", "offers.view_pixel")

    for model, key in [("offer", offer.pk), ("network", offer.network_id), ("pixel", offer.pixel_id)]:
        page = client.get(reverse(f"admin:offers_{model}_change", args=[key])).content.decode()
        assert f'href="{OVERVIEW}{model}/{key}/"' in page
