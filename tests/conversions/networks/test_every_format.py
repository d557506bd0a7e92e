"""What holds for every format, whatever its words: its example and its texts."""

from collections.abc import Callable

import pytest

from conversions.click_ids import new_click_id
from conversions.models import Conversion, LedgerEntry
from conversions.networks import ADAPTERS
from conversions.networks.record import PostbackRefusedError
from conversions.networks.values import read_status
from conversions.outcomes import Outcome
from offers.models import Network
from offers.models.network import PostbackStatus
from tests.conversions.networks.support import KEY, click_of, digested

pytestmark = pytest.mark.django_db
every_format = pytest.mark.parametrize("name", ADAPTERS)


@every_format
def test_its_example_makes_an_approved_conversion(name: str):
    click = click_of(name)
    network = click.offer.network

    postback = digested(network, ADAPTERS[name].example(network, click.pk, KEY))

    assert (postback.outcome, postback.detail) == (Outcome.RECORDED, "")
    assert Conversion.objects.get().status == Conversion.Status.APPROVED


@every_format
def test_its_example_is_answered_as_the_network_expects(name: str):
    click = click_of(name)
    network = click.offer.network

    postback = digested(network, ADAPTERS[name].example(network, click.pk, KEY))

    assert (postback.answer.status_code, postback.answer.content.decode()) == (200, f"{ADAPTERS[name].FORMAT.reply}\n")


@every_format
def test_its_example_sent_twice_makes_no_second(name: str):
    click = click_of(name)
    network = click.offer.network

    for _ in range(2):
        postback = digested(network, ADAPTERS[name].example(network, click.pk, KEY))

    assert postback.outcome == Outcome.DUPLICATE
    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (1, 1)


@every_format
def test_its_texts_are_for_people(name: str):
    known = ADAPTERS[name].FORMAT

    assert known.label
    assert known.help.endswith(".")
    assert known.key_help.endswith(".") == known.is_signed


@every_format
def test_its_preset_fits_a_network(name: str):
    known = ADAPTERS[name].FORMAT
    network = Network(
        name="A network", slug="a-network", adapter=name, macros=dict(known.macros), reply=known.reply,
        link_parameter=known.link_parameter, status_map=dict(known.status_words),
    )  # fmt: skip

    network.full_clean()

    assert len(new_click_id()) <= known.sub_id_limit


@every_format
def test_its_macros_stand_for_parameters_that_it_reads(name: str):
    assert {ours.casefold() for ours in ADAPTERS[name].FORMAT.macros} <= ADAPTERS[name].CRITICAL


@every_format
@pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title, "  {}\n".format])
def test_its_status_words_are_known_in_any_case(name: str, spelling: Callable[[str], str]):
    network = Network(adapter=name)

    for word, status in ADAPTERS[name].FORMAT.status_words.items():
        assert status in PostbackStatus.values
        assert meaning(spelling(word), network) == meaning(word, network) != Outcome.UNMAPPED_STATUS


def meaning(word: str, network: Network) -> object:
    try:
        return read_status(word, network)
    except PostbackRefusedError as refused:
        return refused.outcome
