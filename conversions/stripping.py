"""What stays of a call or of a row of a file when its person is erased: what the ledger needs to read it again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conversions.identity import HIDDEN, is_personal
from conversions.models import Postback, UploadRow
from conversions.models.postback import FROM_FILE
from conversions.networks import adapter_of
from conversions.networks.beside import MONEY, WORDS
from conversions.networks.generic import ALIASES, BESIDE
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.uploaded import UPLOADED, read_postback
from conversions.outcomes import Outcome

MOST_TRIED = 200  # each parameter is one more reading of all of them
OF_ROWS = frozenset({*ALIASES, *MONEY, "offer", "upload", "row", UPLOADED})
BESIDE_MONEY = frozenset(name for field in MONEY for name in BESIDE[field])
OF_PERSON = frozenset(name for field in WORDS for name in (field, *BESIDE[field]))
IP_HIDDEN = "The address was not in the list."
STRIPPED = ["params", "raw_call", "sealed_call", "remote_ip", "email_sha256", "phone_sha256", "detail"]


def strip_call(postback: Postback) -> None:
    """Take everything from a call that tells of a person. Does not save: STRIPPED are the fields."""
    postback.params = stripped(postback)
    postback.raw_call = postback.sealed_call = ""
    postback.remote_ip = None
    postback.email_sha256 = postback.phone_sha256 = ""
    if postback.outcome == Outcome.IP_NOT_ALLOWED:
        postback.detail = IP_HIDDEN


def strip_row(row: UploadRow) -> None:
    """The same of a row of a file. What was known by its ttclid is known by its click from now on. Does not save."""
    kept = {name: value for name, value in row.params.items() if name in OF_ROWS}
    row.params = {**kept, "click_id": row.click_ref} if row.click_ref else kept
    row.email_sha256 = row.phone_sha256 = ""


def stripped(postback: Postback) -> dict[str, str]:
    """The parameters, hidden as far as reading them says the same without: a replay finds the same fact."""
    said, kept, spoken = impersonal(postback, postback.params), dict(postback.params), needed_names(postback)
    stays = isinstance(said, tuple) or len(kept) > MOST_TRIED or postback.method == FROM_FILE
    for name, value in postback.params.items():
        if stays and name.casefold() in spoken and not is_personal(name):
            continue  # whoever mends what it was refused for has it read further than now
        kept[name] = HIDDEN
        if len(kept) <= MOST_TRIED and impersonal(postback, kept) != said:
            kept[name] = value
    return kept


def impersonal(postback: Postback, params: Mapping[str, str]) -> Any:
    """What the digest understands, but for the words that describe the person."""
    said = reading(postback, params)
    if not isinstance(said, PostbackRecord):
        return said
    return replace(said, beside=replace(said.beside, segment="", lead_quality="", unread=""))


def needed_names(postback: Postback) -> frozenset[str]:
    """The parameters that the network's format, or a file, may speak of money, status or transaction by."""
    if postback.method == FROM_FILE:
        return OF_ROWS
    named = postback.network.parameter_names
    own = {theirs.casefold() for ours, theirs in named.items() if ours not in OF_PERSON}
    critical = adapter_of(postback.network).CRITICAL  # empty where the adapter keeps no more than it reads
    return (critical | BESIDE_MONEY if critical else frozenset(name.casefold() for name in postback.params)) | own


def reading(postback: Postback, params: Mapping[str, str]) -> Any:
    """What the digest understands: a record, or a tuple with the reason why not."""
    try:
        return read_postback(postback, params)
    except PostbackRefusedError as refusal:
        return refusal.outcome, refusal.word
    except Exception as error:  # a fault of ours is a reading too: it must not change
        return (type(error).__name__,)
