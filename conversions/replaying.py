"""Postbacks that are digested again: after a repair, or with a person's help."""

from collections.abc import Sequence
from datetime import datetime

from conversions.intake import reopen
from conversions.models import Postback
from conversions.outcomes import UNREADABLE, Outcome


def replay(keys: Sequence[int], now: datetime) -> int:
    """Have postbacks digested again; how many will be. Facts already in the ledger do not count twice.

    A call that could not be read stays as it is: nothing of it was kept that could be read now. One whose signature
    was refused comes through when a key of today proves it.
    """
    rows = Postback.objects.filter(pk__in=keys)
    readable = rows.exclude(outcome__in=[*UNREADABLE, Outcome.BAD_SIGNATURE]).update(due_at=now, tries=0)
    refused = rows.filter(outcome=Outcome.BAD_SIGNATURE).exclude(sealed_call="").select_related("network")
    return readable + sum(check_again(postback, now) for postback in refused)


def check_again(postback: Postback, now: datetime) -> bool:
    """Whether a refused call is proven by a key of today; it is stored either way."""
    is_proven = reopen(postback, now)
    postback.save()
    return is_proven
