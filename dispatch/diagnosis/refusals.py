"""Calls that led to nothing and may have been about what is traced: the newest of each reason.

What was refused before it was read is not known by its click, so it is looked at itself. How many that are is bounded
by networks and reasons, each found by the index of what is troubled.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from django.db.models.expressions import RawSQL

from conversions.click_ids import LENGTH, is_click_id
from conversions.models import Click, Postback
from conversions.networks.generic import values_of
from conversions.networks.values import is_no_click_id
from conversions.outcomes import TROUBLED, Outcome
from conversions.replaying import troubled
from offers.models import Network

NEWEST_OF_EACH = 50
MOST_NETWORKS = 20
MOST_WAITING = 500
ANY_NETWORK = -1
Part = tuple[str, tuple[Any, ...]]
ALIKE = 12  # characters: as many alike are no coincidence, for ids of one moment differ in the random part
WORD = re.compile(r"[^&=?;,:{}\"'\s]+")  # of a query, or of a body in JSON
NAMELESS = frozenset(
    {
        Outcome.UNREPLACED_MACRO,
        Outcome.MISSING_CLICK_ID,
        Outcome.UNMATCHED_CLICK,
        Outcome.BAD_SIGNATURE,
        Outcome.IP_NOT_ALLOWED,
        Outcome.UNDECODABLE,
        Outcome.TOO_LARGE,
        Outcome.REPEATED_PARAMETER,
        Outcome.FAILED,
    }
)
"""Of these nobody knows which click they are about, unless it stands in them."""


def newest(networks: Sequence[int]) -> list[Postback]:
    """The newest refused calls of each reason and network, the oldest of them first; one query."""
    parts = [part(outcome, network) for network in networks[:MOST_NETWORKS] for outcome in TROUBLED]
    if not parts:
        return []
    rows = Postback.objects.filter(pk__in=together(parts)).select_related("network")
    return list(rows.defer("sealed_call").order_by("pk"))


def waiting(now: datetime) -> list[Postback]:
    """The newest calls that no worker has digested so far; one query along the index of what is due."""
    rows = Postback.objects.filter(due_at__lte=now, outcome=Outcome.RECEIVED, is_test=False)
    return list(rows.select_related("network").defer("sealed_call").order_by("-due_at")[:MOST_WAITING])[::-1]


def together(parts: Sequence[Part]) -> RawSQL:
    """Keys of any of them. Django's union() takes no LIMIT in its parts on SQLite, where it may stand further in."""
    texts = (f"SELECT * FROM ({sql}) part{number}" for number, (sql, _) in enumerate(parts))  # noqa: S608 - our own
    return RawSQL(" UNION ALL ".join(texts), [value for _, values in parts for value in values])  # noqa: S611 - same


def part(outcome: str, network: int) -> Part:
    """The query for the newest keys of one outcome and network."""
    sql, values = pattern(outcome)
    return sql, tuple(network if value == ANY_NETWORK else value for value in values)


@cache
def pattern(outcome: str) -> Part:
    """The same for no network in particular: making the text takes longer than the database needs for it."""
    rows = troubled(outcome).filter(network=ANY_NETWORK, is_test=False)
    return rows.order_by("-pk").values("pk")[:NEWEST_OF_EACH].query.sql_with_params()


def busiest_networks() -> list[int]:
    """Those that called last: where nothing says which network is meant."""
    return list(Network.objects.order_by("-heard_at", "pk").values_list("pk", flat=True)[:MOST_NETWORKS])


def names(postback: Postback, texts: Iterable[str]) -> bool:
    """Whether one of the ids stands in the call: as a parameter, or in the beginning of what could not be read."""
    wanted = [text.lower() for text in texts if text]
    raw = postback.raw_call.lower()
    said = {str(value).strip().lower() for value in postback.params.values()}
    said |= {postback.click_ref, postback.transaction_id.lower(), *map(unquote_plus, WORD.findall(raw))}
    return any(text in said or (len(text) >= 6 and text in raw) for text in wanted)


def is_changed(postback: Postback, click_id: str) -> bool:
    """Whether the call names this click with its id cut off or lengthened."""
    said = postback.click_ref
    if postback.outcome != Outcome.UNMATCHED_CLICK or said == click_id or len(said) < ALIKE:
        return False
    return click_id.startswith(said) or said.startswith(click_id) or (len(said) < LENGTH and said in click_id)


def near_clicks(postbacks: Iterable[Postback]) -> list[str]:
    """The clicks that stand in what could not be read, and those whose id a call has cut off or lengthened.

    The latter are found by the index, so not those that lack the front.

    A cut id leads to the ids between it and itself with the last letter of all behind it.
    """
    keys: list[str] = []
    for postback in postbacks:
        keys += filter(is_click_id, WORD.findall(postback.raw_call.lower()))
        said = postback.click_ref
        if postback.outcome == Outcome.UNMATCHED_CLICK and len(said) >= ALIKE and not is_click_id(said):
            whole, rest = said[:LENGTH], "z" * (LENGTH - len(said))
            near = Click.objects.filter(pk=whole) if not rest else Click.objects.filter(pk__range=(said, said + rest))
            found = near.order_by("pk").values_list("pk", flat=True)[:2]
            keys += [key for key in found if is_changed(postback, key)] if len(found) == 1 else []
    return keys


def said_click(postback: Postback) -> str:
    """The click id that a call names, as far as that can be told without digesting it; empty for a macro."""
    said = postback.attached_to or postback.click_ref or values_of(postback.params, postback.network)["click_id"]
    return "" if is_no_click_id(said) else said.lower()[:100]


def reason_of(postback: Postback) -> Outcome:
    """Why it led to nothing; one without a click id waits for its transaction as others do for their click."""
    is_nameless = postback.outcome == Outcome.UNMATCHED_CLICK and not said_click(postback)
    return Outcome.MISSING_CLICK_ID if is_nameless else Outcome(postback.outcome)


def is_about_somebody_unknown(postback: Postback) -> bool:
    """Whether it was refused without saying which click it is about."""
    return Outcome(postback.outcome) in NAMELESS and not said_click(postback)
