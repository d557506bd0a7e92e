"""One sale from the tracking link to TikTok's acceptance, through the real addresses; the tasks are called by hand."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from conversions.models import Click, Conversion, LedgerEntry
from conversions.tasks import digest
from dispatch.models import Delivery
from dispatch.tasks import deliver
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.factories import make_credential, make_offer

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = "ttclid=E.C.P.abc&utm_source=tiktok&utm_campaign=spring"
BROWSER = "Mozilla/5.0 (iPhone)"


@pytest.fixture
def offer() -> Offer:
    offer = make_offer(send_email=True, send_phone=True, send_external_id=True)
    make_credential(offer.pixel)
    return offer


def arrive(client: Client, offer: Offer) -> str:
    """Follow the tracking link; the click id."""
    response = client.get(f"/c/{offer.slug}/?{QUERY}", headers={"user-agent": BROWSER})
    return parse_qs(urlsplit(response["Location"]).query)["click_id"][0]


def report(client: Client, offer: Offer, **params: str):
    return client.get(f"/postback/{offer.network.slug}/{offer.network.secret.reveal()}/", params)


def work() -> None:
    digest()
    deliver()


def test_a_sale_reaches_tiktok_with_everything_the_click_knew(client: Client, offer: Offer, sandbox: Sandbox):
    click_id = arrive(client, offer)

    response = report(
        client, offer, click_id=click_id, txid="T-1", payout="12.50", currency="EUR", status="Approved",
        email=" ALICE_abc@gmail.com ", phone="(+1)2133734253",
    )  # fmt: skip
    work()

    (event,) = sandbox.events()
    conversion = Conversion.objects.get()
    assert response.status_code == 200
    assert (event["event"], event["event_id"]) == ("Purchase", str(conversion.event_id))
    assert event["payload"]["properties"] == {"value": 12.5, "currency": "EUR"}
    assert event["payload"]["page"]["url"] == f"https://landing.example/page?{QUERY}&click_id={click_id}"
    user = event["payload"]["user"]
    assert (user["ttclid"], user["ip"], user["user_agent"]) == ("E.C.P.abc", "127.0.0.1", BROWSER)
    assert user["email"] == ["848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"]
    assert user["phone"] == ["9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"]


def test_a_repeated_postback_is_one_event(client: Client, offer: Offer, sandbox: Sandbox):
    click_id = arrive(client, offer)

    for _ in range(3):
        report(client, offer, click_id=click_id, txid="T-1", payout="12.50", status="approved")
        work()

    assert len(sandbox.events()) == Conversion.objects.count() == LedgerEntry.objects.count() == 1


def test_a_refund_before_its_sale_keeps_both_and_tells_tiktok_nothing(client: Client, offer: Offer, sandbox: Sandbox):
    click_id = arrive(client, offer)

    report(client, offer, click_id=click_id, txid="T-1", payout="12.50", status="refunded")
    work()
    report(client, offer, click_id=click_id, txid="T-1", payout="12.50", status="approved")
    work()

    assert set(LedgerEntry.objects.values_list("kind", flat=True)) == {"refunded", "approved"}
    assert Conversion.objects.get().status == "refunded"
    assert Delivery.objects.get().reason == "taken_back"
    assert sandbox.events() == []


def test_postbacks_that_came_while_nobody_worked_are_delivered_later(client: Client, offer: Offer, sandbox: Sandbox):
    click_ids = [arrive(client, offer) for _ in range(5)]
    for click_id in click_ids:
        report(client, offer, click_id=click_id, txid=click_id, status="approved")

    work()

    assert len(sandbox.events()) == 5
    assert len(sandbox.requests()) == 1


def test_a_pending_sale_is_told_when_it_is_approved(client: Client, offer: Offer, sandbox: Sandbox):
    click_id = arrive(client, offer)
    report(client, offer, click_id=click_id, txid="T-1", status="pending")
    work()
    before = len(sandbox.events())

    report(client, offer, click_id=click_id, txid="T-1", status="approved")
    work()

    assert (before, len(sandbox.events())) == (0, 1)
    assert Click.objects.get().conversions.count() == 1
