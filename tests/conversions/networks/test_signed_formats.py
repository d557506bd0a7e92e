"""What holds for every format that signs its calls, but for those with a header of their own: whose call is taken."""

import random
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions import configuration
from conversions.calls import Call
from conversions.models import Conversion
from conversions.networks import ADAPTERS
from conversions.networks.record import PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import Network
from tests.conversions.networks.notices import FORM, assert_refused, corrected, opened, reason
from tests.conversions.networks.support import KEY, click_of, deliver, digested
from tests.factories import make_click

pytestmark = pytest.mark.django_db
SIGNED = ["clickbank_ins", "digistore24_ipn", "jvzoo_v1", "jvzoo_v2", "warriorplus"]
every_signed = pytest.mark.parametrize("name", SIGNED)
CLICK_ID = "0123456789abcdefghjkmnpqrs"


def example(name: str, click_id: str = CLICK_ID, key: str = KEY) -> Call:
    return ADAPTERS[name].example(Network(adapter=name), click_id, key)


@every_signed
def test_a_call_under_another_key_is_refused_and_recorded_once_the_key_is_corrected(name: str):
    click = click_of(name)

    postback = assert_refused(click.offer.network, example(name, click.pk, "the-right-key"))
    postback = corrected(postback, "the-right-key")

    assert (postback.outcome, bool(postback.sealed_call)) == (Outcome.RECORDED, False)
    assert Conversion.objects.get().click == click


@every_signed
def test_a_call_is_refused_while_the_network_has_no_key(name: str):
    network = click_of(name, signing_key="").offer.network

    postback = assert_refused(network, example(name))

    assert "no key yet" in postback.detail


@every_signed
def test_two_keys_live_at_once_until_the_overlap_ends(name: str):
    click = click_of(name)
    network = click.offer.network
    network.set_signing_key("new", timezone.now())
    network.save()
    configuration.forget()

    outcomes = [digested(network, example(name, click.pk, key)).outcome for key in (KEY, "new")]
    network.end_key_overlap()
    network.save()
    configuration.forget()

    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE]
    assert deliver(network, example(name, click.pk, KEY)).status_code == 404


@every_signed
def test_nothing_of_the_unsigned_query_is_read(name: str):
    click = click_of(name)
    other = make_click(click.offer)
    call = example(name, click.pk)
    call.query = f"tid={other.pk}&click_id={other.pk}&cid={other.pk}&custom={other.pk}&WP_HOP_TID={other.pk}&total=9999"

    postback = digested(click.offer.network, call)

    assert (postback.outcome, postback.conversion.click) == (Outcome.RECORDED, click)
    assert "total" not in postback.params or postback.params["total"] != "9999"


@every_signed
def test_the_key_is_nowhere_among_what_is_kept(name: str):
    click = click_of(name, signing_key="KEEPTHISTOYOURSELF")

    postback = digested(click.offer.network, example(name, click.pk, "KEEPTHISTOYOURSELF"))

    assert postback.outcome == Outcome.RECORDED
    assert "KEEPTHISTOYOURSELF" not in str(postback.params) + postback.raw_call + postback.detail


@every_signed
@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", ""), (b"\xff\xfe\x00", FORM), (b"{", "application/json"), (b"[1]", "application/json"),
     (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json"), (b"null", "application/json"),
     (b"a=%FF", FORM), (b"&".join(b"a%d=1" % n for n in range(300)), FORM), (b"x" * 60_000, FORM),
     (b'{"sha_sign":1,"cverify":[],"WP_SECURITYKEY":{},"notification":true,"iv":0}', "application/json"),
     (b"sha_sign=1&sha_sign=2&cverify=1&cverify=2&WP_SECURITYKEY=1&WP_SECURITYKEY=2&iv=1&iv=2", FORM),
     (b"--x\r\nbroken", "multipart/form-data; boundary=x")],
)  # fmt: skip
def test_a_hostile_body_is_refused_with_a_reason(name: str, body: bytes, content_type: str):
    assert reason(name, Call("POST", "", body, content_type))


@every_signed
@given(data=st.data())
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_damaged_call_is_refused_or_says_the_same(name: str, data: st.DataObject):
    whole = example(name)
    position, bit = data.draw(st.integers(0, len(whole.body) - 1)), data.draw(st.integers(0, 7))
    damaged = bytearray(whole.body)
    damaged[position] ^= 1 << bit
    if name in ("jvzoo_v2", "warriorplus"):  # these do not sign what they say
        del damaged[position:]

    call = Call("POST", "", bytes(damaged), whole.content_type)

    assert reason(name, call) or set(opened(name, call).values()) <= set(opened(name, whole).values())


@every_signed
def test_a_notification_without_the_word_for_what_happened_is_never_a_sale(name: str):
    with pytest.raises(PostbackRefusedError) as raised:
        ADAPTERS[name].read({}, Network(adapter=name))

    assert raised.value.outcome == Outcome.UNMAPPED_STATUS


@every_signed
def test_a_link_whose_macro_was_not_replaced_is_named(name: str):
    click = click_of(name)

    postback = digested(click.offer.network, example(name, "{click_id}"))

    assert postback.outcome == Outcome.UNREPLACED_MACRO


@every_signed
def test_random_bytes_of_the_right_form_prove_nothing(name: str):
    source = random.Random(7)
    whole = example(name, key="another key")

    for _ in range(50):
        body = bytearray(whole.body)
        body[source.randrange(len(body))] = source.randrange(32, 127)
        assert reason(name, Call("POST", "", bytes(body), whole.content_type))


@pytest.mark.django_db
def test_of_a_refused_call_the_buyer_is_sealed():
    network = click_of("digistore24_ipn").offer.network
    body = urlencode({"address_first_name": "Jane", "address_street": "Main Street 1", "sha_sign": "no"}).encode()

    postback = digested(network, Call("POST", "", body, FORM))

    assert "Jane" not in postback.raw_call
    assert "Main Street" not in postback.raw_call
    assert "address_street" in postback.raw_call
