"""The generic format with a signature: HMAC-SHA256 over all parameters."""

from urllib.parse import parse_qsl, urlencode

import pytest
from django.utils import timezone

from conversions import configuration
from conversions.calls import Call, SignatureError
from conversions.models import Conversion, Postback
from conversions.networks import generic_hmac
from conversions.networks.generic_hmac import sign
from conversions.outcomes import Outcome
from conversions.replaying import replay
from offers.encryption import Secret
from offers.models import Network
from tests.conversions.networks.support import KEY, click_of, deliver, digested, network_of
from tests.conversions.support import digest_everything, send

# Computed by hand with openssl; not by this code.
SIGNED = "clickid=clk_0123456789abcdef&currency=USD&event=sale&payout=40.25&status=approved&ts=1768500000&txid=T-1001"
SIGNATURE = "6ca9cc224f5d6f55292fb471d6e5ff6ed82cb8f22d12dc137d459db4dedfc792"


def test_the_published_vector():
    call = Call("GET", f"{SIGNED}&sig={SIGNATURE}")

    assert generic_hmac.open(call, ["s3cr3t"]) == parse_qsl(SIGNED)


@pytest.mark.parametrize(
    "query",
    [
        SIGNED,
        f"{SIGNED}&sig=",
        f"{SIGNED}&sig={SIGNATURE}&sig={SIGNATURE}",
        f"{SIGNED}&sig={SIGNATURE[:-1]}0",
        f"{SIGNED}&extra=1&sig={SIGNATURE}",
        f"{SIGNED.replace('40.25', '40.26')}&sig={SIGNATURE}",
        f"{SIGNED.replace('&event=sale', '')}&sig={SIGNATURE}",
    ],
)
def test_what_is_not_signed_as_it_came_is_refused(query: str):
    with pytest.raises(SignatureError):
        generic_hmac.open(Call("GET", query), ["s3cr3t"])


def test_order_and_the_case_of_the_digits_do_not_matter():
    turned = "&".join(reversed(SIGNED.split("&")))

    assert generic_hmac.open(Call("GET", f"{turned}&sig={SIGNATURE.upper()}"), ["s3cr3t"]) == parse_qsl(turned)


def test_without_a_key_nothing_is_proven():
    with pytest.raises(SignatureError, match="no key"):
        generic_hmac.open(Call("GET", f"{SIGNED}&sig={sign(parse_qsl(SIGNED), '')}"), [])


def test_a_form_is_signed_like_a_query():
    call = Call("POST", "", f"{SIGNED}&sig={SIGNATURE}".encode(), "application/x-www-form-urlencoded")

    assert generic_hmac.open(call, ["s3cr3t"]) == parse_qsl(SIGNED)


def signed_by(key: str, click_id: str) -> Call:
    return generic_hmac.example(None, click_id, key)


@pytest.mark.django_db
def test_a_tampered_call_is_answered_like_an_unknown_network():
    click = click_of("generic_hmac")
    network = click.offer.network
    call = signed_by("another key", click.pk)

    tampered, stranger = deliver(network, call), send(network_of("generic", slug="x", is_active=False))

    assert (
        (tampered.status_code, tampered.content) == (stranger.status_code, stranger.content) == (404, b"Not found.\n")
    )
    assert sorted(tampered.headers.items()) == sorted(stranger.headers.items())


@pytest.mark.django_db
def test_a_tampered_call_is_named_and_kept_sealed():
    click = click_of("generic_hmac")

    postback = digested(click.offer.network, signed_by("another key", click.pk))

    assert (postback.outcome, postback.params, postback.due_at) == (Outcome.BAD_SIGNATURE, {}, None)
    assert "any live key" in postback.detail
    assert click.pk in postback.sealed_call.reveal()
    assert not Conversion.objects.exists()


@pytest.mark.django_db
def test_while_keys_rotate_both_are_taken():
    click = click_of("generic_hmac")
    network = click.offer.network
    network.set_signing_key("the new key", timezone.now())
    network.save()
    configuration.forget()

    statuses = [deliver(network, signed_by(key, click.pk)).status_code for key in (KEY, "the new key", "neither")]

    assert statuses == [200, 200, 404]


@pytest.mark.django_db
def test_after_the_rotation_the_old_key_is_refused():
    click = click_of("generic_hmac")
    network = click.offer.network
    network.set_signing_key("the new key", timezone.now())
    network.end_key_overlap()
    network.save()
    configuration.forget()

    assert deliver(network, signed_by(KEY, click.pk)).status_code == 404


@pytest.mark.django_db
def test_a_refused_call_comes_through_once_the_key_is_corrected():
    click = click_of("generic_hmac", signing_key="mistyped")
    network = click.offer.network
    refused = digested(network, signed_by(KEY, click.pk))
    network.set_signing_key(KEY, timezone.now())
    network.save()

    replay([refused.pk], timezone.now())
    digest_everything()

    refused.refresh_from_db()
    assert (refused.outcome, bool(refused.sealed_call)) == (Outcome.RECORDED, False)
    assert Conversion.objects.get().status == Conversion.Status.APPROVED


@pytest.mark.django_db
def test_replaying_a_tampered_call_leaves_it_refused():
    click = click_of("generic_hmac")
    refused = digested(click.offer.network, signed_by("another key", click.pk))

    replay([refused.pk], timezone.now())
    digest_everything()

    assert Postback.objects.get().outcome == Outcome.BAD_SIGNATURE
    assert not Conversion.objects.exists()


@pytest.mark.django_db
def test_what_is_signed_but_unreadable_tells_strangers_nothing():
    network = network_of("generic_hmac")
    pairs = [("payout", "1"), ("PAYOUT", "2")]

    postback = digested(network, Call("GET", urlencode([*pairs, ("sig", sign(pairs, KEY))])))

    assert (postback.answer.status_code, postback.outcome) == (404, Outcome.REPEATED_PARAMETER)


@pytest.mark.django_db
def test_a_key_that_can_not_be_decrypted_refuses_the_call_and_keeps_it():
    click = click_of("generic_hmac")
    network = click.offer.network
    Network.objects.filter(pk=network.pk).update(signing_key=Secret("k00000000:AAAA", "offers.Network.signing_key"))
    configuration.forget()

    postback = digested(network, signed_by(KEY, click.pk))

    assert (postback.answer.status_code, postback.outcome) == (404, Outcome.BAD_SIGNATURE)
    assert postback.sealed_call


@pytest.mark.parametrize(
    "pairs",
    [
        [("event", "sale&status=refunded&txid=5")],
        [("event", "sale"), ("status=refunded&txid", "5")],
        [("event", "sale"), ("status", "refunded"), ("txid=5", "")],
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(pairs: list[tuple[str, str]]):
    call = Call("GET", urlencode([*pairs, ("sig", sign(pairs, KEY))]))

    with pytest.raises(SignatureError, match="two ways"):
        generic_hmac.open(call, [KEY])


@pytest.mark.django_db
def test_a_key_that_was_entered_a_moment_ago_is_taken_at_once():
    click = click_of("generic_hmac", signing_key="mistyped")
    network = click.offer.network
    assert digested(network, signed_by(KEY, click.pk)).outcome == Outcome.BAD_SIGNATURE
    network.set_signing_key(KEY, timezone.now())
    Network.objects.filter(pk=network.pk).update(signing_key=network.signing_key)

    assert digested(network, signed_by(KEY, click.pk)).outcome == Outcome.RECORDED
