"""The page of one postback: what it says, and what a person can do there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from conversions.digest import digest_one
from conversions.identity import HIDDEN
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from tests.conversions.signed import RIGHT, WRONG, correct_key, send_signed, signing_network
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_network, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
VIEW, REPLAY, ATTACH = "conversions.view_postback", "conversions.replay_postback", "conversions.attach_postback"


@pytest.fixture
def staff() -> Client:
    return staff_client(VIEW, REPLAY, ATTACH)


def url(name: str, postback: Postback) -> str:
    return reverse(f"admin:conversions_postback_{name}", args=[postback.pk])


def shown(client: Client, postback: Postback) -> str:
    return client.get(url("change", postback)).content.decode()


def lost(click: Any, **params: str) -> Postback:
    sent = {"txid": "T-1", "payout": "5", "click_id": "elsewhere", **params}
    return digest_one(make_postback(click.offer.network, sent).pk)


class TestReplaying:
    def test_digests_at_once_and_tells_the_outcome(self, staff: Client):
        postback = lost(make_click(), status="sold!")
        postback.network.status_map = {"sold!": "approved"}
        postback.network.save()

        response = staff.post(url("replay", postback), follow=True)

        assert "Outcome now: No such click." in response.content.decode()
        assert "Digested again. Outcome: No such click." in response.content.decode()

    def test_leaves_out_what_is_missing(self, staff: Client):
        click = make_click()
        postback = lost(click, click_id=click.pk, payout="{payout}")

        staff.post(url("replay", postback), {"without_macros": "yes"})

        assert Conversion.objects.get().payout == click.offer.payout
        assert Postback.objects.get().leaves_out_macros

    def test_names_what_would_be_left_out(self, staff: Client):
        page = shown(staff, lost(make_click(), payout="{payout}", email=HIDDEN))

        assert "Digest without what is missing" in page
        assert (page.count(">{payout}<"), page.count(f">{HIDDEN}<")) == (2, 1)

    def test_needs_its_permission_and_a_button(self, staff: Client):
        postback = lost(make_click())

        assert staff_client(VIEW).post(url("replay", postback)).status_code == 403
        assert staff.get(url("replay", postback)).status_code == 405
        assert "Digest again" not in shown(staff_client(VIEW), postback)

    def test_one_that_is_gone_is_not_found(self, staff: Client):
        assert staff.post(reverse("admin:conversions_postback_replay", args=[99])).status_code == 404


class TestSignature:
    def test_says_that_a_refused_call_is_sealed_and_can_be_checked_again(self, staff: Client):
        postback = send_signed(signing_network(WRONG), RIGHT, click_id="x", email="jane@example.com")

        page = shown(staff, postback)

        assert "The whole call is kept encrypted" in page
        assert "Check the signature again" in page
        assert "jane@example.com" not in page

    def test_lets_a_call_through_when_the_key_is_corrected(self, staff: Client):
        click = make_click(make_offer(network=signing_network(WRONG)))
        postback = send_signed(click.offer.network, RIGHT, click_id=click.pk, txid="T-1")
        correct_key(click.offer.network, RIGHT)

        staff.post(url("replay", postback))

        assert Conversion.objects.get().click == click
        assert "Good: a signing key of the network proves the call." in shown(staff, postback)

    def test_says_that_nothing_has_changed_when_it_has_not(self, staff: Client):
        postback = send_signed(signing_network(WRONG), RIGHT, click_id="x")

        response = staff.post(url("replay", postback), follow=True)

        assert "Checked again, and nothing has changed. Outcome now: Signature refused." in response.content.decode()

    def test_offers_no_check_of_a_call_that_is_kept_no_more(self, staff: Client):
        postback = send_signed(signing_network(WRONG), RIGHT, click_id="x")
        Postback.objects.update(sealed_call="")

        page = shown(staff, postback)

        assert escape("it can't be checked again") in page
        assert "Check the signature again" not in page

    def test_has_no_line_where_the_format_has_no_signature(self, staff: Client):
        assert "signing key" not in shown(staff, lost(make_click()))


class TestAttaching:
    def test_shows_the_clicks_facts_before_anything_is_done(self, staff: Client):
        click = make_click(utm_campaign="Spring push")
        postback = lost(click)

        response = staff.get(url("attach", postback), {"click": click.pk})

        assert "Spring push" in response.content.decode()
        assert Postback.objects.get().attached_to == ""

    def test_attaches_digests_and_keeps_who_did_it(self, staff: Client):
        click = make_click()
        postback = lost(click)

        response = staff.post(url("attach", postback), {"click": click.pk}, follow=True)

        assert Conversion.objects.get().click == click
        assert f"Attached to click {click.pk}. Outcome now: Recorded." in response.content.decode()
        assert f"Attached to click {click.pk}. Outcome: Recorded." in response.content.decode()

    @pytest.mark.parametrize("typed", ["nonsense", "0" * 26, ""])
    def test_refuses_what_is_no_click(self, staff: Client, typed: str):
        postback = lost(make_click())

        response = staff.post(url("attach", postback), {"click": typed})

        assert response.status_code == 200
        assert ('role="alert"' in response.content.decode()) == bool(typed)
        assert not Conversion.objects.exists()

    def test_suggests_clicks_with_what_they_led_to(self, staff: Client):
        click = make_click()
        for number in range(2):
            digest_one(make_postback(click.offer.network, {"click_id": click.pk, "txid": f"S-{number}"}).pk)

        page = staff.get(url("attach", lost(click))).content.decode()

        assert f"?click={click.pk}" in page
        assert "2 × Purchase: Approved" in page

    def test_says_when_no_click_came(self, staff: Client):
        postback = digest_one(make_postback(make_network(), {"txid": "T-1"}).pk)

        assert escape("No click came to this network's offers") in staff.get(url("attach", postback)).content.decode()

    def test_leads_back_when_it_has_found_its_place(self, staff: Client):
        click = make_click()
        postback = lost(click, click_id=click.pk)

        response = staff.get(url("attach", postback), follow=True)

        assert "there is nothing to attach" in response.content.decode()

    def test_needs_its_permission(self):
        click = make_click()
        postback, other = lost(click), staff_client(VIEW, REPLAY)

        assert other.post(url("attach", postback), {"click": click.pk}).status_code == 403
        assert "Attach it" not in shown(other, postback)


def test_shows_the_conversion_with_its_ledger(staff: Client):
    click = make_click()
    postback = lost(click, click_id=click.pk)

    page = shown(staff, postback)

    assert reverse("admin:conversions_conversion_change", args=[Conversion.objects.get().pk]) in page
    assert "Sale approved" in page


def test_leads_from_an_unmapped_word_to_where_it_is_mapped():
    postback = lost(make_click(), status="sold!")

    page = shown(staff_client(VIEW, "offers.change_network"), postback)

    assert reverse("admin:conversions_postback_unmapped") in page


class TestAllOfAReason:
    def page(self, outcome: str, query: str = "") -> str:
        return reverse("admin:conversions_postback_replay_reason", args=[outcome]) + query

    def test_asks_with_the_count_before_anything_is_done(self, staff: Client):
        postback = lost(make_click(), status="sold!")

        response = staff.get(self.page("unmapped_status", f"?network={postback.network_id}"))

        assert f"“Status not mapped” of {postback.network}: <strong>1</strong>" in response.content.decode()
        assert Postback.objects.get().due_at is None

    def test_has_all_of_them_digested_again(self, staff: Client):
        click = make_click()
        for number in range(3):
            lost(click, click_id=click.pk, txid=f"T-{number}", status="sold!")
        click.offer.network.status_map = {"sold!": "approved"}
        click.offer.network.save()

        response = staff.post(self.page("unmapped_status"), follow=True)
        digest_everything()

        assert "3 are digested again." in response.content.decode()
        assert Conversion.objects.count() == 3

    def test_leaves_macros_out_for_all_that_have_one(self, staff: Client):
        click = make_click()
        for number in range(2):
            lost(click, click_id=click.pk, txid=f"T-{number}", payout="{payout}")

        staff.post(self.page("unreplaced_macro"), {"without_macros": "yes"})
        digest_everything()

        assert [c.payout for c in Conversion.objects.all()] == [click.offer.payout] * 2

    def test_says_when_no_key_proves_anything(self, staff: Client):
        send_signed(signing_network(WRONG), RIGHT, click_id="x")

        response = staff.post(self.page("bad_signature"), follow=True)

        assert "No key of today proves any of them." in response.content.decode()

    def test_says_when_the_workers_go_on(self, staff: Client, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("conversions.replaying.PIECE", 1)
        monkeypatch.setattr("conversions.replaying.time.monotonic", iter(range(0, 10_000, 100)).__next__)
        for number in range(2):
            lost(make_click(), status="sold!", txid=f"T-{number}")

        response = staff.post(self.page("unmapped_status"), follow=True)

        assert "The workers go on with the rest" in response.content.decode()

    @pytest.mark.parametrize("outcome", [Outcome.RECORDED, Outcome.UNDECODABLE, "nonsense"])
    def test_is_not_there_for_what_has_nothing_to_replay(self, staff: Client, outcome: str):
        assert staff.get(self.page(outcome)).status_code == 404

    def test_needs_its_permission(self):
        assert staff_client(VIEW).post(self.page("unmapped_status")).status_code == 403
