"""What the signed notifications of sellers' networks share: a form in the body, our click id somewhere in it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from conversions import identity
from conversions.calls import Call, Pairs, SignatureError
from conversions.click_ids import is_click_id
from conversions.networks.record import PostbackRefusedError
from conversions.networks.values import read_amount, refuse_macros
from conversions.outcomes import Outcome
from conversions.reading import parse_body

MAX_CLICK_ID = 100
MAX_FIELDS = 50


def body_of(call: Call) -> Pairs:
    """The parameters of the body, each there once; the query is not signed and not read.

    Raises SignatureError when one comes twice, for the network signs one value, and UnreadableCallError.
    """
    pairs = parse_body(call)
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise SignatureError("A parameter comes twice, so what was signed is not sure.")
    return pairs


def without(pairs: Pairs, *secret: str, buyer: tuple[str, ...] = (), email: str = "") -> Pairs:
    """The pairs without these names, and without what begins as the buyer's do; e-mail and phone stay, to be hashed.

    `email` is the network's name for the address where it is not a usual one.
    """
    dropped = {name.lower() for name in secret}
    return [
        ("email" if name == email else name, value)
        for name, value in pairs
        if name.lower() not in dropped and (identity.is_personal(name) or not name.lower().startswith(buyer))
    ]


def read_word(params: Mapping[str, str], name: str) -> str:
    """The word for what happened. Raises PostbackRefusedError without one, which is never taken for a sale."""
    word = params.get(name, "").strip()
    if not word:
        raise PostbackRefusedError(Outcome.UNMAPPED_STATUS, f"There is no {name}, so what happened is not known.")
    return word


def read_click_id(named: Iterable[str], others: Iterable[str] = ()) -> str:
    """The value that has the form of our click ids, else the first of the named ones that says anything.

    `others` are places where people put other things too. Raises PostbackRefusedError for a macro's name.
    """
    given = [value.strip().lower()[:MAX_CLICK_ID] for value in named if value.strip()]
    anywhere = [*given, *(value.strip().lower() for value in others)]
    click_id = next((value for value in anywhere if is_click_id(value)), given[0] if given else "")
    refuse_macros({"click_id": click_id})
    return click_id


def tid_of(text: str) -> str:
    """The tid in a query that was passed through in a value; empty without one."""
    return dict(query_of(text)).get("tid", "")


def values_in(text: str) -> list[str]:
    """What stands in a value that was passed through, which may be a query: itself and its values."""
    return [text, *(value for _, value in query_of(text))]


def query_of(text: str) -> Pairs:
    """The parameters of a query, their names in lower case; empty when it is none."""
    try:
        pairs = parse_qsl(text.strip().lstrip("?"), max_num_fields=MAX_FIELDS)
    except ValueError:
        return []
    return [(name.lower(), value) for name, value in pairs]


def first_money(params: Mapping[str, str], *names: str) -> Decimal | None:
    """The first of these amounts that is not zero, else zero or None as they are. Raises PostbackRefusedError."""
    amounts = [read_amount(name, params.get(name, "")) for name in names]
    known = [amount for amount in amounts if amount is not None]
    return next((amount for amount in known if amount), known[0] if known else None)


def is_above(text: str, limit: int) -> bool:
    """Whether a counter that may be missing is above the limit."""
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) > limit
