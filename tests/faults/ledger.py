"""The invariant, held against the rows of the site, the answers that a network got, and what reached TikTok.

1. A postback that was answered with 200 is exactly one conversion, however often it was sent; one that was never
   answered with 200 is one conversion or none.
2. Each conversion is promised once, under one event_id; its event reached TikTok, or is dead, held or waiting with a
   reason that people can see. What is accepted did reach TikTok.
3. TikTok got nothing else, no broken contract, and nobody got an answer that blames the site.
4. A copy too many carries the same event_id, name, pixel and value, and the outcome of the copy before it was lost to
   a fault: see `is_excused`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from conversions.models import Conversion
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.tiktok.codes import Verdict
from tests.faults.network import Sale

Status = Delivery.Status
Key = tuple[str, str, str]
HIDE_THE_ANSWER = frozenset({"delay", "drip", "drip_headers", "accept_then_reset"})
"""Modes in which the sandbox takes the events and the sender learns nothing of it."""
MAY_ANSWER = frozenset({0, 200, 503})
SLACK = timedelta(milliseconds=100)
ON_RECORD = frozenset({Status.DEAD, Status.HELD})


@dataclass(frozen=True)
class Fault:
    """What was done to the site, and between which Unix seconds it lasted."""

    kind: str
    began: float
    ended: float


@dataclass
class Evidence:
    """Everything that was seen. `settles_within`: so many seconds after a copy arrived, its outcome is on record."""

    sales: list[Sale]
    copies: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    faults: list[Fault]
    deadline: float
    settles_within: float


def violations(evidence: Evidence) -> list[str]:
    """What breaks the invariant, in words; empty when nothing does."""
    checks = (answers, conversions, promises, arrivals, contract, surplus)
    return [f"{check.__name__}: {words}" for check in checks for words in check(evidence)]


def answers(evidence: Evidence) -> Iterator[str]:
    for sale in evidence.sales:
        wrong = set(sale.answers) - MAY_ANSWER
        if wrong:
            yield f"{sale.transaction_id} was answered with {sorted(wrong)}"


def conversions(evidence: Evidence) -> Iterator[str]:
    found = Counter(Conversion.objects.values_list("transaction_id", flat=True))
    entries = Counter(Conversion.objects.values_list("transaction_id", "ledger_entries"))
    doubled = Counter(transaction_id for transaction_id, _ in entries)
    for sale in evidence.sales:
        count = found.pop(sale.transaction_id, 0)
        if count > 1 or (sale.is_confirmed and not count):
            yield f"{sale.transaction_id} was answered {sale.answers} and is {count} conversions"
        if doubled[sale.transaction_id] > 1:
            yield f"{sale.transaction_id} counts {doubled[sale.transaction_id]} times in the ledger"
    yield from (f"{transaction_id} was never reported" for transaction_id in found)


def promises(evidence: Evidence) -> Iterator[str]:
    """One delivery a conversion, and whatever keeps it from TikTok can be seen."""
    rows = Delivery.objects.select_related("conversion", "pixel")
    promised = Counter(row.conversion_id for row in rows)
    for key in Conversion.objects.values_list("pk", flat=True):
        if promised[key] != 1:
            yield f"conversion {key} has {promised[key]} deliveries"
    for row in rows:
        if row.event_id != row.conversion.event_id or row.event_name != row.conversion.event_name:
            yield f"delivery {row.pk} speaks of another event than its conversion"
        if row.status == Status.ACCEPTED or (row.status in ON_RECORD and row.reason):
            continue
        if row.status == Status.WAITING and row.pixel.paused_by and row.pixel.paused_reason:
            continue
        yield f"delivery {row.pk} is {row.status} ({row.reason or 'no reason'}) and nobody knows why"


def arrivals(evidence: Evidence) -> Iterator[str]:
    """What is accepted has arrived, and nothing else than what was promised."""
    arrived = {key_of(copy) for copy in evidence.copies}
    rows = Delivery.objects.select_related("pixel", "conversion")
    promised = {(row.pixel.code, row.event_name, str(row.event_id)): row for row in rows}
    yield from (f"{key} arrived, and nobody promised it" for key in arrived - promised.keys())
    for key, row in promised.items():
        if row.status == Status.ACCEPTED and key not in arrived:
            yield f"delivery {row.pk} is said to be accepted and never arrived"
    for copy in evidence.copies:
        row = promised.get(key_of(copy))
        if row and copy["payload"]["properties"]["value"] != float(row.conversion.payout or 0):
            yield f"delivery {row.pk} arrived with another value"


def contract(evidence: Evidence) -> Iterator[str]:
    """In the modes that judge a request honestly, it is right; a revoked token is not the request's fault."""
    honest = {"ok", *HIDE_THE_ANSWER}
    for request in evidence.requests:
        if request["mode"] in honest and request["code"] not in (0, 40105):
            yield f"TikTok refused: {request['code']} {request['message']}"


def surplus(evidence: Evidence) -> Iterator[str]:
    """Each copy of an event but the last one was lost to a fault, or there would be no further one."""
    modes = {(request["received_at"], request["pixel_code"]): request["mode"] for request in evidence.requests}
    by_event: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for copy in evidence.copies:
        by_event[key_of(copy)].append(copy)
    for key, copies in by_event.items():
        for copy, following in pairwise(copies):
            mode, attempt = modes[copy["received_at"], copy["pixel_code"]], attempt_of(copy)
            if not is_excused(copy, mode, attempt, evidence):
                gap = following["received_at"] - copy["received_at"]
                seen = f"attempt {attempt.pk} {attempt.verdict}" if attempt else "no attempt on record"
                yield f"{key} came again after {gap:.2f} s without a fault (mode {mode}, {seen})"


def is_excused(copy: dict[str, Any], mode: str, attempt: DeliveryAttempt | None, evidence: Evidence) -> bool:
    """Whether the outcome of this copy was lost to a fault, so that it had to be sent again.

    Either the sandbox hid its answer, which is on record as unknown. Or the answer took longer than the deadline, be
    it because the machine was busy, which is on record too. Or nobody is left who knows: the sender was killed, or the
    database was away, between the copy's arrival and the moment when its outcome would have been on record, which is a
    deadline and the patience for a database later. When the copy too many comes does not matter: when the lease has
    run out, a retry is due, or a person has re-queued it. What is on record as accepted has no excuse, unless the
    record was late: made when the lease had run out while the database was away.
    """
    since, until = copy["received_at"], copy["received_at"] + evidence.settles_within
    at_the_time = [fault for fault in evidence.faults if fault.began <= until and fault.ended >= since]
    if attempt is None:
        return bool(at_the_time)
    if attempt.verdict == Verdict.UNKNOWN:
        return mode in HIDE_THE_ANSWER or attempt.duration_ms >= 900 * evidence.deadline
    return any(fault.kind == "database" for fault in at_the_time)


def attempt_of(copy: dict[str, Any]) -> DeliveryAttempt | None:
    """The try on record during which this copy arrived."""
    received_at = datetime.fromtimestamp(copy["received_at"], UTC)
    for attempt in DeliveryAttempt.objects.filter(delivery__event_id=copy["event_id"]):
        ended_at = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
        if attempt.started_at - SLACK <= received_at <= ended_at + SLACK:
            return attempt
    return None


def key_of(copy: dict[str, Any]) -> Key:
    return copy["pixel_code"], copy["event"], copy["event_id"]
