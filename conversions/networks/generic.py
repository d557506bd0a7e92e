"""The generic format: parameters by their usual names, as most networks' templates write them.

The aliases are the commonest ones of some 380 public postback templates, and of the trackers that people come from.
BESIDE are those of facts that no sale depends on: it is no harm if one of them comes twice or can't be read.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks.beside import read_beside
from conversions.networks.record import PostbackRecord
from conversions.networks.values import (
    CLICK_ID_NAMES,
    KIND_OF_EVENT,
    TRANSACTION_NAMES,
    read_amount,
    read_currency,
    read_status,
    read_time,
    refuse_macros,
    refuse_negative,
    shortened,
)
from offers.formats import Format
from offers.models import Network

ALIASES: dict[str, tuple[str, ...]] = {
    "click_id": CLICK_ID_NAMES,
    "transaction_id": TRANSACTION_NAMES,
    "event": ("event", "event_name", "goal", "goal_id", "event_id", "et", "type", "ct"),
    "status": ("status", "cnv_status", "conv_status"),
    "payout": ("payout", "sum", "commission", "commission_amount", "affiliate_earnings", "price"),
    "amount": ("amount", "sale_amount", "order_sum", "revenue", "total", "order_total"),
    "currency": ("currency", "cnv_currency", "curr"),
    "occurred_at": ("ts", "timestamp", "time", "event_time"),
    "parent": ("parent_txid", "parent_transaction_id", "original_txid"),
}  # fmt: skip
BESIDE: dict[str, tuple[str, ...]] = {
    "margin": ("margin", "profit", "net_profit", "gross_margin"),
    "lifetime_value": ("ltv", "lifetime_value", "lifetimevalue", "clv", "cltv", "pltv", "predicted_ltv",
                       "customer_lifetime_value"),
    "segment": ("segment", "customer_segment", "user_segment"),
    "lead_quality": ("lead_quality", "leadquality", "quality", "lead_score", "leadscore", "quality_score",
                     "lead_grade"),
}  # fmt: skip
NAMES = ALIASES | BESIDE
Places = dict[str, list[tuple[str, int]]]
BESIDE_NAMES = frozenset(alias for names in BESIDE.values() for alias in names)
CRITICAL = frozenset(alias for names in ALIASES.values() for alias in names)

FORMAT = Format(
    name="generic",
    label="Generic (GET, form or JSON)",
    help="For every network that lets you write the postback URL yourself. Replace each {…} in the postback URL by the "
    "network's own macro and leave out what it does not have.",
    macros={
        "click_id": "{click_id}", "payout": "{payout}", "currency": "{currency}", "txid": "{txid}",
        "status": "{status}",
    },
)  # fmt: skip


def places_of(aliases: Mapping[str, tuple[str, ...]]) -> Places:
    """The fields that a parameter of each name speaks of, with its rank among that field's names."""
    places: Places = {}
    for field, names in aliases.items():
        for rank, name in enumerate(names):
            places.setdefault(name, []).append((field, rank))
    return places


PLACES = places_of(NAMES)


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a generic postback. Raises PostbackRefusedError with the reason."""
    return record_of(values_of(params, network), network)


def record_of(given: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a text for each of our fields. Raises PostbackRefusedError with the reason."""
    refuse_macros({field: given[field] for field in ALIASES})
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
        beside=read_beside(given),
    )


def values_of(params: Mapping[str, str], network: Network) -> dict[str, str]:
    """What was sent for each of our fields, under the network's own name for it or one of the usual ones."""
    places = own_places(network) if network.parameter_names else PLACES
    values = dict.fromkeys(NAMES, "")
    ranks: dict[str, int] = {}
    for key, value in params.items():
        for field, rank in places.get(key.casefold(), ()):
            if rank <= ranks.get(field, rank) and (text := value.strip()):
                values[field], ranks[field] = text, rank
    return values


def own_places(network: Network) -> Places:
    """The usual names' places, with the network's own name for a field before that field's usual ones."""
    field_of = {alias: field for field, aliases in NAMES.items() for alias in (field, *aliases)}
    named = {field_of.get(ours, ours): theirs.casefold() for ours, theirs in network.parameter_names.items()}
    return places_of({field: (named[field], *usual) if field in named else usual for field, usual in NAMES.items()})


def first_value(folded: Mapping[str, str], aliases: tuple[str, ...]) -> str:
    """The first of the names that has a value; they are compared without case."""
    return next((folded[alias].strip() for alias in aliases if folded.get(alias, "").strip()), "")


def named(params: Mapping[str, str], *names: str) -> str:
    """The value of the first of these parameters that has one."""
    return first_value({key.casefold(): value for key, value in params.items()}, names)


def joined(transaction_id: str, *parts: str) -> str:
    """A transaction id of one event of a transaction; "" and "0" name no event. Empty without a transaction."""
    told = [part for part in parts if part not in ("", "0")]
    return shortened("-".join([transaction_id, *told])) if transaction_id else ""


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A GET with the usual names."""
    sale = {"click_id": click_id, "txid": f"TEST-{number}", "status": "approved", "payout": "10.00", "currency": "USD"}
    return Call("GET", urlencode(sale))
