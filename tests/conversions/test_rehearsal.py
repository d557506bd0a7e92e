"""A rehearsal goes the road that every call goes, and leaves nothing behind."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions import configuration
from conversions.calls import Call
from conversions.click_ids import new_click_id
from conversions.example_calls import click_names, example_calls, pasted_call, read
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.networks import ADAPTERS
from conversions.outcomes import Outcome
from conversions.rehearsal import Rehearsal, rehearse, sample_click
from conversions.signals import conversions_recorded
from offers.encryption import SecretUnreadableError
from offers.models import Network, Offer
from offers.models.network import PostbackStatus
from tests.conversions.support import database_text
from tests.factories import make_click, make_network, make_offer

KEY = "KEY4567890123456"
UNSIGNED = sorted(name for name, adapter in ADAPTERS.items() if not adapter.FORMAT.is_signed)


@pytest.fixture
def announced() -> Iterator[list[str]]:
    """The announcements that the planner hears."""
    heard: list[str] = []

    def note(**kwargs: object) -> None:
        heard.append("recorded")

    conversions_recorded.connect(note)
    yield heard
    conversions_recorded.disconnect(note)


def offer_of(adapter: str = "generic", **fields: object) -> Offer:
    network = make_network(adapter=adapter, signing_key=KEY if ADAPTERS[adapter].FORMAT.is_signed else "", **fields)
    return make_offer(network=network)


def play(offer: Offer, status: PostbackStatus = PostbackStatus.APPROVED) -> Rehearsal:
    """What the example of the offer's network would lead to, with a click made up for it."""
    click = sample_click(offer.pk, offer.landing_url)
    return rehearse(offer.network, example_calls(offer.network, click.pk, status, KEY), click)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_and_nobody_is_told(announced: list[str], woken: list[str]):
    offer = offer_of()
    before = database_text()

    result = play(offer)

    assert result.outcome == Outcome.RECORDED
    assert database_text() == before
    assert (announced, woken) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_the_same_call_counts_when_the_network_makes_it():
    offer = offer_of()
    click = make_click(offer)
    [call] = example_calls(offer.network, click.pk, PostbackStatus.APPROVED, KEY)

    for _ in range(2):
        assert rehearse(offer.network, [call]).outcome == Outcome.RECORDED

    assert not Conversion.objects.exists()
    assert not Postback.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
def test_every_formats_example_is_recorded_as_a_sale(adapter: str):
    offer = offer_of(adapter)

    result = play(offer)

    assert result.outcome == Outcome.RECORDED, result.detail
    assert (result.reply_status, result.reply) == (200, offer.network.reply)
    assert result.conversion is not None
    assert (result.conversion.event, result.conversion.status) == ("Purchase", "Approved")
    assert result.conversion.money is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "outcome", "becomes"),
    [
        ("pending", Outcome.RECORDED, "Pending"),
        ("rejected", Outcome.UPDATED, "Rejected"),
        ("refunded", Outcome.UPDATED, "Refunded"),
        ("chargeback", Outcome.UPDATED, "Charged back"),
        ("rebill", Outcome.RECORDED, "Approved"),
        ("upsell", Outcome.RECORDED, "Approved"),
        ("ignored", Outcome.IGNORED, None),
        ("test", Outcome.TEST, None),
    ],
)
def test_other_statuses_are_played_too(status: str, outcome: Outcome, becomes: str | None):
    result = play(offer_of(), PostbackStatus(status))

    assert result.outcome == outcome
    assert (result.conversion.status if result.conversion else None) == becomes


@pytest.mark.django_db
def test_the_conversion_is_told_in_full():
    result = play(offer_of())

    assert result.conversion is not None
    assert (result.conversion.money, result.conversion.currency) == (Decimal("10.00"), "USD")
    assert (result.conversion.kind, result.conversion.offer) == ("Sale", "An offer")
    assert len(result.conversion.event_id) == 36
    assert result.parameters["click_id"]
    assert result.advice == Outcome.RECORDED.advice


@pytest.mark.django_db
def test_a_wrong_signature_is_named_here_and_a_404_to_the_caller():
    offer = offer_of("generic_hmac")
    calls = example_calls(offer.network, make_click(offer).pk, PostbackStatus.APPROVED, "another key")

    result = rehearse(offer.network, calls)

    assert (result.outcome, result.reply_status) == (Outcome.BAD_SIGNATURE, 404)
    assert "any live key" in result.detail
    assert (result.reply, result.parameters, result.conversion) == ("Not found.", {}, None)
    assert not Postback.objects.exists()


@pytest.mark.django_db
def test_what_was_saved_a_moment_ago_counts():
    offer = offer_of()
    configuration.networks.get(offer.network.slug)
    Network.objects.filter(pk=offer.network.pk).update(status_map={"sold": "rejected"}, adapter="tune")
    network = Network.objects.get(pk=offer.network.pk)

    result = rehearse(network, [pasted_call(f"click_id={make_click(offer).pk}&status=sold")])

    assert result.conversion is not None
    assert result.conversion.status == "Rejected"


@pytest.mark.django_db
def test_an_inactive_network_is_not_even_kept():
    result = play(offer_of(is_active=False))

    assert (result.outcome, result.reply_status) == (None, 404)
    assert "inactive" in result.detail
    assert "Active" in result.advice


@pytest.mark.django_db
@pytest.mark.parametrize("allowed", ["203.0.113.7", "203.0.113.0/24\n198.51.100.1", "2001:db8::/64"])
def test_the_call_comes_from_an_allowed_address(allowed: str):
    assert play(offer_of(allowed_ips=allowed)).outcome == Outcome.RECORDED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("click_id={sub1}", Outcome.UNREPLACED_MACRO),
        ("payout=3", Outcome.MISSING_CLICK_ID),
        ("click_id=%s&status=strange", Outcome.UNMAPPED_STATUS),
        ("click_id=%s&payout=viel", Outcome.BAD_AMOUNT),
        ("click_id=nobody", Outcome.UNMATCHED_CLICK),
        ("click_id=%s&click_id=x", Outcome.REPEATED_PARAMETER),
        ("click_id=%%FF", Outcome.UNDECODABLE),
        ("{broken", Outcome.UNDECODABLE),
        ('{"click_id": "%s"}', Outcome.RECORDED),
        ("https://track.example/postback/a/b/?click_id=%s&name=ü", Outcome.RECORDED),
    ],
)
def test_a_pasted_call_ends_as_it_would(text: str, outcome: Outcome):
    offer = offer_of()
    click = make_click(offer)

    result = rehearse(offer.network, [pasted_call(text.replace("%s", click.pk).replace("%%", "%"))])

    assert result.outcome == outcome
    assert result.advice


@pytest.mark.django_db
def test_a_failure_of_ours_is_taken_back_too(monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object) -> None:
        raise OperationalError("database is locked")

    offer = offer_of()
    monkeypatch.setattr("conversions.rehearsal.rehearse_one", fail)

    with pytest.raises(OperationalError):
        play(offer)
    assert not Click.objects.exists()


@pytest.mark.django_db
def test_a_secret_that_cannot_be_read_is_said(settings: object):
    offer = offer_of()
    settings.FIELD_ENCRYPTION_KEYS = ["bm90IHRoZSBrZXkgdGhhdCBpdCB3YXMgc2VhbGVkISE="]

    with pytest.raises(SecretUnreadableError):
        play(offer)


@pytest.mark.django_db
def test_what_is_there_already_is_changed_for_the_moment_only():
    offer = offer_of()
    click = make_click(offer)
    sale = pasted_call(f"click_id={click.pk}&txid=T-1&payout=5")
    refund = pasted_call(f"click_id={click.pk}&txid=T-1&payout=5&status=refund")

    results = [rehearse(offer.network, calls) for calls in ([sale, refund], [refund], [sale, sale])]

    assert [result.outcome for result in results] == [Outcome.UPDATED, Outcome.RECORDED, Outcome.DUPLICATE]
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("adapter", UNSIGNED)
@pytest.mark.parametrize("status", ["pending", "refunded", "rebill"])
def test_an_unsigned_format_can_say_more_than_a_sale(adapter: str, status: str):
    network = Network(adapter=adapter)
    calls = example_calls(network, new_click_id(), PostbackStatus(status), "")

    record = read(ADAPTERS[adapter], calls[-1], network, [])

    assert status in (record.status, record.kind)


def test_a_signed_example_is_not_changed_behind_its_signature():
    network = Network(adapter="generic_hmac")

    assert example_calls(network, new_click_id(), PostbackStatus.REFUNDED, KEY) == []


def test_the_networks_own_word_comes_first():
    network = Network(adapter="generic", status_map={"41": "refunded"})

    [_, refund] = example_calls(network, new_click_id(), PostbackStatus.REFUNDED, "")

    assert "status=41" in refund.query


def test_an_example_says_where_a_call_has_no_status():
    network = Network(adapter="cake")

    [call] = example_calls(network, new_click_id(), PostbackStatus.PENDING, "")

    assert call.query.endswith("&status=pending")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("click_id=a&b=c", "click_id=a&b=c"),
        (" ?click_id=a ", "click_id=a"),
        ("https://x.example/postback/n/s/?click_id=a?b", "click_id=a?b"),
        ("click_id=a&note=why?", "click_id=a&note=why?"),
        ("n=ü", "n=Ã¼"),
    ],
)
def test_a_pasted_query_is_what_wsgi_would_hand_over(text: str, query: str):
    assert pasted_call(text) == Call("GET", query)


def test_the_names_of_the_click_id_are_those_that_are_read():
    assert {"click_id", "clickid", "aff_sub"} <= click_names(Network(adapter="generic"))
    assert "payout" not in click_names(Network(adapter="generic"))
    assert "visitor" in click_names(Network(adapter="generic", parameter_names={"click_id": "Visitor"}))


@pytest.mark.django_db
@hypothesis_settings(max_examples=60, deadline=None)
@given(
    text=st.one_of(
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60),
        st.text(alphabet='{}":,[]abc1&=?#% ', max_size=60),
    )
)
def test_nothing_that_is_pasted_is_a_fault_of_ours(text: str):
    result = rehearse(offer_of().network, [pasted_call(text)])

    assert result.outcome not in (None, Outcome.FAILED)
    assert not Postback.objects.exists()
