"""A test conversion from the click to TikTok's acceptance, on the roads that visitors and networks take."""

from datetime import timedelta

import pytest

from conversions.models import Click, Conversion, Postback
from conversions.tasks import digest
from dispatch import clock
from dispatch.models import Delivery, TestConversion
from dispatch.tasks import deliver, sweep
from dispatch.test_conversions.running import CannotTestError, advance, start
from dispatch.test_conversions.stages import State, stage_of, verdict_of
from dispatch.tiktok.sandbox import Sandbox
from offers.models import EventRule, Offer
from tests.factories import make_network

pytestmark = pytest.mark.django_db(transaction=True)


def run_to_its_end(offer: Offer) -> TestConversion:
    run = start(offer, None, clock.now())
    digest()
    deliver()
    return advance(run.pk, clock.now())


def states(run: TestConversion) -> dict[str, str]:
    return {stage["name"]: stage["state"] for stage in run.stages}


def test_passes_every_stage_where_all_is_well(offer: Offer, sandbox: Sandbox):
    run = run_to_its_end(offer)

    assert set(states(run).values()) == {State.PASSED}, run.stages
    assert (run.passed, verdict_of(run)[:15]) == (True, "The test passed")
    assert {event["event"] for event in sandbox.events()} == {"ViewContent", "Purchase"}
    assert {event["test"] for event in sandbox.events()} == {"TEST123"}


def test_says_what_each_leg_told(offer: Offer, sandbox: Sandbox):
    run = run_to_its_end(offer)

    page, sale = stage_of(run, "comparison")["events"]
    assert (page["event"], page["note"], page["ok"]) == ("ViewContent", "", True)
    assert {row["what"]: row["pixel"] for row in page["rows"]}["Value"] == 19.9
    assert (sale["event"], sale["rows"][0]["pixel"]) == ("Purchase", "")
    assert sale["note"].startswith("No page tells")


def test_everything_that_it_makes_is_marked(offer: Offer, sandbox: Sandbox):
    run_to_its_end(offer)

    for model in (Click, Conversion, Postback, Delivery):
        assert set(model.objects.values_list("is_test", flat=True)) == {True}


def test_fails_where_the_legs_differ(offer: Offer, sandbox: Sandbox):
    run = start(offer, None, clock.now())
    Conversion.objects.filter(event_name="ViewContent").update(page_value="5.00")
    digest()
    deliver()

    run = advance(run.pk, clock.now())

    assert (run.passed, states(run)["comparison"]) == (False, State.FAILED)
    assert "ViewContent: Value differs" in verdict_of(run)


def test_a_second_run_is_no_duplicate_of_the_first(offer: Offer, sandbox: Sandbox):
    runs = [run_to_its_end(offer) for _ in range(2)]

    assert [run.passed for run in runs] == [True, True]


@pytest.mark.parametrize("status", ["pending", "rebill", "upsell"])
def test_reports_what_the_offer_has_rules_for(offer: Offer, sandbox: Sandbox, status: str):
    EventRule.objects.create(offer=offer, trigger=status, event_name="Lead", network_event="trial")

    run = run_to_its_end(offer)

    assert run.passed, run.stages
    assert {event["event"] for event in sandbox.events()} == {"ViewContent", "Lead", "Purchase"}


def test_an_offer_of_pages_only_skips_what_a_network_does(offer: Offer, sandbox: Sandbox):
    offer.event_rules.filter(trigger="approved").delete()

    run = run_to_its_end(offer)

    assert run.passed
    assert (states(run)["postback"], states(run)["digest"]) == (State.SKIPPED, State.SKIPPED)


def test_an_offer_of_the_pixel_only_tells_the_server_nothing(offer: Offer, sandbox: Sandbox):
    Offer.objects.filter(pk=offer.pk).update(tracking_mode="pixel")

    run = run_to_its_end(Offer.objects.get(pk=offer.pk))

    assert (run.passed, states(run)["delivery"], sandbox.events()) == (True, State.SKIPPED, [])


class TestRefusals:
    """Why no test is run at all, in words that say what to do."""

    def words(self, offer: Offer) -> str:
        with pytest.raises(CannotTestError) as caught:
            start(Offer.objects.get(pk=offer.pk), None, clock.now())
        return str(caught.value)

    def test_without_a_code(self, offer: Offer):
        offer.pixel.test_event_code = ""
        offer.pixel.save()

        assert "enter it on the pixel's page" in self.words(offer)
        assert not Click.objects.exists()

    def test_of_an_inactive_offer(self, offer: Offer):
        Offer.objects.update(is_active=False)

        assert "inactive" in self.words(offer)

    def test_without_rules(self, offer: Offer):
        offer.event_rules.all().delete()

        assert "no event rule" in self.words(offer)

    def test_while_another_one_runs(self, offer: Offer):
        start(offer, None, clock.now())

        assert "running already" in self.words(offer)


class TestFailures:
    """Each ends the run, and says why."""

    def failed_at(self, run: TestConversion, name: str) -> str:
        assert (run.passed, states(run)[name]) == (False, State.FAILED), run.stages
        assert State.WAITING not in states(run).values()
        words: str = stage_of(run, name)["words"]
        return words

    def test_when_no_worker_comes(self, offer: Offer):
        run = start(offer, None, clock.now())

        early = advance(run.pk, run.started_at + timedelta(seconds=59))
        late = advance(run.pk, run.started_at + timedelta(seconds=60))

        assert (early.ended_at, states(early)["digest"]) == (None, State.RUNNING)
        assert "The workers did not digest the postback within 60 seconds" in self.failed_at(late, "digest")

    def test_without_anybody_watching(self, offer: Offer, sandbox: Sandbox):
        run = start(offer, None, clock.now() - timedelta(minutes=2))

        sweep()

        run.refresh_from_db()
        self.failed_at(run, "digest")

    def test_when_tiktok_refuses_the_credential(self, offer: Offer, sandbox: Sandbox):
        sandbox.set_mode("code", code=40105)

        run = run_to_its_end(offer)

        assert "refused" in self.failed_at(run, "delivery")
        assert Delivery.objects.filter(status="waiting").count() == 0

    def test_when_the_network_can_not_sign(self, offer: Offer):
        offer.network = make_network(adapter="generic_hmac")
        offer.save()

        run = start(offer, None, clock.now())

        assert "signing key" in self.failed_at(run, "postback")

    def test_when_the_link_loses_the_click_id(self, offer: Offer):
        offer.offer_url = "https://network.example/offer"
        offer.save()

        run = start(offer, None, clock.now())

        assert "{click_id}" in self.failed_at(run, "outbound")

    def test_when_the_network_is_inactive(self, offer: Offer):
        offer.network.is_active = False
        offer.network.save()

        run = start(offer, None, clock.now())

        assert "404" in self.failed_at(run, "postback")
