"""Which transaction a row means where postbacks name a goal or an order beside it and reports have it bare.

Otherwise a report would call every such sale missing, and creating it would tell TikTok of the sale a second time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from conversions.models import Conversion, Upload, UploadRow
from conversions.networks.values import shortened

UNCLEAR = (
    "Postbacks told of {known} here, and the row says only “{bare}”. Name the goal or event as the postbacks do in a "
    "column “event”, or write the whole transaction id, and upload the row again."
)
SHOWN = 3
DEFAULT_GOAL = ("", "0")
Events = Mapping[str, set[str]]


def name_transactions(upload: Upload, rows: Sequence[UploadRow]) -> dict[int, str]:
    """Write on each row the transaction that postbacks of its click told of; of unclear rows their number and why."""
    for row in rows:
        row.transaction_id = shortened(row.params.get("transaction_id", ""))
    if not upload.network.format.joins_transactions:
        return {}
    told, unclear = events_told(upload, rows), {}
    for row in rows:
        bare = row.transaction_id
        if not bare or row.click_ref not in told:
            continue
        meant = meant_by(bare, row.params.get("event", "").strip().casefold(), told[row.click_ref])
        if len(meant) == 1:
            row.transaction_id = meant[0]
        else:
            unclear[row.number] = reason(bare, told[row.click_ref])
    return unclear


def events_told(upload: Upload, rows: Sequence[UploadRow]) -> dict[str, dict[str, set[str]]]:
    """Click, transaction and the events that the network called it, in lower case: one index scan."""
    clicks = {row.click_ref for row in rows if row.click_ref and row.transaction_id}
    found = Conversion.objects.filter(click__in=clicks, offer__network=upload.network_id).exclude(transaction_id="")
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for click, transaction, event in found.values_list("click_id", "transaction_id", "network_event"):
        told[click][transaction].add(event.casefold())
    return told


def meant_by(bare: str, event: str, told: Events) -> list[str]:
    """The one transaction that the row means, new ones included; none or several where it is unclear."""
    known = goals_of(bare, told)
    named = [name for name in known if event not in DEFAULT_GOAL and is_named(name, bare, event, told[name])]
    if named:
        return named
    if bare in told or not known:
        return [bare]
    return [name for name in known if len(known) > 1 or not is_another(event, told[name])]


def goals_of(bare: str, told: Events) -> list[str]:
    return sorted(name for name in told if name == bare or name.startswith(f"{bare}-"))


def is_named(name: str, bare: str, event: str, events: set[str]) -> bool:
    """Whether the row's event is the transaction's, by its name or by its number."""
    return event in events or f"{name.casefold()}-".startswith(f"{bare.casefold()}-{event}-")


def is_another(event: str, events: set[str]) -> bool:
    """Whether both sides name an event, both by name or both by number, and not the same."""
    return event not in DEFAULT_GOAL and all(own and own.isdigit() == event.isdigit() for own in events)


def reason(bare: str, told: Events) -> str:
    known = [f"“{name[:60]}”" for name in goals_of(bare, told)]
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return UNCLEAR.format(known=", ".join(known[:SHOWN]) + more, bare=bare[:60])
