"""What of the recorded rows goes when it is old: raw postbacks, and the visitors' addresses, browsers and digests."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from conversions.identity import HIDDEN
from conversions.models import Click, Conversion, Postback, Sighting, StrangePage
from conversions.models.click import WITH_VISITOR
from conversions.models.conversion import WITH_DIGEST
from conversions.outcomes import Outcome
from conversions.replaying import troubled
from conversions.stripping import IP_HIDDEN

BATCH_SIZE = 500
# What networks call the visitor's address and browser, where a macro for it stands in the postback URL.
VISITOR_KEY = re.compile(
    r"(?:[a-z]+[-_])?ip(?:[-_]?addr(?:ess)?|[-_]?v?[46])?|(?:[a-z]+[-_])?(?:ua|user[-_]?agent|browser)", re.IGNORECASE
)
Rows = QuerySet[Any]
NONE = Q(pk__in=[])


@dataclass(frozen=True)
class Chore:
    """One thing that goes with age.

    `rows` have it still; the column `age` says how old they are, and where rows are `in_order`, a later primary key is
    a younger row. What fits `kept` stays whatever its age. `prune` takes it away from rows and says from how many.
    """

    rows: Rows
    age: str
    kept: Q
    prune: Callable[[Rows], int]
    in_order: bool = True

    def batches(self, before: datetime, dry_run: bool = False) -> Iterator[int]:
        """Prune what is older, a short transaction at a time; the number that went after each, or that would go.

        It may be left after any of them, and two may be at it at once: each row is judged again as it goes.
        """
        rows = self.rows if self.in_order else self.rows.filter(**{f"{self.age}__lt": before})
        rows = rows.order_by("pk")
        found = list(rows.values_list("pk", self.age)[:BATCH_SIZE])
        while old := [key for key, moment in found if moment < before]:
            going = self.rows.filter(pk__in=old).exclude(self.kept)
            yield going.count() if dry_run else self.prune(going)
            found = list(rows.filter(pk__gt=found[-1][0]).values_list("pk", self.age)[:BATCH_SIZE])


def delete(rows: Rows) -> int:
    """Delete rows that nothing else points to, in one statement."""
    return rows.delete()[0]


def delete_postbacks(rows: Rows) -> int:
    """Delete postbacks; ledger entries that came by them stand for themselves. One that is being replayed stays."""
    with transaction.atomic():
        keys = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        return Postback.objects.filter(pk__in=keys).only("pk").delete()[0]


def forget_addresses(rows: Rows) -> int:
    """Forget who called and who the visitor was, also in what the network sent and in the words of a refusal."""
    with transaction.atomic():
        found = dict(rows.select_for_update(skip_locked=True).values_list("pk", "params"))
        known = Postback.objects.filter(pk__in=found)
        known.filter(outcome=Outcome.IP_NOT_ALLOWED).update(detail=IP_HIDDEN)
        for key, params in found.items():
            if any(VISITOR_KEY.fullmatch(name) for name in params):
                Postback.objects.filter(pk=key).update(params=without_visitor(params))
        return known.update(remote_ip=None, raw_call="", email_sha256="", phone_sha256="")


def without_visitor(params: dict[str, str]) -> dict[str, str]:
    return {name: HIDDEN if VISITOR_KEY.fullmatch(name) else value for name, value in params.items()}


def postbacks() -> Chore:
    """Raw calls. The ledger keeps the idempotency keys and the money, so that a repetition stays one."""
    return Chore(Postback.objects.all(), "received_at", UNDIGESTED, delete_postbacks)


def callers() -> Chore:
    """The addresses that postbacks came from, with what else in them may name the visitor, digests included."""
    return Chore(Postback.objects.filter(remote_ip__isnull=False), "received_at", UNDIGESTED, forget_addresses)


def sealed_calls() -> Chore:
    """Calls with a refused signature, which are kept whole and encrypted until a key proves them: with all that the
    network says of the buyer. Their reason and what else can be shown of them stays."""
    rows = troubled(Outcome.BAD_SIGNATURE).exclude(sealed_call="")
    return Chore(rows, "received_at", NONE, lambda rows: rows.update(sealed_call=""))


def visitors(unfinished: QuerySet[Any]) -> Chore:
    """The address, browser and digests of clicks. `unfinished` are the deliveries that may still be built from them."""
    unplanned = Conversion.objects.unplanned().filter(click=OuterRef("pk"))
    to_send = unfinished.filter(conversion__click=OuterRef("pk"))
    kept = Q(Exists(unplanned)) | Q(Exists(to_send))
    return Chore(Click.objects.filter(WITH_VISITOR), "created_at", kept, lambda rows: rows.update(**NOBODY))


NOBODY = {"ip": None, "user_agent": "", "email_sha256": "", "phone_sha256": "", "external_id_sha256": ""}


def buyers(unfinished: QuerySet[Any]) -> Chore:
    """The digests of conversions, as long as no delivery may still be built from them."""
    kept = Q(planned_at=None) | Q(Exists(unfinished.filter(conversion=OuterRef("pk"))))
    rows = Conversion.objects.filter(WITH_DIGEST)
    return Chore(rows, "created_at", kept, lambda rows: rows.update(email_sha256="", phone_sha256=""))


def sightings() -> Chore:
    """What browsers said of the Pixel. An event that old is not fired again whatever it says."""
    return Chore(Sighting.objects.all(), "created_at", NONE, delete)


def strange_pages() -> Chore:
    """Pages that are none of an offer's and have not called for so long."""
    return Chore(StrangePage.objects.all(), "last_at", NONE, delete, in_order=False)


# Waiting for the digest, for their click, or for a replay.
UNDIGESTED = Q(due_at__isnull=False) | Q(outcome=Outcome.RECEIVED)
