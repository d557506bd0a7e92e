"""Where clicks came from, under one key each."""

from collections.abc import Iterable
from typing import Any

import orjson

from conversions.identity import sha256
from dispatch.models import Source
from dispatch.models.stale_slot import pieces


def digest_of(offer_id: int, values: Iterable[str]) -> str:
    """What a source is known by: the offer's key and the six values."""
    return sha256(orjson.dumps([offer_id, *values]).decode())


def keys_of(offer_id: int, sources: Iterable[tuple[str, ...]], make: bool) -> dict[tuple[str, ...], Any]:
    """The primary keys of sources by their values; one that is new is made, or is its digest where none may be."""
    digests = {digest_of(offer_id, values): values for values in sources}
    known = stored(digests)
    if make and len(known) < len(digests):
        new = sorted(digests.keys() - known.keys())  # in order, so that two who make the same don't wait crosswise
        Source.objects.bulk_create((source(offer_id, digest, digests[digest]) for digest in new), ignore_conflicts=True)
        known = stored(digests)
    return {values: known.get(digest, digest) for digest, values in digests.items()}


def stored(digests: Iterable[str]) -> dict[str, int]:
    found = (Source.objects.filter(digest__in=part).values_list("digest", "pk") for part in pieces(digests))
    return {digest: key for part in found for digest, key in part}


def source(offer_id: int, digest: str, values: tuple[str, ...]) -> Source:
    return Source(offer_id=offer_id, digest=digest, **dict(zip(Source.DIMENSIONS, values, strict=True)))
