"""Words that nobody has mapped: one line each, mapped once, and all that waited is digested again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversions import unmapped
from conversions.digest import digest_one
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from conversions.unmapped import MappedMeanwhileError, map_word, replay_mapped, unmapped_words
from offers.models import Network
from offers.models.network import PostbackStatus
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_network, make_postback

pytestmark = pytest.mark.django_db


def waits(network: Network, word: str, **fields: Any) -> Postback:
    return digest_one(make_postback(network, {"status": word, "txid": "T-1"}, **fields).pk)


def test_every_spelling_of_a_word_is_one_line():
    network, now = make_network(), timezone.now()
    waits(network, "Sold!", received_at=now - timedelta(days=2))
    latest = waits(network, "SOLD!", received_at=now)
    waits(network, "sold!", received_at=now - timedelta(days=1))

    line = unmapped_words()[0]

    assert (line.word, line.count, line.example) == ("SOLD!", 3, latest.pk)
    assert (line.first, line.last) == (now - timedelta(days=2), now)


def test_networks_and_words_have_lines_of_their_own_the_most_wanted_first():
    one, other = make_network(name="One"), make_network(name="Other")
    for network, word in ((one, "storno"), (other, "sold!"), (other, "storno"), (other, "storno")):
        waits(network, word)

    lines = [(line.network, line.word, line.count) for line in unmapped_words()]

    assert lines == [(other, "storno", 2), (one, "storno", 1), (other, "sold!", 1)]


def test_what_is_to_be_digested_again_waits_for_nobody():
    network = make_network()
    waits(network, "sold!")
    Postback.objects.update(due_at=timezone.now())

    assert unmapped_words() == []


def test_one_that_came_before_words_were_kept_has_a_line_without():
    waits(make_network(), "sold!")
    Postback.objects.update(status_word="")

    assert [line.word for line in unmapped_words()] == [""]


def test_counts_no_more_than_can_be_counted_quickly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unmapped, "COUNTED", 2)
    network = make_network()
    for _ in range(3):
        waits(network, "sold!")

    assert [line.count for line in unmapped_words()] == [2]


def test_a_mapped_word_brings_its_sales_in():
    click = make_click()
    network = click.offer.network
    for number, word in enumerate(("Sold!", "SOLD!", "storno")):
        digest_one(make_postback(network, {"click_id": click.pk, "txid": f"T-{number}", "status": word}).pk)

    count, is_all = replay_mapped(map_word(network.pk, "sold!", PostbackStatus.APPROVED))
    digest_everything()

    assert (count, is_all) == (2, True)
    assert Conversion.objects.filter(status="approved").count() == 2
    assert [line.word for line in unmapped_words()] == ["storno"]


def test_a_long_word_is_mapped_by_what_is_kept_of_it():
    click = make_click()
    network, word = click.offer.network, "Sold " + "and sold again " * 10
    digest_one(make_postback(network, {"click_id": click.pk, "txid": "T-1", "status": word}).pk)

    replay_mapped(map_word(network.pk, unmapped_words()[0].word, PostbackStatus.APPROVED))
    digest_everything()

    assert Conversion.objects.get().status == "approved"


def test_a_word_may_mean_nothing_at_all():
    postback = waits(make_network(), "Trial started")

    replay_mapped(map_word(postback.network_id, "Trial started", PostbackStatus.IGNORED))
    digest_everything()

    assert Postback.objects.get().outcome == Outcome.IGNORED


def test_the_rest_of_the_map_stays():
    network = make_network(status_map={"1": "approved"})

    map_word(network.pk, " 2 ", PostbackStatus.REJECTED)

    network.refresh_from_db()
    assert network.status_map == {"1": "approved", "2": "rejected"}


def test_somebody_elses_meaning_stands():
    network = make_network(status_map={"SOLD!": "pending"})

    with pytest.raises(MappedMeanwhileError, match="was mapped to “Pending” meanwhile"):
        map_word(network.pk, "sold!", PostbackStatus.APPROVED)

    network.refresh_from_db()
    assert network.status_map == {"SOLD!": "pending"}


def test_the_same_meaning_twice_is_written_once():
    network = make_network(status_map={"SOLD!": "approved"})

    mapped = map_word(network.pk, "sold!", PostbackStatus.APPROVED)

    assert mapped.status_map == {"SOLD!": "approved"}
