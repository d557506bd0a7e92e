"""The digest as a task of the workers."""

from typing import Any

import pytest
from django_q.models import OrmQ

from conversions import tasks
from conversions.models import Postback
from conversions.seats import seat
from conversions.wake import DIGEST
from tests.factories import make_network, make_postback

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_seats(settings: Any, tmp_path: Any) -> None:
    settings.STATE_DIR, settings.WORKERS = tmp_path, 2


def test_everything_due_is_digested_batch_after_batch(monkeypatch: pytest.MonkeyPatch):
    network = make_network()
    for _ in range(3):
        make_postback(network, {})

    assert tasks.digest() == 3

    assert not tasks.has_due_postbacks()


def test_a_second_digest_leaves_its_worker_free_for_sending():
    make_postback(make_network(), {})

    with seat("digest", 1):
        assert tasks.digest() == 0

    assert Postback.objects.get().due_at


def test_what_a_turn_did_not_reach_is_gone_on_with(monkeypatch: pytest.MonkeyPatch):
    make_postback(make_network(), {})
    monkeypatch.setattr(tasks, "digest_for_a_turn", lambda: 1)

    tasks.digest()

    assert [row.func() for row in OrmQ.objects.all()] == [DIGEST]
