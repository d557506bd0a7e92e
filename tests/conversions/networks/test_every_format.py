"""What holds for every format, whatever its words: its example, its texts, and what strangers may send to it."""

import pytest

from conversions.models import Conversion, LedgerEntry
from conversions.networks import ADAPTERS
from conversions.outcomes import Outcome
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
