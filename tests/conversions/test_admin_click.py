from unittest.mock import patch

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click
from offers.admin_parts import CappedPaginator
from tests.conversions.test_admin_conversion import GARBAGE
from tests.factories import make_click, make_conversion, make_offer
from tests.staff import staff_client

LIST = reverse("admin:conversions_click_changelist")
VIEW = "conversions.view_click"


def page_of(click: Click) -> str:
    return reverse("admin:conversions_click_change", args=[click.pk])


class ClickListTests(TestCase):
    def setUp(self) -> None:
        self.client = staff_client(VIEW)

    def found(self, **query: str) -> list[Click]:
        return list(self.client.get(LIST, query, follow=True).context["cl"].result_list)

    def test_lists_the_newest_first(self) -> None:
        first, second = make_click(), make_click()

        assert self.found() == [second, first]

    def test_finds_by_click_id_and_ttclid(self) -> None:
        wanted = make_click(ttclid="E.C.P.wanted")
        make_click(ttclid="E.C.P.other")

        for term in (wanted.pk, wanted.pk.upper(), "E.C.P.wanted"):
            with self.subTest(term=term):
                assert self.found(q=term) == [wanted]

    def test_survives_garbage_in_the_search(self) -> None:
        make_click()

        for term in GARBAGE:
            with self.subTest(term=term[:20]):
                assert self.client.get(LIST, {"q": term.encode("utf-8", "replace")}).status_code == 200

    def test_filters(self) -> None:
        plain = make_click(ttclid="", consent="denied")
        other = make_click()

        assert self.found(ttclid="no") == self.found(consent__exact="denied") == [plain]
        assert self.found(ttclid="yes") == self.found(offer__id__exact=str(other.offer_id)) == [other]
        assert self.found(ttclid="nonsense") == [other, plain]

    def test_costs_no_query_per_row(self) -> None:
        offer = make_offer()
        make_click(offer)
        with CaptureQueriesContext(connection) as for_one:
            self.client.get(LIST)
        for _ in range(5):
            make_click(offer)

        with self.assertNumQueries(len(for_one)):
            self.client.get(LIST)

    def test_never_counts_the_whole_table(self) -> None:
        for _ in range(3):
            make_click()

        with patch.object(CappedPaginator, "cap", 2), CaptureQueriesContext(connection) as queries:
            response = self.client.get(LIST)

        counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
        assert len(counts) == 1
        assert "LIMIT 2" in counts[0]
        self.assertContains(response, "or more. Older ones are found by search and filters.")

    def test_is_closed_to_others_and_to_changes(self) -> None:
        click = make_click()
        editor = staff_client(VIEW, "conversions.change_click", "conversions.delete_click")

        assert staff_client("conversions.view_postback").get(LIST).status_code == 403
        assert editor.post(page_of(click), {"ttclid": "x"}).status_code == 403

    def test_tells_robots_from_visitors(self) -> None:
        visitor, bot, prefetcher = make_click(), make_click(robot="bot"), make_click(robot="prefetch")

        assert self.found(robots="none") == [visitor]
        assert self.found(robots="any") == [prefetcher, bot]
        assert self.found(robots="bot") == [bot]
        assert self.found(robots="nonsense") == [prefetcher, bot, visitor]
        self.assertContains(self.client.get(LIST), "Prefetcher")


class ClickPageTests(TestCase):
    def test_shows_the_answers_with_who_told_them(self) -> None:
        click = make_click(make_offer(consent_required=True), country="DE")
        record_answer(click.pk, "granted", "banner", "https://landing.example/?a=1", timezone.now())
        record_answer(click.pk, "denied", "cookie settings", "https://landing.example/privacy", timezone.now())

        page = self.page(click)

        for text in ("Withdrawn", "Granted", "banner", "cookie settings", "landing.example/privacy", "No: refused"):
            with self.subTest(text=text):
                assert text in page

    def test_says_whether_tiktok_may_be_told(self) -> None:
        asked = make_offer(consent_required=True)
        for fields, words in (
            ({"offer": asked}, "Not before they agree"),
            ({"offer": asked, "robot": "bot", "consent": "granted"}, "No: it is a robot"),
            ({"erased_at": timezone.now()}, "Somebody asked for this visitor"),
            ({"capped_offer": make_offer(name="Full one")}, "Full one</a>, whose cap was reached"),
            ({"offer": make_offer(limited_data_places="US-CA"), "country": "US", "region": "CA"}, "US, CA"),
        ):
            with self.subTest(words=words):
                assert words in self.page(make_click(**fields))

    def test_says_which_identifiers_are_there_and_never_what_they_are(self) -> None:
        offer = make_offer(send_email=True, send_external_id=True)
        digests = {"email_sha256": "a1" * 32, "phone_sha256": "b2" * 32}
        page = self.page(make_click(offer, **digests))

        assert "“Send hashed phone number” is not ticked" in page
        assert "The digest of the click id, in its place." in page
        assert not [digest for digest in digests.values() if digest in page]

    def page(self, click: Click) -> str:
        return staff_client(VIEW).get(page_of(click)).content.decode()

    def test_shows_the_ad_the_visitor_and_the_conversions(self) -> None:
        url = "https://landing.example/?ad_id=7&adgroup_id=__AID__"
        click = make_click(campaign_id="c-1", utm_source="tiktok", consent="granted", landing_url=url)
        conversion = make_conversion(click, transaction_id="T-1")

        response = staff_client(VIEW).get(page_of(click))

        own = str(conversion.event_id)
        for text in ("c-1", "tiktok", "Granted", "198.51.100.7", "T-1", ">adgroup_id=__AID__<", own):
            with self.subTest(text=text):
                self.assertContains(response, text)

    def test_escapes_what_strangers_sent(self) -> None:
        evil = "<script>alert(1)</script>"
        click = make_click(user_agent=evil, ttclid=evil, referrer=evil, utm_source=evil, utm_campaign=evil, ttp=evil)

        for url in (page_of(click), LIST):
            with self.subTest(url=url):
                self.assertNotContains(staff_client(VIEW).get(url), evil)
