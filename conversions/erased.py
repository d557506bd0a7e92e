"""Who was erased on request, known by keyed digests alone: what comes later of them is not taken in again.

A digest of an address can be guessed by whoever has a list of addresses, so what stays here is an HMAC of it, under a
key that FIELD_ENCRYPTION_KEYS give and the database does not have.
"""

import hmac
import time
from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db import connection

from conversions.models import Erasure, Postback, UploadRow
from offers.encryption import field_keys

Subject = Erasure.Subject
Named = tuple[str, str]
"""What names a person: by what (one of Subject), and the click id or digest."""

KEPT_SECONDS = 3.0
LOCK = 5_202_611  # any number that no other advisory lock of this database has
DIGESTS = {Subject.EMAIL: "email_sha256", Subject.PHONE: "phone_sha256"}
Row = TypeVar("Row", Postback, UploadRow)


def marking_keys() -> list[bytes]:
    """The first one marks; the older ones tell whom they have marked."""
    return [hmac.digest(key, b"erasures", "sha256") for key in field_keys().values()]


def marks_of(named: Named, keys: Sequence[bytes] = ()) -> list[str]:
    """How an erasure of it is marked: under the first key, which is the one to store, then under each older one."""
    text = ":".join(named).encode()
    return [hmac.digest(key, text, "sha256").hex() for key in keys or marking_keys()]


def erased_among(names: Iterable[Named]) -> set[Named]:
    """Those of the names that were erased: no query for no names, and nothing is computed where nobody ever was."""
    given = {named for named in names if named[1]}
    return marked_among(given) if given and Erasure.objects.exists() else set()


def marked_among(given: Iterable[Named]) -> set[Named]:
    keys = marking_keys()
    marks = {mark: named for named in given for mark in marks_of(named, keys)}
    found = Erasure.objects.filter(key__in=marks).order_by().values_list("key", flat=True)
    return {marks[mark] for mark in found}


def names_in(row: Postback | UploadRow) -> list[Named]:
    """The digests that a call or a row of a file names somebody by."""
    return [(subject, digest) for subject, column in DIGESTS.items() if (digest := getattr(row, column))]


def drop_erased(rows: Sequence[Row]) -> list[Row]:
    """Take both digests from rows that name an erased person by either; those rows. Does not save."""
    return drop(rows, erased_among(named for row in rows for named in names_in(row)))


def drop(rows: Sequence[Row], known: set[Named]) -> list[Row]:
    dropped = [row for row in rows if not known.isdisjoint(names_in(row))] if known else []
    for row in dropped:
        row.email_sha256 = row.phone_sha256 = ""
    return dropped


class Emptiness:
    """Whether nobody was ever erased, asked anew every few seconds: so most calls cost nothing.

    The digest asks the table itself, so nothing slips by in those seconds.
    """

    def __init__(self) -> None:
        self.was_empty, self.known_until = False, 0.0

    def lasts(self) -> bool:
        if time.monotonic() >= self.known_until:
            self.was_empty, self.known_until = not Erasure.objects.exists(), time.monotonic() + KEPT_SECONDS
        return self.was_empty

    def forget(self) -> None:
        self.known_until = 0.0


emptiness = Emptiness()


def drop_erased_on_arrival(postback: Postback) -> None:
    """Take the digests from a call that names an erased person. Does not save."""
    names = names_in(postback)
    if names and not emptiness.lasts():
        drop([postback], marked_among(names))


def let_nobody_be_erased() -> None:
    """Until this transaction ends nobody is erased: what it takes in can be found by the erasure after it.

    The first thing to lock, before any row. The rows' own locks would not do: PostgreSQL checks our foreign keys when
    the transaction ends. SQLite has one writer in any case.
    """
    lock("pg_advisory_xact_lock_shared")


def let_nothing_be_taken_in() -> None:
    """Wait for all who take in digests, and keep them waiting until this transaction ends."""
    lock("pg_advisory_xact_lock")


def lock(function: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}({LOCK})")
