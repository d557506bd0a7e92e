"""Postbacks that are digested again: after a repair, or with a person's help.

It goes a piece at a time, each in a transaction of its own, so that a million rows keep nobody else waiting.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from django.db import transaction
from django.db.models import BooleanField, Case, Func, QuerySet, When

from conversions import clock
from conversions.intake import reopen
from conversions.models import Postback
from conversions.models.postback import MATCH_SCHEDULE
from conversions.outcomes import TROUBLED, UNREADABLE, Outcome
from conversions.signals import recount
from conversions.wake import DIGEST, enqueue
from offers.encryption import SecretUnreadableError
from offers.models import Network

PIECE = 500
NEWEST = 2**63 - 1
TURN_SECONDS = 3.0
REPLAY_REST = "conversions.tasks.replay_rest"
QUEUED_AT_MOST = 1000  # more stretches than there are networks; a lost one is asked for again by whoever misses it


NOT_DECRYPTED = "FIELD_ENCRYPTION_KEYS decrypts the call or the network's key no more."


class How(IntEnum):
    """In which way postbacks are read again."""

    AS_SENT = 0
    WITHOUT_MACROS = 1
    WHERE_MAPPED = 2


@dataclass(frozen=True)
class Stretch:
    """What is to be replayed of one reason and network: the postbacks below a key, newest first."""

    outcome: str
    network_id: int
    how: How = How.AS_SENT
    below: int = NEWEST

    @classmethod
    def from_numbers(cls, reason: int, network_id: int, how: int, below: int) -> "Stretch":
        """What numbers() has told a task. Raises IndexError or ValueError for what no release here has told."""
        return cls(TROUBLED[reason], network_id, How(how), below)

    def numbers(self) -> tuple[int, int, int, int]:
        """The stretch as integers, which is all that the queue carries."""
        return TROUBLED.index(self.outcome), self.network_id, int(self.how), self.below

    def next_piece(self) -> list[tuple[int, str]]:
        """Keys and status words of the newest of them."""
        rows = troubled(self.outcome).filter(network=self.network_id, pk__lt=self.below)
        return list(rows.order_by("-pk").values_list("pk", "status_word")[:PIECE])


class IsTroubled(Func):
    """The condition of the index postback_troubled, word for word, as SQLite takes a partial index only then."""

    template = f"%(expressions)s IN ({', '.join(repr(outcome) for outcome in TROUBLED)})"
    output_field = BooleanField()


def troubled(outcome: str) -> "QuerySet[Postback]":
    """Postbacks of one troubled outcome, found by their index."""
    return Postback.objects.filter(IsTroubled("outcome"), outcome=outcome)


def stretches_of(outcome: str, network_id: int | None, how: How = How.AS_SENT) -> list[Stretch]:
    """All of one reason: of one network, or of every one."""
    networks = Network.objects.order_by("pk").values_list("pk", flat=True)
    return [Stretch(outcome, key, how) for key in (networks if network_id is None else [network_id])]


def replay(keys: Sequence[int], now: datetime, how: How = How.AS_SENT) -> int:
    """Have postbacks digested again; how many will be. Facts already in the ledger do not count twice.

    A call that could not be read stays as it is: nothing of it was kept that could be read now. One whose signature
    was refused comes through when a key of today proves it. Without their macros, only those with one are read.
    """
    return sum(replay_piece(keys[start : start + PIECE], now, how) for start in range(0, len(keys), PIECE))


@transaction.atomic
def replay_piece(keys: Sequence[int], now: datetime, how: How) -> int:
    rows = Postback.objects.filter(pk__in=keys)
    if how == How.WITHOUT_MACROS:
        rows = rows.filter(outcome=Outcome.UNREPLACED_MACRO)
    outcomes = dict(rows.select_for_update().order_by("pk").values_list("pk", "outcome"))
    refused = [key for key, outcome in outcomes.items() if outcome == Outcome.BAD_SIGNATURE]
    readable = [key for key, outcome in outcomes.items() if outcome not in (*UNREADABLE, Outcome.BAD_SIGNATURE)]
    changes = {"leaves_out_macros": True} if how == How.WITHOUT_MACROS else {}
    too_old = When(received_at__lt=now - MATCH_SCHEDULE[-1], then=len(MATCH_SCHEDULE))
    tries = Case(too_old, default=0)  # one look for a click is enough where every further one would follow at once
    count = Postback.objects.filter(pk__in=readable).update(due_at=now, tries=tries, **changes)
    sealed = Postback.objects.filter(pk__in=refused).exclude(sealed_call="").select_related("network")
    return count + sum(check_again(postback, now) for postback in sealed)


def check_again(postback: Postback, now: datetime) -> bool:
    """Whether a refused call is proven by a key of today; it is stored either way."""
    try:
        is_proven = reopen(postback, now)
    except SecretUnreadableError:
        is_proven = False
        postback.settle(Outcome.BAD_SIGNATURE, NOT_DECRYPTED, now)
    if is_proven and not postback.network.accepts_ip(postback.remote_ip):
        postback.outcome, postback.detail = Outcome.IP_NOT_ALLOWED, f"{postback.remote_ip} is not in the list."
    if postback.outcome != Outcome.BAD_SIGNATURE:
        postback.sealed_call = ""
    postback.save()
    recount(postbacks=[postback.pk])
    return is_proven


def replay_some(stretches: Sequence[Stretch], seconds: float = TURN_SECONDS) -> tuple[int, list[Stretch]]:
    """Replay piece after piece for so many seconds, one piece at the least; how many, and what is left to do."""
    count, ends_at, left = 0, time.monotonic() + seconds, list(stretches)
    while left:
        first, *others = left
        replayed, rest = replay_next(first)
        count += replayed
        left = [rest, *others] if rest else others
        if time.monotonic() >= ends_at:
            break
    return count, left


def replay_next(stretch: Stretch) -> tuple[int, Stretch | None]:
    """Replay the newest piece of a stretch; how many, and what is left of it."""
    found = stretch.next_piece()
    if not found:
        return 0, None
    keys = mapped_of(found, stretch.network_id) if stretch.how == How.WHERE_MAPPED else [key for key, _ in found]
    count = replay(keys, clock.now(), stretch.how)
    return count, replace(stretch, below=found[-1][0]) if len(found) == PIECE else None


def mapped_of(found: Sequence[tuple[int, str]], network_id: int) -> list[int]:
    """The keys of those whose word the network's map knows now."""
    network = Network.objects.get(pk=network_id)
    mapped = {word for word in {word for _, word in found} if word and network.to_status(word)}
    return [key for key, word in found if word in mapped]


def replay_all(stretches: Sequence[Stretch]) -> tuple[int, bool]:
    """Replay what a request has time for and give the rest to the workers; how many so far, and whether that's all."""
    count, left = replay_some(stretches)
    enqueue(DIGEST)
    hand_over(left)
    return count, not left


def hand_over(stretches: Sequence[Stretch]) -> None:
    """Have the workers go on. A task that gets lost leaves rows as they are, and counted as such in the inbox."""
    for stretch in stretches:
        enqueue(REPLAY_REST, *stretch.numbers(), enough=QUEUED_AT_MOST)
