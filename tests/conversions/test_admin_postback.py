from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from conversions.digest import digest_one
from conversions.models import LedgerEntry, Postback
from conversions.outcomes import Outcome
from conversions.tasks import digest
from tests.conversions.test_admin_conversion import GARBAGE
from tests.factories import make_click, make_conversion, make_network, make_offer, make_postback
from tests.staff import staff_client

LIST = reverse("admin:conversions_postback_changelist")
VIEW = "conversions.view_postback"
REPLAY = "conversions.replay_postback"


def page_of(postback: Postback) -> str:
    return reverse("admin:conversions_postback_change", args=[postback.pk])


class PostbackListTests(TestCase):
    def setUp(self) -> None:
        self.client = staff_client(VIEW)

    def test_shows_the_outcome_in_words(self) -> None:
        digest_one(make_postback(make_network(), {"click_id": "{sub1}"}).pk)

        response = self.client.get(LIST)

        self.assertContains(response, "Macro not replaced")
        self.assertContains(response, "click_id came as {sub1} instead of a value.")

    def test_finds_by_click_and_transaction(self) -> None:
        click = make_click()
        by_reference = make_postback(click.offer.network, {}, click_ref=click.pk)
        by_conversion = make_postback(click.offer.network, {}, conversion=make_conversion(click))
        by_transaction = make_postback(click.offer.network, {}, transaction_id="T-1")

        for term, wanted in ((click.pk, {by_reference, by_conversion}), ("T-1", {by_transaction})):
            with self.subTest(term=term):
                assert set(self.client.get(LIST, {"q": term}).context["cl"].result_list) == wanted

    def test_survives_garbage_in_the_search(self) -> None:
        for term in GARBAGE:
            with self.subTest(term=term[:20]):
                assert self.client.get(LIST, {"q": term.encode("utf-8", "replace")}).status_code == 200

    def test_filters_by_outcome_and_network(self) -> None:
        failed = make_postback(make_network(), {}, outcome=Outcome.FAILED)
        other = make_postback(make_network(), {})

        for query, wanted in (
            ({"outcome__exact": "failed"}, failed),
            ({"network__id__exact": str(other.network_id)}, other),
        ):
            assert list(self.client.get(LIST, query).context["cl"].result_list) == [wanted]

    def test_costs_no_query_per_row(self) -> None:
        make_postback(make_network(), {})
        with CaptureQueriesContext(connection) as for_one:
            self.client.get(LIST)
        for _ in range(5):
            make_postback(make_network(), {}, conversion=make_conversion())

        with self.assertNumQueries(len(for_one)):
            self.client.get(LIST)

    def test_is_closed_to_others_and_to_changes(self) -> None:
        postback = make_postback(make_network(), {})
        editor = staff_client(VIEW, "conversions.change_postback", "conversions.delete_postback")

        assert staff_client("conversions.view_click").get(LIST).status_code == 403
        assert editor.post(page_of(postback), {"outcome": "recorded"}).status_code == 403


class PostbackPageTests(TestCase):
    def test_shows_the_parameters_and_what_to_do(self) -> None:
        conversion = make_conversion()
        params = {"click_id": conversion.click_id, "payout": "1.50", "<script>": "<script>alert(1)</script>"}
        postback = make_postback(
            conversion.offer.network, params, conversion=conversion, outcome=Outcome.UNMAPPED_STATUS
        )

        response = staff_client(VIEW).get(page_of(postback))

        self.assertContains(response, "1.50")
        self.assertContains(response, escape(Outcome.UNMAPPED_STATUS.advice))
        self.assertContains(response, reverse("admin:conversions_conversion_change", args=[conversion.pk]))
        self.assertNotContains(response, "<script>alert(1)</script>")

    def test_shows_the_beginning_of_an_unreadable_call(self) -> None:
        postback = make_postback(make_network(), {}, raw_call="<b>\xff garbage", outcome=Outcome.UNDECODABLE)

        self.assertContains(staff_client(VIEW).get(page_of(postback)), "&lt;b&gt;\xff garbage")


@patch("conversions.admin.inbox_replay.enqueue")
class DigestAgainTests(TestCase):
    def replay(self, *postbacks: Postback, permissions: tuple[str, ...] = (VIEW, REPLAY)) -> Any:
        data = {"action": "digest_again", "_selected_action": [postback.pk for postback in postbacks]}
        return staff_client(*permissions).post(LIST, data, follow=True)

    def test_digests_the_selected_ones_and_no_others(self, enqueue: Any) -> None:
        network = make_network()
        chosen, other = (digest_one(make_postback(network, {"status": "sold!"}).pk) for _ in range(2))
        network.status_map = {"sold!": "approved"}
        network.save()

        response = self.replay(chosen)
        digest()

        outcomes = dict(Postback.objects.values_list("pk", "outcome"))
        assert outcomes == {chosen.pk: Outcome.MISSING_CLICK_ID, other.pk: Outcome.UNMAPPED_STATUS}
        self.assertContains(response, "1 is digested again.")
        enqueue.assert_called_once_with("conversions.tasks.digest")

    def test_digests_them_by_the_clock_that_the_workers_go_by(self, enqueue: Any) -> None:
        postback = digest_one(make_postback(make_network(), {}).pk)
        ahead = timezone.now() + timedelta(minutes=15)

        with patch("conversions.clock.now", return_value=ahead):
            self.replay(postback)

        assert Postback.objects.get().due_at == ahead

    def test_counts_nothing_twice(self, enqueue: Any) -> None:
        click = make_click()
        postback = digest_one(make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1"}).pk)

        self.replay(postback)
        digest()

        conversion = click.conversions.get()
        assert conversion.ledger_entries.count() == 1
        assert Postback.objects.get().outcome == Outcome.RECORDED

    def test_counts_no_repetition_and_no_correction_twice(self, enqueue: Any) -> None:
        for mode, payout in (("count", "5"), ("update", "7"), ("ignore", "7")):
            with self.subTest(mode=mode):
                click = make_click(make_offer(network=make_network(duplicate_mode=mode)))
                params = {"click_id": click.pk, "txid": "T-1", "payout": "5"}
                digest_one(make_postback(click.offer.network, params).pk)
                repetition = digest_one(make_postback(click.offer.network, {**params, "payout": payout}).pk)
                before = list(LedgerEntry.objects.values("pk", "payout", "conversion"))

                self.replay(repetition)
                digest()

                assert list(LedgerEntry.objects.values("pk", "payout", "conversion")) == before
                assert not Postback.objects.due(timezone.now()).exists()

    def test_leaves_calls_that_could_not_be_read(self, enqueue: Any) -> None:
        postback = make_postback(make_network(), {}, outcome=Outcome.REPEATED_PARAMETER)
        Postback.objects.update(due_at=None)

        response = self.replay(postback)

        assert not Postback.objects.due(timezone.now()).exists()
        self.assertContains(response, "the network has to send them again")

    def test_takes_a_foreign_address_only_once_it_is_allowed(self, enqueue: Any) -> None:
        network = make_network(allowed_ips="203.0.113.1")
        postback = make_postback(network, {}, outcome=Outcome.IP_NOT_ALLOWED, remote_ip="198.51.100.9")

        for allowed, outcome in (
            ("203.0.113.1", Outcome.IP_NOT_ALLOWED),
            ("198.51.100.0/24", Outcome.MISSING_CLICK_ID),
        ):
            network.allowed_ips = allowed
            network.save()
            self.replay(postback)
            digest()
            postback.refresh_from_db()
            assert postback.outcome == outcome

    def test_needs_its_own_permission(self, enqueue: Any) -> None:
        postback = digest_one(make_postback(make_network(), {}).pk)

        response = self.replay(postback, permissions=(VIEW, "conversions.change_postback"))

        postback.refresh_from_db()
        assert postback.due_at is None
        self.assertNotContains(response, "digest_again")

    def test_takes_no_more_at_once_than_a_database_can(self, enqueue: Any) -> None:
        network = make_network()
        postbacks = [make_postback(network, {}) for _ in range(3)]
        Postback.objects.update(due_at=None)

        with patch("conversions.admin.inbox_replay.AT_ONCE", 2):
            response = self.replay(*postbacks)

        assert Postback.objects.due(timezone.now()).count() == 2
        self.assertContains(response, "Select the rest and repeat.")
