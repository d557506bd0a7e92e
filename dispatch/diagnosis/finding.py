"""What a pasted id leads to, by indexes alone: clicks, conversions, calls of networks, rows of uploaded files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Model, QuerySet

from conversions.click_ids import is_click_id
from conversions.models import Click, Conversion, Postback, Upload, UploadRow
from dispatch import clock
from dispatch.diagnosis import refusals
from dispatch.diagnosis.advice import advice_for
from dispatch.diagnosis.typed import Typed
from dispatch.models import Delivery

MOST_SUBJECTS = 20
UPLOADS_LOOKED_INTO = 50
Row = TypeVar("Row", bound=Model)


class NothingFoundError(LookupError):
    """Nothing here has this id; `advice` says what was looked for and where to look now."""

    def __init__(self, advice: str) -> None:
        super().__init__(advice)
        self.advice = advice


@dataclass
class Found:
    """What was asked for itself; what belongs to it is read afterwards. `near` are clicks that calls nearly name."""

    typed: Typed
    clicks: list[str] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    postbacks: list[Postback] = field(default_factory=list)
    rows: list[UploadRow] = field(default_factory=list)
    near: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.clicks or self.conversions or self.postbacks or self.rows)

    @property
    def click_ids(self) -> set[str]:
        """Of everything that was found."""
        named = {refusals.said_click(postback) for postback in self.postbacks}
        named |= {row.click_ref for row in self.rows} | {*self.clicks, *self.near}
        of_calls = {postback.conversion.click_id for postback in self.postbacks if postback.conversion}
        return {key for key in named if is_click_id(key)} | of_calls | {row.click_id for row in self.conversions}


def find(typed: Typed) -> Found:
    """Raises NothingFoundError."""
    if not typed.text:
        raise NothingFoundError(advice_for(typed))
    found = by_ids(typed) or by_number(typed) or by_refused_calls(typed)
    if not found:
        raise NothingFoundError(advice_for(typed))
    found.near = refusals.near_clicks(found.postbacks)
    return found


def by_ids(typed: Typed) -> Found:
    return Found(
        typed,
        clicks=list(Click.objects.filter(pk=typed.click_id).values_list("pk", flat=True)) if typed.click_id else [],
        conversions=unique(conversions_named(typed)),
        postbacks=unique(postbacks_named(typed)),
        rows=unique(rows_named(typed)),
    )


def unique(lists: Iterable["QuerySet[Row]"]) -> list[Row]:
    """The newest of each list; each is asked for by itself, as one index serves one of them."""
    rows = {row.pk: row for rows in lists for row in rows.order_by("-pk")[:MOST_SUBJECTS]}
    return [rows[key] for key in sorted(rows, reverse=True)][:MOST_SUBJECTS]


def conversions_named(typed: Typed) -> Iterator["QuerySet[Conversion]"]:
    """By event_id, transaction, or the number of a delivery; a conversion's own number comes after all others."""
    rows = Conversion.objects.select_related("offer")
    delivery = typed.number_of("delivery")
    if delivery is not None:
        yield rows.filter(pk__in=Delivery.objects.filter(pk=delivery).values("conversion"))
    if typed.event_id:
        yield rows.filter(event_id=typed.event_id)
    if typed.transaction_id:
        yield rows.filter(transaction_id=typed.transaction_id).exclude(transaction_id="")


def postbacks_named(typed: Typed) -> Iterator["QuerySet[Postback]"]:
    rows = Postback.objects.select_related("network", "conversion").defer("sealed_call")
    number = typed.number_of("postback")
    if number is not None:
        yield rows.filter(pk=number)
    if typed.click_ref:
        yield rows.filter(click_ref=typed.click_ref).exclude(click_ref="")
    if typed.transaction_id:
        yield rows.filter(transaction_id=typed.transaction_id).exclude(transaction_id="")


def rows_named(typed: Typed) -> Iterator["QuerySet[UploadRow]"]:
    """Rows of files that no call was made of so far; transactions of the newest files only."""
    rows = UploadRow.objects.filter(postback=None, conversion=None).select_related("upload__network")
    if typed.click_ref:
        yield rows.filter(click_ref=typed.click_ref).exclude(click_ref="")
    if typed.transaction_id:
        uploads = list(Upload.objects.order_by("-pk").values_list("pk", flat=True)[:UPLOADS_LOOKED_INTO])
        yield rows.filter(upload__in=uploads, transaction_id=typed.transaction_id).exclude(transaction_id="")


def by_number(typed: Typed) -> Found:
    """A number that is nobody's transaction is a conversion's own."""
    number = typed.number_of("conversion")
    rows = Conversion.objects.select_related("offer").filter(pk=number) if number is not None else []
    return Found(typed, conversions=list(rows))


def by_refused_calls(typed: Typed) -> Found:
    """What was refused before it was read is known by no index, so the newest of it is looked through."""
    if typed.kind not in ("", "click", "transaction"):
        return Found(typed)
    refused = [*refusals.newest(refusals.busiest_networks()), *refusals.waiting(clock.now())]
    named = [row for row in refused if refusals.names(row, [typed.text])]
    return Found(typed, postbacks=newest_first(named)[:MOST_SUBJECTS])


def newest_first(rows: Iterable[Postback]) -> list[Postback]:
    return sorted(rows, key=lambda row: -row.pk)
