"""What the page of one upload shows: where it stands, what its rows would do, and what they have done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.safestring import SafeString

from conversions.admin.badges import outcome_badge
from conversions.models import Upload, UploadRow
from conversions.models.upload import CHANGING
from conversions.outcomes import Outcome
from conversions.uploads.columns import FIELDS
from offers.admin_parts import admin_link, badge, mono, shortened

State, Verdict = Upload.State, UploadRow.Verdict
ROWS_A_PAGE = 50
BY_DECISION = [Verdict.MISSING_HERE, Verdict.OTHER_AMOUNT, Verdict.OTHER_STATUS]
STATE_TONES = {State.DONE: "good", State.FAILED: "bad", State.COLUMNS: "warn", State.CHECKED: "warn"}
TONES = {
    Verdict.RECORDED: "good",
    Verdict.UPDATED: "busy",
    Verdict.DUPLICATE: "calm",
    Verdict.REFUSED: "bad",
    Verdict.MATCHED: "good",
    Verdict.MISSING_HERE: "warn",
    Verdict.MISSING_THERE: "warn",
    Verdict.OTHER_AMOUNT: "warn",
    Verdict.OTHER_STATUS: "warn",
}
PROMISES = (Verdict.RECORDED, Verdict.UPDATED)
BROUGHT_IN = "Brought in"
AGAIN = " Then check the rows again."
ADVICE = {
    Outcome.UNMATCHED_CLICK: "No click of this site has the id. Check that the column holds our click ids, whole and "
    "unchanged; of a refund, that its sale is recorded.",
    Outcome.UNMAPPED_STATUS: "Say on the page “Unmapped statuses” or on the network's page what the word means."
    + AGAIN,
    Outcome.MISSING_CLICK_ID: "Add a column with the click id, with a transaction id that is recorded here, or with "
    "the ttclid and its offer, and upload these rows again.",
    Outcome.BAD_AMOUNT: "Write a plain number such as 12.50 and upload these rows again.",
    Outcome.UNDECODABLE: "Correct what the row names and upload these rows again.",
    Outcome.WRONG_NETWORK: "Upload these rows for the network that the click's offer belongs to.",
    Outcome.NO_RULE: "Add an event rule for this status to the offer." + AGAIN,
    Outcome.BAD_CURRENCY: "Write a three-letter code such as USD and upload these rows again.",
}
MEANINGS = {
    Verdict.RECORDED: "A new conversion, which is told to TikTok by the offer's rules.",
    Verdict.UPDATED: "A fact that changes a conversion which is here already.",
    Verdict.DUPLICATE: "Recorded before. It is left out, so nothing counts twice.",
    Verdict.REFUSED: "These can't be taken. Each row says why.",
    Verdict.MATCHED: "The same here and in the report.",
    Verdict.MISSING_HERE: "In the report, and no postback has brought it here.",
    Verdict.MISSING_THERE: "Recorded here in these days, and the report does not have it.",
    Verdict.OTHER_AMOUNT: "The same conversion with another amount.",
    Verdict.OTHER_STATUS: "The same conversion with another status.",
}
WORDS = {
    State.WAITING: "The file waits for a worker. This takes a second or two while the workers run.",
    State.READING: "The file is being read.",
    State.CHECKING: "Each row is tried out, without keeping anything, to see what it would lead to.",
    State.COMPARING: "All rows are compared. Now the conversions are looked for that the report lacks.",
    State.CREATING: "The rows are brought in. You can leave this page: it goes on by itself, and nothing is doubled.",
}


@dataclass
class Group:
    """The rows of one verdict, and their sums by currency."""

    verdict: str
    count: int = 0
    creatable: int = 0
    sums: list[str] = field(default_factory=list)

    @property
    def count_shown(self) -> str:
        return f"{self.count:,}"

    @property
    def creatable_shown(self) -> str:
        return f"{self.creatable:,}"

    @property
    def label(self) -> str:
        """What would happen, or has happened when nothing is left to do."""
        return BROUGHT_IN if self.verdict in PROMISES and not self.creatable else str(Verdict(self.verdict).label)

    @property
    def badge(self) -> SafeString:
        return badge(self.label, TONES[Verdict(self.verdict)])

    @property
    def meaning(self) -> str:
        return MEANINGS[Verdict(self.verdict)]


def state_badge(upload: Upload) -> SafeString:
    return badge(upload.get_state_display(), "busy" if upload.is_working else STATE_TONES[State(upload.state)])


def groups_of(upload: Upload) -> list[Group]:
    """Count and sums of each verdict, in one query."""
    sums: dict[str, Any] = {"told": Sum("payout")}
    if upload.is_report:
        sums["here"] = Sum("conversion__payout")
    fresh = Count("pk", filter=Q(outcome__in=CHANGING, postback=None))
    found = upload.rows.exclude(verdict="").order_by().values("verdict", "currency")
    groups: dict[str, Group] = {}
    for line in found.annotate(count=Count("pk"), creatable=fresh, **sums):
        group = groups.setdefault(line["verdict"], Group(line["verdict"]))
        group.count += line["count"]
        group.creatable += line["creatable"]
        group.sums += [words] if (words := sum_of(line)) else []
    return [groups[verdict] for verdict in Verdict.values if verdict in groups]


def reasons_of(upload: Upload) -> list[tuple[str, str, str]]:
    """Why rows are refused: each reason with its count, the commonest first, and what to do about it."""
    rows = upload.rows.filter(verdict=Verdict.REFUSED).order_by()
    counts = rows.values_list("outcome").annotate(count=Count("pk")).order_by("-count")
    return [(Outcome(outcome).label, f"{count:,}", advice_on(outcome)) for outcome, count in counts if outcome]


def advice_on(outcome: str) -> str:
    """What to do about a row that is refused, which came from a file and not by a call."""
    return ADVICE.get(Outcome(outcome), Outcome(outcome).advice)


def sum_of(line: Mapping[str, Any]) -> str:
    """The money of a verdict's rows in one currency; of both sides where they differ."""
    told, here, currency = line["told"], line.get("here"), line["currency"]
    if told is None:
        return ""
    text = f"{money(told)} {currency}"
    is_compared = line["verdict"] in (Verdict.OTHER_AMOUNT, Verdict.OTHER_STATUS)
    return f"{text} in the report, {money(here)} here" if is_compared and here is not None else text


def money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def progress_of(upload: Upload) -> dict[str, Any]:
    """What the page asks for every second while a worker is at it."""
    total = upload.rows_total if upload.state in (State.CHECKING, State.CREATING) else 0
    done = min(upload.rows_done, total) if total else upload.rows_done
    rows = f"{done:,} of {total:,} rows" if total else f"{done:,} rows so far" if done else ""
    return {
        "state": upload.state,
        "working": upload.is_working,
        "percent": round(100 * done / total, 1) if total else None,
        "rows": rows,
    }


def columns_read(upload: Upload) -> str:
    """Which heading each field was read from."""
    places = sorted(upload.columns.items(), key=lambda column: column[1])
    return ", ".join(f"“{heading_at(upload, at)}” as {FIELDS[name]}" for name, at in places)


def columns_left(upload: Upload) -> str:
    """Headings that nothing was read from."""
    used = set(upload.columns.values())
    return ", ".join(f"“{heading}”" for at, heading in enumerate(upload.headings) if at not in used and heading)


def heading_at(upload: Upload, at: int) -> str:
    return upload.headings[at] if at < len(upload.headings) else f"column {at + 1}"


def page_of(upload: Upload, verdict: str, count: int, number: str) -> "Page[UploadRow]":
    """One page of the rows, of one verdict or of all."""
    rows = rows_of(upload, verdict).select_related("conversion", "postback")
    return KnownCount(rows, ROWS_A_PAGE, count).get_page(number)


def rows_of(upload: Upload, verdict: str) -> QuerySet[UploadRow]:
    rows = upload.rows.exclude(verdict="").order_by("number")
    return rows.filter(verdict=verdict) if verdict in Verdict.values else rows


class KnownCount(Paginator):  # type: ignore[type-arg]
    """Pages of rows that were counted already."""

    def __init__(self, rows: Any, per_page: int, count: int) -> None:
        super().__init__(rows, per_page)
        self.count = count


def line_of(row: UploadRow, upload: Upload) -> dict[str, Any]:
    """One row as the table shows it."""
    params, conversion = row.params, row.conversion
    in_file = row.verdict != Verdict.MISSING_THERE
    happened = params.get("occurred_at", "") or (f"{conversion.occurred_at:%Y-%m-%d %H:%M}" if conversion else "")
    return {
        "pk": row.pk,
        "number": f"{row.number:,}" if in_file else "–",
        "verdict": outcome_badge(row.postback) if row.postback else verdict_badge(row),
        "names": mono(shortened(row.transaction_id or row.click_ref or params.get("ttclid", ""), 34)),
        "status": params.get("status") or (conversion.get_status_display() if conversion and not in_file else "–"),
        "money": f"{row.payout} {row.currency}" if row.payout is not None else params.get("payout") or "–",
        "happened": happened[:19].replace("T", " ") or "–",
        "detail": (row.postback.detail if row.postback else row.detail) or "–",
        "led_to": led_to(row),
        "decides": row.verdict in BY_DECISION and row.outcome in CHANGING and row.postback_id is None,
    }


def verdict_badge(row: UploadRow) -> SafeString:
    return badge(Verdict(row.verdict).label, TONES[Verdict(row.verdict)])


def led_to(row: UploadRow) -> Any:
    """The postback that the row has become, else the conversion that it is about."""
    if row.postback:
        return admin_link(row.postback, f"Postback {row.postback_id}")
    return admin_link(row.conversion, "Conversion") if row.conversion else "–"
