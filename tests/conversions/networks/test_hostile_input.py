"""Whatever strangers and broken senders send to a network of any format: a reason, and never a fault of ours."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions.calls import Call
from conversions.click_ids import new_click_id
from conversions.intake import beginning_of, hide_personal, read_params
from conversions.models import Postback
from conversions.networks import ADAPTERS
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import Network
from tests.conversions.networks.support import KEY, deliver, network_of
from tests.conversions.support import digest_everything

every_format = pytest.mark.parametrize("name", ADAPTERS)
# The others leave opening to what all share, so one of them stands for all.
every_way_to_open = pytest.mark.parametrize(
    "name", [n for n, a in ADAPTERS.items() if hasattr(a, "open")] + ["generic"]
)
moderately = hypothesis_settings(deadline=None, max_examples=10)
FORM, JSON, MULTIPART = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"
# These sign every parameter by its name, or the body as it is; the others leave something out, as their networks do.
SIGNS_EVERYTHING = [name for name in ("generic_hmac", "shopify", "digistore24_ipn") if name in ADAPTERS]
WHOLE = (Outcome.RECORDED, Outcome.UPDATED)

ODD = ["\x00", "\u2028", "</script>", "9" * 400, "{x}", "!!!x!!!", "٣", "1e999", "-0", "NaN", "{", "[", "[" * 3000,
       '{"a":' * 500, "=", "%", "a@b.cc", "phone=1", "-B001", "1,000", "tid={tid}", "?click_id=%00", " "]  # fmt: skip
TEXT = st.one_of(st.text(max_size=30), st.sampled_from(ODD))
NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
HUGE = [b"a=" + b"x" * 70_000, b"&".join(b"a%d=1" % n for n in range(300)), b"[" * 60_000, b'{"a":' * 12_000,
        b'{"a":"\\ud800"}', b'{"a":1e999}', b'{"a":' + b"9" * 5000 + b"}", b"\xff\xfe{\x00}\x00", b"\xed\xa0\x80=1",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n', b'{"a":1,"a":2}', b"%ff=%00"]  # fmt: skip


def network_in_memory(name: str) -> Network:
    """A network of the format with a key, without a database."""
    return Network(adapter=name, signing_key=KEY, name="A network", slug="a-network")


def opened(name: str, call: Call) -> dict[str, str]:
    """The parameters of a call as they are kept; empty when it is refused."""
    read_params(call, ADAPTERS[name], network_in_memory(name))
    return {} if call.error else hide_personal(call.pairs)


def names_of(name: str) -> list[str]:
    """The parameters that an adapter reads, as its example and its list of critical ones name them."""
    example = ADAPTERS[name].example(network_in_memory(name), new_click_id(), KEY)
    return sorted({*opened(name, example), *ADAPTERS[name].CRITICAL})


def read_or_refusal(name: str, params: dict[str, str]) -> PostbackRecord | PostbackRefusedError:
    try:
        return ADAPTERS[name].read(params, network_in_memory(name))
    except PostbackRefusedError as refused:
        return refused


@st.composite
def calls(draw: st.DrawFn, names: list[str]) -> Call:
    """A call of any kind, its parameters with the names that the format reads or with others."""
    params = draw(st.dictionaries(st.one_of(st.sampled_from(names), TEXT), NESTED, max_size=6))
    body = draw(
        st.one_of(
            st.binary(max_size=100),
            st.sampled_from(HUGE),
            st.just(json.dumps(params).encode()),
            st.just(urlencode(params, errors="replace").encode()),
        )
    )
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), st.text(LATIN, max_size=30), max_size=3))
    query = draw(st.one_of(st.just(""), st.binary(max_size=60))) or b""
    return Call("POST", query.decode("latin-1"), body, draw(st.sampled_from([FORM, JSON, MULTIPART, "", "x"])), headers)


HEADERS = ["x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-test", "x-forwarded-for"]
LATIN = st.characters(min_codepoint=32, max_codepoint=255)


@st.composite
def mutations(draw: st.DrawFn, call: Call) -> Call:
    """The call with one thing changed: a byte, the end, or one of its parameters left out, repeated or moved."""
    part = call.body or call.query.encode()
    mark = b"," if part[:1] == b"{" else b"&"
    pieces, at = part.split(mark), draw(st.integers(0, len(part) - 1))
    index = at % len(pieces)
    flipped = part[:at] + bytes([part[at] ^ draw(st.integers(1, 255))]) + part[at + 1 :]
    left_out = mark.join(pieces[:index] + pieces[index + 1 :])
    repeated = mark.join([*pieces, pieces[index]])
    moved = mark.join([*pieces[index:], *pieces[:index]])
    changed = draw(st.sampled_from([flipped, part[:at], left_out, repeated, moved]))
    return replace(call, body=changed) if call.body else replace(call, query=changed.decode("latin-1"))


@every_way_to_open
@moderately
@given(data=st.data())
def test_any_call_is_opened_or_refused_with_a_reason(name: str, data: st.DataObject):
    call = data.draw(calls(names_of(name)))

    params = opened(name, call)

    assert call.error is None or call.error.detail
    assert len(beginning_of(call)) <= 2000
    assert all(len(value) <= 4096 for value in params.values())


@every_format
@moderately
@given(data=st.data())
def test_any_parameters_are_read_or_refused_with_a_reason(name: str, data: st.DataObject):
    params = data.draw(st.dictionaries(st.sampled_from(names_of(name)), TEXT, max_size=8))

    result = read_or_refusal(name, params)

    if isinstance(result, PostbackRefusedError):
        assert result.detail
    else:
        assert (len(result.click_id) <= 100, len(result.transaction_id) <= 200, len(result.parent) <= 200) == (
            True,
        ) * 3
        assert "\x00" not in result.fact


@every_format
@moderately
@given(data=st.data())
def test_one_odd_value_in_an_example_is_read_or_refused_with_a_reason(name: str, data: st.DataObject):
    params = opened(name, ADAPTERS[name].example(network_in_memory(name), new_click_id(), KEY))
    odd = {data.draw(st.sampled_from(sorted(params))): data.draw(TEXT)}

    result = read_or_refusal(name, {**params, **odd})

    assert isinstance(result, PostbackRecord) or result.detail


@every_way_to_open
@moderately
@given(data=st.data())
def test_a_damaged_example_is_opened_or_refused(name: str, data: st.DataObject):
    call = data.draw(mutations(ADAPTERS[name].example(network_in_memory(name), new_click_id(), KEY)))

    params = opened(name, call)
    result = read_or_refusal(name, params)

    assert call.error is None or call.error.detail
    assert isinstance(result, PostbackRecord) or result.detail


@pytest.mark.parametrize("name", SIGNS_EVERYTHING)
@moderately
@given(data=st.data())
def test_a_damaged_call_that_is_signed_is_refused_or_means_the_same(name: str, data: st.DataObject):
    call = ADAPTERS[name].example(network_in_memory(name), "a" * 26, KEY)
    damaged = data.draw(mutations(call))

    params = opened(name, damaged)

    assert damaged.error or read_or_refusal(name, params) == read_or_refusal(name, opened(name, call))


@pytest.mark.django_db
@hypothesis_settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_gateway_answers_everything_and_keeps_it_with_a_reason(data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(ADAPTERS)))
    network = Network.objects.filter(adapter=name).first() or network_of(name)
    example = ADAPTERS[name].example(network, new_click_id(), KEY)
    before = Postback.objects.count()

    answer = deliver(network, data.draw(st.one_of(calls(names_of(name)), mutations(example))))
    digest_everything()

    postback = Postback.objects.latest("pk")
    assert answer.status_code in (200, 400, 404, 413)
    assert Postback.objects.count() == before + 1
    assert postback.outcome not in (Outcome.FAILED, Outcome.RECEIVED)
    assert postback.detail or postback.outcome in WHOLE
