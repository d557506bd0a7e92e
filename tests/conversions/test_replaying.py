"""Postbacks are digested again, a piece at a time: as sent, without macros, where a word is mapped, with a new key."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from conversions import replaying
from conversions.digest import digest_one
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from conversions.replaying import How, Stretch, replay, replay_all, replay_some, stretches_of, troubled
from conversions.tasks import replay_rest
from offers.models import Network
from tests.conversions.signed import RIGHT, WRONG, correct_key, send_signed, signing_network
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
OTHER_KEYS = ["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMTI="]


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tasks that were put on the queue, each with its arguments."""
    tasks: list[Any] = []
    for module in ("conversions.replaying", "conversions.tasks"):
        monkeypatch.setattr(f"{module}.enqueue", lambda task, *args, **options: tasks.append((task, *args)))
    return tasks


def failed(network: Network, count: int, outcome: str = Outcome.FAILED, **fields: Any) -> list[Postback]:
    rows = [make_postback(network, {}, outcome=outcome, **fields) for _ in range(count)]
    Postback.objects.filter(network=network).update(due_at=None)
    return rows


def due() -> set[int]:
    return set(Postback.objects.due(timezone.now()).values_list("pk", flat=True))


def refused_sale(network: Network, **fields: Any) -> Postback:
    click = make_click(make_offer(network=network))
    return send_signed(network, RIGHT, click_id=click.pk, txid="T-1", payout="5", **fields)


def test_an_old_one_without_a_click_is_looked_for_once():
    old = timezone.now() - timedelta(days=2)
    postback = digest_one(make_postback(make_network(), {"click_id": "x"}, received_at=old).pk)

    replay([postback.pk], timezone.now())

    assert digest_everything() == 1


def test_a_young_one_without_a_click_is_looked_for_as_if_it_were_new():
    postback = digest_one(make_postback(make_network(), {"click_id": "x"}).pk)
    Postback.objects.update(due_at=None, tries=7)

    replay([postback.pk], timezone.now())
    digest_everything()

    assert Postback.objects.unmatched().exists()


class TestMacros:
    def test_without_its_macros_the_offers_payout_stands_in(self):
        click = make_click()
        params = {"click_id": click.pk, "txid": "T-1", "payout": "{payout}"}
        postback = digest_one(make_postback(click.offer.network, params).pk)

        assert replay([postback.pk], timezone.now(), How.WITHOUT_MACROS) == 1
        digest_everything()

        assert Conversion.objects.get().payout == click.offer.payout

    def test_as_sent_it_ends_where_it_was(self):
        postback = digest_one(make_postback(make_network(), {"click_id": "{sub1}"}).pk)

        replay([postback.pk], timezone.now())
        digest_everything()

        assert Postback.objects.get().outcome == Outcome.UNREPLACED_MACRO

    def test_what_has_no_macro_is_left_alone(self):
        other = failed(make_network(), 1)[0]

        assert replay([other.pk], timezone.now(), How.WITHOUT_MACROS) == 0

        other.refresh_from_db()
        assert (other.leaves_out_macros, other.due_at) == (False, None)


class TestSignatures:
    def test_a_call_comes_through_when_the_key_is_corrected(self):
        postback = refused_sale(network := signing_network(WRONG))
        correct_key(network, RIGHT)

        assert replay([postback.pk], timezone.now()) == 1
        digest_everything()

        postback.refresh_from_db()
        assert (postback.outcome, postback.sealed_call.stored) == (Outcome.RECORDED, "")

    def test_a_call_that_is_still_not_proven_stays_sealed(self):
        postback = refused_sale(signing_network(WRONG))

        assert replay([postback.pk], timezone.now()) == 0

        postback.refresh_from_db()
        assert (postback.outcome, bool(postback.sealed_call)) == (Outcome.BAD_SIGNATURE, True)

    def test_a_proven_call_from_a_foreign_address_is_still_refused(self):
        network = signing_network(WRONG, allowed_ips="203.0.113.1")
        postback = refused_sale(network)
        correct_key(network, RIGHT)

        replay([postback.pk], timezone.now())
        digest_everything()

        postback.refresh_from_db()
        assert (postback.outcome, bool(postback.sealed_call)) == (Outcome.IP_NOT_ALLOWED, False)
        assert not Conversion.objects.exists()

    def test_a_call_that_can_not_be_decrypted_says_so(self):
        postback = refused_sale(signing_network(WRONG))

        with override_settings(FIELD_ENCRYPTION_KEYS=OTHER_KEYS):
            assert replay([postback.pk], timezone.now()) == 0

        postback.refresh_from_db()
        assert "FIELD_ENCRYPTION_KEYS" in postback.detail
        assert postback.outcome == Outcome.BAD_SIGNATURE


class TestAllOfAReason:
    @pytest.fixture(autouse=True)
    def _small_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replaying, "PIECE", 2)

    def test_takes_every_piece_of_the_reason_and_no_other(self, queued: list[Any]):
        network = make_network()
        wanted = failed(network, 5) + failed(make_network(), 3)
        failed(network, 1, Outcome.NO_RULE)

        assert replay_all(stretches_of(Outcome.FAILED, None)) == (8, True)

        assert due() == {postback.pk for postback in wanted}
        assert queued == [("conversions.tasks.digest",)]

    def test_takes_one_network_only_when_asked(self, queued: list[Any]):
        wanted, _ = failed(network := make_network(), 3), failed(make_network(), 3)

        replay_all(stretches_of(Outcome.FAILED, network.pk))

        assert due() == {postback.pk for postback in wanted}

    def test_the_workers_go_on_where_the_request_stopped(self, queued: list[Any], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("conversions.tasks.TURN_SECONDS", 0)
        first = stretches_of(Outcome.FAILED, (network := make_network()).pk)
        wanted = failed(network, 5)

        count, left = replay_some(first, seconds=0)
        replaying.hand_over(left)
        while rest := [args for task, *args in queued if task == "conversions.tasks.replay_rest"]:
            queued.clear()
            count += replay_rest(*rest[0])

        assert count == 5
        assert due() == {postback.pk for postback in wanted}

    def test_leaves_what_a_worker_has_settled_meanwhile(self, queued: list[Any]):
        settled, waiting = failed(network := make_network(), 2)
        Postback.objects.filter(pk=settled.pk).update(outcome=Outcome.RECORDED)

        assert replay_all(stretches_of(Outcome.FAILED, network.pk)) == (1, True)

        assert due() == {waiting.pk}

    def test_takes_only_words_that_are_mapped_now(self, queued: list[Any]):
        network = make_network(status_map={"sold!": "approved"})
        mapped = failed(network, 3, Outcome.UNMAPPED_STATUS, status_word="SOLD!")
        failed(network, 2, Outcome.UNMAPPED_STATUS, status_word="storno")

        assert replay_all([Stretch(Outcome.UNMAPPED_STATUS, network.pk, How.WHERE_MAPPED)]) == (3, True)

        assert due() == {postback.pk for postback in mapped}

    def test_reads_a_long_reason_by_its_index(self):
        network = make_network()
        Postback.objects.bulk_create(
            Postback(network=network, received_at=timezone.now(), method="GET", outcome=outcome)
            for outcome in ["recorded"] * 3000 + ["failed"] * 20
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

        piece = troubled(Outcome.FAILED).filter(network=network, pk__lt=10**9).order_by("-pk").values_list("pk")[:500]

        assert "postback_troubled" in piece.explain()


def test_the_queue_carries_a_stretch_as_numbers():
    stretch = Stretch(Outcome.UNREPLACED_MACRO, 7, How.WITHOUT_MACROS, 1234)

    assert Stretch.from_numbers(*stretch.numbers()) == stretch
    assert all(type(number) is int for number in stretch.numbers())
