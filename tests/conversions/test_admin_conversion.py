import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from conversions.digest import digest_one
from conversions.models import Conversion, Sighting
from dispatch.models import Delivery, DeliveryAttempt
from tests.factories import call_page_event, make_click, make_conversion, make_delivery, make_offer, make_postback
from tests.staff import staff_client

LIST = reverse("admin:conversions_conversion_changelist")
VIEW = "conversions.view_conversion"
GARBAGE = ["nonsense", "\x00", "%", "'; DROP TABLE x; --", "x" * 5000, "0" * 32, "{}", "١٢٣", "\ud800", "-1", "1e999"]


def page_of(conversion: Conversion) -> str:
    return reverse("admin:conversions_conversion_change", args=[conversion.pk])


def make_attempt(delivery: Delivery, **fields: Any) -> DeliveryAttempt:
    defaults: dict[str, Any] = {"request": uuid.uuid4(), "batch_size": 1, "started_at": timezone.now()}
    defaults |= {"duration_ms": 231, "verdict": "accepted", "http_status": 200, "code": 0, "message": "OK"}
    return DeliveryAttempt.objects.create(delivery=delivery, **{**defaults, **fields})


class ConversionListTests(TestCase):
    def setUp(self) -> None:
        self.client = staff_client(VIEW)

    def found(self, **query: str) -> list[Conversion]:
        response = self.client.get(LIST, query, follow=True)
        assert response.status_code == 200, query
        return list(response.context["cl"].result_list)

    def test_shows_event_status_value_and_what_tiktok_was_told(self) -> None:
        make_delivery(make_conversion(payout=Decimal("12.50")), status="dead")

        response = self.client.get(LIST)

        for text in ("Purchase", "Approved", "12.50\xa0USD", "Dead letter"):
            self.assertContains(response, text)

    def test_says_when_nothing_is_decided_or_told_yet(self) -> None:
        make_conversion()
        make_conversion(planned_at=timezone.now())

        response = self.client.get(LIST)

        self.assertContains(response, "To be decided")
        self.assertContains(response, "Nothing to tell yet")

    def test_finds_by_each_id(self) -> None:
        wanted = make_conversion(transaction_id="T-1")
        make_conversion(transaction_id="T-2")

        for term in (str(wanted.event_id), wanted.event_id.hex, wanted.click_id, wanted.click_id.upper(), " T-1 "):
            with self.subTest(term=term):
                assert self.found(q=term) == [wanted]

    def test_survives_garbage_in_the_search(self) -> None:
        make_conversion()

        for term in GARBAGE:
            with self.subTest(term=term[:20]):
                assert self.client.get(LIST, {"q": term.encode("utf-8", "replace")}).status_code == 200

    def test_filters(self) -> None:
        lead = make_conversion(event_name="Lead", status="pending")
        other = make_conversion()

        assert self.found(event="Lead") == [lead]
        assert self.found(status__exact="pending") == [lead]
        assert self.found(offer__id__exact=str(other.offer_id)) == [other]
        assert self.found(created_at_from_0="2999-01-01") == []
        assert self.found(created_at_to_0="2000-01-01", created_at_to_1="12:00:00") == []
        assert self.found(created_at_from_0="2000-01-01") == [other, lead]

    def test_survives_garbage_in_the_filters(self) -> None:
        make_conversion()

        for name in (
            "event",
            "status__exact",
            "offer__id__exact",
            "created_at_from_0",
            "created_at_to_1",
            "p",
            "o",
            "x",
        ):
            for value in ("nonsense", "-1", "9" * 30, "'"):
                with self.subTest(name=name, value=value):
                    assert self.client.get(LIST, {name: value}, follow=True).status_code == 200

    def test_costs_no_query_per_row(self) -> None:
        make_delivery()
        with CaptureQueriesContext(connection) as for_one:
            self.client.get(LIST)
        offer = make_offer()
        for _ in range(5):
            make_delivery(make_conversion(make_click(offer)))

        with self.assertNumQueries(len(for_one)):
            self.client.get(LIST)

    def test_is_closed_to_others_and_to_changes(self) -> None:
        conversion = make_conversion()
        everything = staff_client(*(f"conversions.{verb}_conversion" for verb in ("view", "add", "change", "delete")))

        assert staff_client("conversions.view_click").get(LIST).status_code == 403
        for url in (page_of(conversion), reverse("admin:conversions_conversion_add")):
            assert everything.post(url, {"status": "refunded"}).status_code == 403
        delete = reverse("admin:conversions_conversion_delete", args=[conversion.pk])
        assert everything.post(delete, {"post": "yes"}).status_code == 403

    def test_says_what_to_do_first_when_it_is_empty(self) -> None:
        self.assertContains(self.client.get(LIST), "There are no conversions yet.")


class ConversionPageTests(TestCase):
    def setUp(self) -> None:
        self.client = staff_client(VIEW)

    def test_tells_the_whole_story_on_one_page(self) -> None:
        click = make_click(ttclid="E.C.P." + "a" * 500, ip="198.51.100.7", ad_id="ad-77")
        params = {"click_id": click.pk, "payout": "12.50", "txid": "T-1", "status": "approved"}
        postback = digest_one(make_postback(click.offer.network, params).pk)
        conversion = Conversion.objects.get()
        make_attempt(make_delivery(conversion, status="accepted", accepted_at=timezone.now()), request_id="R-42")

        response = self.client.get(page_of(conversion))

        facts = [
            "Sale approved",
            "12.50\xa0USD",
            f"Postback {postback.pk}",
            "Recorded",
            "Accepted",
            "R-42",
            "TikTok took it",
        ]
        for text in [*facts, click.pk, "198.51.100.7", "ad-77", str(conversion.event_id), "E.C.P.aaaa"]:
            with self.subTest(text=text):
                self.assertContains(response, text)
        self.assertNotContains(response, "a" * 100)

    def test_shows_both_legs_and_what_the_page_said(self) -> None:
        offer = make_offer([{"trigger": "page", "event_name": "Lead"}])
        said = {"value": "12.5", "currency": "EUR", "contents": [{"content_id": "lamp", "price": 12.5}]}
        conversion = call_page_event(make_click(offer), "Lead", said=said)
        self.assertContains(self.client.get(page_of(conversion)), "Pixel not heard of")

        for outcome, detail in (("blocked", "no <b>script</b>"), ("fired", "")):
            Sighting.objects.create(conversion=conversion, outcome=outcome, detail=detail, created_at=timezone.now())
        page = self.client.get(page_of(conversion)).content.decode()

        for text in ("Pixel fired", "Pixel blocked", "no &lt;b&gt;script", "12.50\xa0EUR", "lamp&quot;, &quot;price"):
            with self.subTest(text=text):
                assert text in page

    def test_says_where_the_offer_has_no_pixel_leg(self) -> None:
        conversion = make_conversion(make_click(make_offer(tracking_mode="server")))

        self.assertContains(self.client.get(page_of(conversion)), "This offer does not use the Pixel.")

    def test_counts_the_clicks_own_identifiers_and_shows_none(self) -> None:
        digest = "c3" * 32
        conversion = make_conversion(make_click(make_offer(send_email=True), robot="bot", email_sha256=digest))

        response = self.client.get(page_of(conversion))

        self.assertContains(response, "No, TikTok may not be told of this visitor.")
        self.assertContains(response, "Bot")
        self.assertNotContains(response, digest)

    def test_says_why_it_was_not_sent_and_what_to_do(self) -> None:
        delivery = make_delivery(status="dead", reason="invalid", detail="40002: value is missing")

        response = self.client.get(page_of(delivery.conversion))

        words = f"{delivery.get_reason_display()}. 40002: value is missing. {delivery.advice}"
        self.assertContains(response, escape(words))

    def test_says_that_a_paused_pixel_keeps_it(self) -> None:
        delivery = make_delivery()
        delivery.pixel.pause("staff", "x", timezone.now())

        self.assertContains(self.client.get(page_of(delivery.conversion)), "The pixel is paused.")

    def test_says_what_is_not_there_yet(self) -> None:
        response = self.client.get(page_of(make_conversion()))

        self.assertContains(response, "The workers decide within seconds")
        self.assertContains(response, "The network has not called for this conversion so far.")

    def test_costs_no_query_per_attempt_or_entry(self) -> None:
        delivery = make_delivery()
        make_attempt(delivery)
        page = page_of(delivery.conversion)
        self.client.get(page)
        with CaptureQueriesContext(connection) as for_one:
            self.client.get(page)
        for _ in range(5):
            make_attempt(delivery)

        with self.assertNumQueries(len(for_one)):
            self.client.get(page)

    def test_escapes_what_strangers_sent(self) -> None:
        evil = "<script>alert(1)</script>"
        click = make_click(user_agent=evil, ttclid=evil, referrer=evil)
        conversion = make_conversion(click, transaction_id=evil, page_url=evil, network_event=evil)
        make_postback(click.offer.network, {}, conversion=conversion, detail=evil, transaction_id=evil)
        make_attempt(
            make_delivery(conversion, detail=evil, reason="invalid", status="dead"), message=evil, request_id=evil
        )

        for url in (page_of(conversion), LIST):
            with self.subTest(url=url):
                self.assertNotContains(self.client.get(url), evil)

    def test_a_garbage_id_leads_away_without_an_error(self) -> None:
        for key in ("0", "nonsense", "9" * 40):
            url = reverse("admin:conversions_conversion_change", args=[key])
            assert self.client.get(url).status_code == 302
