"""A report's rows beside the conversions that are recorded here: the same, missing here, another amount or status."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db.models import Q

from conversions.ledger import PRECEDENCE
from conversions.models import Conversion, Upload, UploadRow
from conversions.models.upload import CHANGING
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.values import read_status
from conversions.outcomes import Outcome
from offers.models import Network
from offers.models.network import PostbackStatus

Status, Verdict = Conversion.Status, UploadRow.Verdict
MOST_SIBLINGS = 5000
REFUNDS = frozenset({Status.REFUNDED, Status.PARTIAL})
TAKEN_BACK = REFUNDS | {Status.REJECTED, Status.CHARGEBACK}
STRENGTH: dict[str, int] = {str(status): len(PRECEDENCE) - place for place, (_, status) in enumerate(PRECEDENCE)}
Records = Mapping[int, PostbackRecord]


def compare(upload: Upload, rows: Sequence[UploadRow], records: Records) -> None:
    """Write the verdict of each of a report's rows, after it was tried. Does not save."""
    by_transaction, by_click = conversions_of(upload, rows)
    said = said_of(upload, rows)
    for row in rows:
        record = records.get(row.pk)
        if record is None:
            row.verdict = Verdict.REFUSED
            continue
        candidates = by_transaction[record.transaction_id] or fitting(by_click[row.click_ref], record)
        conversion = min(candidates, key=lambda c: distance(c, record), default=None)
        row.conversion = conversion
        statuses = said.get(row.transaction_id) or {record.status}
        judge(row, record, conversion, max(statuses, key=lambda status: STRENGTH.get(status, 0)))


def judge(row: UploadRow, record: PostbackRecord, conversion: Conversion | None, status: str) -> None:
    """The verdict of one row; `status` is the strongest that the report gives its transaction."""
    creates = row.outcome in CHANGING
    if conversion is None:
        row.verdict = Verdict.MISSING_HERE
        row.detail = row.detail if not creates else "No postback has told of it here."
    elif not is_same_status(status, conversion.status):
        row.verdict = Verdict.OTHER_STATUS
        row.detail = f"The report says “{Status(status).label}”, here it is “{conversion.get_status_display()}”. "
        row.detail += "Creating it takes over what the report says." if creates else why_not(conversion, status)
    elif other_money(record, conversion):
        row.verdict = Verdict.OTHER_AMOUNT
        row.detail = f"The report says {said_money(record)}, here it is {here_money(record, conversion)}. "
        row.detail += "Creating it books the difference." if creates else STAYS
    else:
        row.verdict, row.detail = Verdict.MATCHED, ""
        row.outcome = Outcome.DUPLICATE if creates else row.outcome


STAYS = (
    "Nothing is changed by creating it, as the network's duplicate mode ignores repetitions; choose “Take over changed "
    "amounts” on the network's page and upload the report again if the report is right."
)


def why_not(conversion: Conversion, status: str) -> str:
    """Why creating the row would change nothing."""
    if STRENGTH.get(conversion.status, 0) > STRENGTH.get(status, 0):
        return "What was taken back stays taken back. Ask the network if it was reinstated."
    return "It can't be created, because the fact is in the ledger already."


def is_same_status(theirs: str, ours: str) -> bool:
    """Whether report and record mean the same; a report calls a part that was refunded a refund too."""
    return theirs == ours or {theirs, ours} <= REFUNDS or theirs == PostbackStatus.CORRECTION


def other_money(record: PostbackRecord, conversion: Conversion) -> bool:
    """Whether the sale brought another amount; what was taken back is compared by its status alone."""
    if record.status in TAKEN_BACK or record.status == PostbackStatus.CORRECTION:
        return False
    pairs = [(record.payout, conversion.payout), (record.amount, conversion.amount)]
    told = [(theirs, ours) for theirs, ours in pairs if theirs is not None and ours is not None][:1]
    return any(theirs != ours or record.currency != conversion.currency for theirs, ours in told)


def said_money(record: PostbackRecord) -> str:
    return money(record.payout if record.payout is not None else record.amount, record.currency)


def here_money(record: PostbackRecord, conversion: Conversion) -> str:
    is_payout = record.payout is not None and conversion.payout is not None
    return money(conversion.payout if is_payout else conversion.amount, conversion.currency)


def money(amount: Decimal | None, currency: str) -> str:
    return f"{amount} {currency}" if amount is not None else "no amount"


def conversions_of(
    upload: Upload, rows: Sequence[UploadRow]
) -> tuple[dict[str, list[Conversion]], dict[str, list[Conversion]]]:
    """The network's conversions that the rows may mean, by transaction and by click: two index scans."""
    transactions, clicks = {row.transaction_id for row in rows} - {""}, {row.click_ref for row in rows} - {""}
    told = Conversion.objects.filter(offer__network=upload.network_id, is_test=False).exclude(status=Status.TRACKED)
    by_transaction, by_click = defaultdict(list), defaultdict(list)
    for conversion in told.filter(transaction_id__in=transactions).exclude(transaction_id=""):
        by_transaction[conversion.transaction_id].append(conversion)
    for conversion in told.filter(click__in=clicks):
        by_click[conversion.click_id].append(conversion)
    return by_transaction, by_click


def fitting(conversions: Iterable[Conversion], record: PostbackRecord) -> list[Conversion]:
    """Those of a click that can be the row's: not of another transaction."""
    return [c for c in conversions if not (c.transaction_id and record.transaction_id)]


def distance(conversion: Conversion, record: PostbackRecord) -> tuple[bool, bool, bool, int]:
    """How far a conversion is from a row that several may mean: what was sold, the event, the money."""
    return (
        bool(record.kind) and conversion.kind != record.kind,
        bool(record.event) and conversion.network_event.casefold() != record.event.casefold(),
        other_money(record, conversion),
        conversion.pk,
    )


def said_of(upload: Upload, rows: Sequence[UploadRow]) -> dict[str, set[str]]:
    """What the whole report says of the rows' transactions: it may have a line for the sale and one for its refund."""
    transactions = {row.transaction_id for row in rows} - {""}
    siblings = UploadRow.objects.filter(Q(transaction_id__in=transactions), upload=upload).exclude(transaction_id="")
    said: dict[str, set[str]] = defaultdict(set)
    here = [(row.transaction_id, row.params) for row in rows if row.transaction_id]  # as meant, which is not stored yet
    for transaction_id, params in [*here, *siblings.values_list("transaction_id", "params")[:MOST_SIBLINGS]]:
        said[transaction_id] |= status_of(params, upload.network)
    return said


def status_of(params: Mapping[str, str], network: Network) -> set[str]:
    try:
        return {read_status(params.get("status", ""), network)[0]}
    except PostbackRefusedError:
        return set()
