from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.models import Alert, OfferSlot, ScaleDecision, TestConversion
from dispatch.rollups.slots import slot_of
from tests.dispatch.api.support import caller, failure
from tests.factories import make_offer

pytestmark = pytest.mark.django_db


def make_alerts(count: int, **fields: object) -> None:
    now = timezone.now()
    defaults = {"code": "dead_letters", "scope": "site", "tone": "bad", "title": "12 dead letters", "words": "w"}
    times = {"began_at": now, "seen_at": now}
    Alert.objects.bulk_create(Alert(key=f"{len(fields)}-{n}", **{**defaults, **times, **fields}) for n in range(count))


class TestHealth:
    def test_tells_counts_and_figures_of_each_subject_in_the_period(self):
        offer, now = make_offer(), timezone.now()
        OfferSlot.objects.create(offer=offer, starts_at=slot_of(now), clicks=7)
        OfferSlot.objects.create(offer=offer, starts_at=slot_of(now - timedelta(days=3)), clicks=100)

        answer = caller("dispatch.view_health").get("/api/v1/health/offers/?hours=2").json()

        (subject,) = answer["subjects"]
        assert (subject["key"], subject["counts"]["clicks"]) == (offer.slug, 7)
        assert {figure["name"] for figure in subject["figures"]} >= {"acceptance", "match", "duplicates", "gap"}
        assert answer["as_of"] is None

    @pytest.mark.parametrize("scope", ["offers", "networks", "pixels"])
    def test_costs_the_same_for_one_and_for_many(self, scope):
        client, url = caller("dispatch.view_health"), f"/api/v1/health/{scope}/"
        make_offer()
        client.get(url)
        with CaptureQueriesContext(connection) as for_one:
            client.get(url)
        for _ in range(3):
            make_offer()

        with CaptureQueriesContext(connection) as for_four:
            answer = client.get(url)

        assert len(answer.json()["subjects"]) == 4
        assert len(for_four) == len(for_one)

    @pytest.mark.parametrize(
        "query",
        [
            "hours=0", "hours=x", "hours=99999999", "hours=%C2%B2", "since=yesterday", "since=2026-13-45",
            "since=2026-03-02&hours=3", "since=2026-03-02&until=2026-03-01", "since=2001-01-01", "since=0001-01-01",
            "until=9999-12-31T23:59:59%2B00:00", "since=%00",
        ],
    )  # fmt: skip
    def test_a_period_that_is_none_is_refused_in_words(self, query):
        assert failure(caller("dispatch.view_health").get(f"/api/v1/health/offers/?{query}")) == (400, "bad_request")

    def test_a_zone_may_be_named(self):
        query = "since=2026-03-02T12:00:00%2B02:00&until=2026-03-02T13:00:00 02:00"

        answer = caller("dispatch.view_health").get(f"/api/v1/health/offers/?{query}").json()

        assert datetime.fromisoformat(answer["since"]) == datetime(2026, 3, 2, 10, tzinfo=UTC)
        assert datetime.fromisoformat(answer["until"]) == datetime(2026, 3, 2, 11, tzinfo=UTC)


class TestDecisions:
    def test_the_newest_of_each_offer_and_the_history_of_one(self):
        offer, now = make_offer(), timezone.now()
        for verdict in ("raise", "hold"):
            ScaleDecision.objects.create(offer=offer, verdict=verdict, decided_at=now, looked_at=now)
        client = caller("dispatch.view_scaledecision")

        present = client.get("/api/v1/decisions/").json()
        history = client.get(f"/api/v1/decisions/{offer.slug}/").json()["results"]

        assert [(row["offer"], row["verdict"]) for row in present] == [(offer.slug, "hold")]
        assert [row["verdict"] for row in history] == ["hold", "raise"]
        assert failure(client.get("/api/v1/decisions/nothing/")) == (404, "not_found")


class TestWrong:
    def test_findings_are_those_that_the_caller_may_see(self):
        url = "/api/v1/findings/"

        seen = caller("dispatch.view_delivery").get(url).json()

        assert [finding["code"] for finding in seen] == ["workers_stopped"]
        assert seen[0]["runbook"].endswith("#workers_stopped")
        assert caller("offers.view_network").get(url).json() == []
        assert failure(caller().get(url)) == (403, "permission_denied")

    def test_alerts_come_in_pages_the_newest_first(self):
        make_alerts(5)
        client = caller("dispatch.view_alert")

        first = client.get("/api/v1/alerts/?page_size=3").json()
        second = client.get(first["next"]).json()

        keys = [alert["id"] for alert in first["results"] + second["results"]]
        assert keys == sorted(keys, reverse=True)
        assert (len(keys), second["next"]) == (5, None)

    def test_alerts_are_filtered(self):
        make_alerts(2)
        make_alerts(3, ended_at=timezone.now())
        client = caller("dispatch.view_alert")

        assert len(client.get("/api/v1/alerts/?state=open").json()["results"]) == 2
        assert client.get("/api/v1/alerts/?code=no_rate").json()["results"] == []
        assert failure(client.get("/api/v1/alerts/?state=x")) == (400, "bad_request")

    @pytest.mark.parametrize(
        "cursor", ["x", "%C3%BF", b64encode(b"p=abc").decode(), b64encode(b"p=" + b"9" * 40).decode()]
    )
    def test_a_page_that_is_none_is_refused_in_words(self, cursor):
        assert failure(caller("dispatch.view_alert").get(f"/api/v1/alerts/?cursor={cursor}")) == (404, "not_found")


class TestTests:
    URL = "/api/v1/test-conversions/"

    def test_starts_one_and_tells_how_far_it_has_come(self):
        offer = make_offer()
        offer.pixel.test_event_code = "TEST1"
        offer.pixel.save()
        client = caller("dispatch.run_testconversion", "dispatch.view_testconversion")

        started = client.post(self.URL, {"offer": offer.slug}, content_type="application/json")
        answer = client.get(f"{self.URL}{started.json()['id']}/").json()

        assert started.status_code == 201
        assert TestConversion.objects.get().offer == offer
        assert (answer["offer"], answer["click"]) == (offer.slug, started.json()["click"])
        assert [stage["name"] for stage in answer["stages"]]

    def test_says_why_none_can_be_run(self):
        offer, client = make_offer(is_active=False), caller("dispatch.run_testconversion")

        def post(body: object) -> tuple[int, str]:
            return failure(client.post(self.URL, body, content_type="application/json"))

        assert post({"offer": offer.slug}) == (409, "cannot_test")
        assert post({"offer": "nothing"}) == (404, "not_found")
        assert post({}) == post([]) == post({"offer": None}) == (400, "bad_request")
        assert post("{") == (400, "parse_error")

    def test_looking_and_running_are_permissions_of_their_own(self):
        looker, runner = caller("dispatch.view_testconversion"), caller("dispatch.run_testconversion")

        assert failure(looker.post(self.URL, {"offer": "x"})) == (403, "permission_denied")
        assert failure(runner.get(f"{self.URL}1/")) == (403, "permission_denied")
        assert failure(looker.get(f"{self.URL}1/")) == (404, "not_found")
