"""impact.com, as its partners are called: a GET whose URL we write with Impact's PascalCase macros.

Source: help.impact.com, “Event notifications” (48001237753, 155000000882) and “Understand the action lifecycle”
(48001238345). An action is called about when it is tracked, modified, reversed and, by a notification of its own,
cleared; up to its locking date it is pending and may change. Macros are case-sensitive. No signature is documented.

How they map here: ActionId is the transaction, and every call about it says what the action is now, so {Payout} and
{Amount} are totals and the status is {Status}.
- pending, then approved: a claim, then the sale with the payout that it has been approved with.
- other totals under the same status: the network's duplicate mode decides, and “take over changed amounts” is the one
  for Impact. {DeltaPayout} is not added up for that: a change that comes along with the approval would be counted
  without its sale, and one that is repeated would count twice.
- reversed: the action is void, {Payout} is what remains of it, and what was taken is {DeltaPayout}, so that is the
  amount of the refund.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks import generic
from conversions.networks.generic import named
from conversions.networks.record import PostbackRecord
from conversions.networks.values import read_amount, refuse_macros
from offers.formats import Format
from offers.models import Network
from offers.models.network import PostbackStatus

DELTAS = ("delta_payout", "delta_amount")
CRITICAL = generic.CRITICAL | set(DELTAS)

FORMAT = Format(
    name="impact",
    label="impact.com",
    help="In impact.com open Settings, then Event Notifications, and enter the URL for action lifecycle events with "
    "the method GET; enter it for action clearing events too, if you are offered them. Keep upper and lower case of "
    "the macros. The duplicate mode is “Take over changed amounts as a correction”, because Impact repeats its call "
    "when an action's amount changes. In offer links our click id goes into subId1.",
    macros={
        "click_id": "{SubId1}", "txid": "{ActionId}", "status": "{Status}", "payout": "{Payout}",
        "amount": "{Amount}", "currency": "{Currency}", "delta_payout": "{DeltaPayout}",
        "delta_amount": "{DeltaAmount}", "ts": "{EventDate}",
    },
    link_parameter="subId1",
    duplicate_mode="update",
    status_words={"pending": "pending", "approved": "approved", "locked": "approved", "cleared": "approved",
                  "reversed": "refunded"},
)  # fmt: skip


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of an action as it is now. Raises PostbackRefusedError with the reason."""
    record = generic.read(params, network)
    deltas = {name: named(params, name) for name in DELTAS}
    refuse_macros(deltas)
    payout, amount = (read_amount(name, value) for name, value in deltas.items())
    if record.status != PostbackStatus.REFUNDED:
        return record
    return replace(record, payout=payout or record.payout, amount=amount or record.amount, fact="reversed")


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """An action that is approved."""
    sale = {
        "click_id": click_id, "txid": f"TEST-{number}", "status": "APPROVED", "payout": "10.00", "amount": "100.00",
        "currency": "USD", "delta_payout": "0.00", "delta_amount": "0.00",
    }  # fmt: skip
    return Call("GET", urlencode(sale))
