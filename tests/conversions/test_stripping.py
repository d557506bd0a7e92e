"""What stays of a call when its person is erased: exactly what reading it again needs, in every network's format."""

from typing import Any

import pytest

from conversions.click_ids import new_click_id
from conversions.identity import HIDDEN
from conversions.intake import hide_personal, read_params
from conversions.models import Postback, UploadRow
from conversions.networks import ADAPTERS
from conversions.stripping import reading, strip_call, strip_row
from offers.models import Network
from tests.conversions.networks.support import KEY

PERSONAL = {"sub5": "a friend", "city": "Springfield", "visitor_ip": "203.0.113.7", "ua": "Mozilla/5.0"}


def call_of(adapter: str, params: dict[str, str] | None = None, **fields: Any) -> Postback:
    """The format's own example of a sale as it is kept, or these parameters, in memory."""
    network = Network(adapter=adapter, signing_key=KEY, name="A network", slug="a-network")
    if params is None:
        call = ADAPTERS[adapter].example(network, new_click_id(), KEY)
        read_params(call, ADAPTERS[adapter], network)
        params = hide_personal(call.pairs)
    return Postback(network=network, method="POST", params={**params, **PERSONAL}, **fields)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_sale_reads_the_same_without_its_person(adapter: str):
    postback = call_of(adapter)
    said = reading(postback, postback.params)

    strip_call(postback)

    assert reading(postback, postback.params) == said
    assert {postback.params[name] for name in PERSONAL} == {HIDDEN}


def test_a_call_that_was_refused_keeps_what_its_repair_needs():
    params = {"click_id": "c", "txid": "T-1", "status": "a word of theirs", "payout": "12.50", "email": HIDDEN}
    postback = call_of("generic", params)

    strip_call(postback)

    assert postback.params == params | dict.fromkeys(PERSONAL, HIDDEN)


def test_what_was_read_without_macros_is_read_so_again():
    postback = call_of("generic", {"click_id": "c", "txid": "{txid}", "payout": "5"}, leaves_out_macros=True)
    said = reading(postback, postback.params)

    strip_call(postback)

    assert reading(postback, postback.params) == said
    assert said.payout == 5


def test_a_call_with_hundreds_of_parameters_keeps_those_of_the_format():
    params = {"click_id": "c", "payout": "5", **{f"name{number}": "her" for number in range(300)}}
    postback = call_of("generic", params)

    strip_call(postback)

    assert (postback.params["payout"], postback.params["name7"]) == ("5", HIDDEN)


def test_a_row_of_a_file_is_known_by_its_click_from_then_on():
    row = UploadRow(params={"ttclid": "E.C.P.x", "payout": "5", "page_url": "https://x"}, click_ref="a-click")

    strip_row(row)

    assert row.params == {"click_id": "a-click", "payout": "5"}
