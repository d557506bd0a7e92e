"""Rows of uploaded files, which are kept as postbacks of their network: our own names, the network's own words."""

from collections.abc import Mapping

from conversions.models import Postback
from conversions.models.postback import FROM_FILE
from conversions.networks import adapter_of
from conversions.networks.record import PostbackRecord
from conversions.networks.values import (
    KIND_OF_EVENT,
    read_amount,
    read_currency,
    read_status,
    read_time,
    refuse_macros,
    refuse_negative,
    shortened,
)
from offers.models import Network

READ = ("click_id", "transaction_id", "parent", "event", "status", "payout", "amount", "currency", "occurred_at")


def read_row(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a row. Raises PostbackRefusedError with the reason."""
    given = {field: params.get(field, "").strip() for field in READ}
    refuse_macros(given)
    status, kind = read_status(given["status"], network)
    payout, amount = read_amount("payout", given["payout"]), read_amount("amount", given["amount"])
    refuse_negative(status, payout, amount)
    return PostbackRecord(
        click_id=given["click_id"].lower()[:100],
        transaction_id=shortened(given["transaction_id"]),
        event=given["event"][:100],
        status=status,
        payout=payout,
        amount=amount,
        currency=read_currency(given["currency"], network),
        occurred_at=read_time(given["occurred_at"]),
        kind=kind or KIND_OF_EVENT.get(given["event"].casefold(), ""),
        parent=shortened(given["parent"]),
    )


def read_postback(postback: Postback, params: Mapping[str, str]) -> PostbackRecord:
    """The neutral record of any postback, by its network's format or as a row of a file.

    Raises PostbackRefusedError with the reason.
    """
    if postback.method == FROM_FILE:
        return read_row(params, postback.network)
    return adapter_of(postback.network).read(params, postback.network)
