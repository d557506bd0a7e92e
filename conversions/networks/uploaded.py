"""Rows of uploaded files, which are kept as postbacks of their network: our own names, the network's own words."""

from collections.abc import Mapping

from conversions.models import Postback
from conversions.models.postback import FROM_FILE
from conversions.networks import adapter_of
from conversions.networks.generic import NAMES, record_of
from conversions.networks.record import PostbackRecord
from conversions.networks.values import is_no_click_id
from offers.models import Network

UPLOADED = "uploaded"
"""The parameter of a row that says when its file came: what it tells beside the money is as old as that."""


def read_row(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a row. Raises PostbackRefusedError with the reason."""
    return record_of({field: params.get(field, "").strip() for field in (*NAMES, UPLOADED)}, network)


def read_postback(postback: Postback, params: Mapping[str, str]) -> PostbackRecord:
    """The neutral record of any postback with these parameters, by its network's format or as a row of a file.

    Raises PostbackRefusedError with the reason.
    """
    if postback.leaves_out_macros:
        params = {name: value for name, value in params.items() if not is_no_click_id(value)}
    if postback.method == FROM_FILE:
        return read_row(params, postback.network)
    return adapter_of(postback.network).read(params, postback.network)
