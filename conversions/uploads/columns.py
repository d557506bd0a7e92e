"""Which column of a file is which of our fields."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from conversions.click_ids import is_click_id
from conversions.networks.generic import NAMES
from offers.models import Network

FIELDS = {
    "click_id": "Click id (our own, from the network's sub-id)",
    "transaction_id": "Transaction id",
    "parent": "Transaction id of the first sale (rebills, upsells)",
    "event": "Event or goal",
    "status": "Status",
    "payout": "Payout (what you earn)",
    "amount": "Sale amount",
    "currency": "Currency",
    "occurred_at": "Time of the conversion",
    "ttclid": "TikTok click id (ttclid)",
    "clicked_at": "Time of the click",
    "offer": "Offer (its slug here)",
    "consent": "Consent of the visitor",
    "page_url": "Address of the page",
    "margin": "Margin (what is left to you)",
    "lifetime_value": "Lifetime value of the customer",
    "segment": "Segment of the customer",
    "lead_quality": "Lead quality or score",
    "email": "E-mail address",
    "phone": "Phone number",
}
MONEY = ("payout", "amount", "margin", "lifetime_value")
HEADINGS = {
    "click_id": "click id, clickid, sub id, subid, sub id 1, sub1, sub id1, s1, aff sub, aff sub 1, sub id 2, sub2, "
    "s2, sub id 3, sub3, s3, sub id 4, sub4, sub id 5, sub5, aff sub 2, aff sub 3, aff sub 4, aff sub 5, tid, "
    "tracking id, clickref, click ref, affiliate click id, external id, shared id, campaign key, custom",
    "transaction_id": "txid, transaction id, transaction, transaction no, order id, order number, order no, order ref, "
    "order reference, receipt, conversion id, action id, lead id, sale id, order, invoice, invoice no, reference",
    "parent": "parent transaction id, original transaction id, original order id, initial order id",
    "event": "event, event name, goal, goal name, goal id, event type, conversion type, action type, type",
    "status": "status, conversion status, state, sale status, commission status, action status, approval status, "
    "transaction type",
    "payout": "payout, commission, commission amount, your commission, publisher commission, earnings, earned, "
    "affiliate earnings, affiliate commission, total commission, sum, payable, payment",
    "amount": "amount, sale amount, order amount, order value, sale value, revenue, total, order total, price, "
    "sale price, total sale",
    "currency": "currency, currency code, payout currency, curr",
    "occurred_at": "conversion date, conversion time, conversion date time, date, datetime, date time, time, "
    "timestamp, ts, event time, event date, transaction date, transaction time, order date, order time, sale date, "
    "action date, created, created at, created on",
    "ttclid": "ttclid, tiktok click id, tt click id",
    "clicked_at": "clicked at, click time, click date, click datetime, date of click",
    "offer": "offer, offer slug",
    "consent": "consent, ad consent, marketing consent",
    "page_url": "page url, landing page, landing url, landing page url, url, page",
    "margin": "margin, profit, net profit, gross margin, net margin",
    "lifetime_value": "lifetime value, ltv, clv, cltv, customer lifetime value, predicted lifetime value, pltv",
    "segment": "segment, customer segment, user segment",
    "lead_quality": "lead quality, quality, lead score, quality score, lead grade",
    "email": "email, e mail, email address, customer email, user email",
    "phone": "phone, phone number, telephone, mobile, customer phone, user phone, tel",
}
KEYS = ("click_id", "transaction_id", "ttclid")
HEADINGS_WITHIN = 15
SAMPLES = 3
LOOKED_AT = 50
Columns = dict[str, int]


def fold(heading: str) -> str:
    """A heading as far as it matters: letters and digits without case."""
    return re.sub(r"[\W_]+", "", heading.casefold())


def names_of(network: Network) -> dict[str, list[str]]:
    """The headings, folded, that stand for each field, the network's own name first."""
    own = {known_field(ours): theirs for ours, theirs in network.parameter_names.items()}
    named = {field: [own.get(field, ""), *HEADINGS[field].split(","), *NAMES.get(field, ())] for field in FIELDS}
    return {field: list(dict.fromkeys(filter(None, map(fold, names)))) for field, names in named.items()}


def known_field(name: str) -> str:
    """The field that a parameter of ours belongs to, such as transaction_id for txid."""
    return next((field for field, aliases in NAMES.items() if name == field or name in aliases), name)


def find_headings(rows: Iterator[list[str]], network: Network) -> tuple[int, list[str], list[list[str]]]:
    """Where the headings stand (from 0), the headings, and the first rows under them; reports begin with titles.

    It is the row of the first ones with the most known headings, else the first that is not blank.
    """
    first = list(islice(rows, HEADINGS_WITHIN + LOOKED_AT))
    known = {name for names in names_of(network).values() for name in names}
    place = max(range(min(len(first), HEADINGS_WITHIN)), key=lambda at: (score(first[at], known), -at), default=0)
    if not first:
        return 0, [], []
    if not score(first[place], known):
        place = next((at for at, row in enumerate(first) if any(row)), 0)
    return place, first[place], first[place + 1 :]


def score(row: Sequence[str], known: set[str]) -> int:
    """How many known headings a row has; any row has cells, and more of them break a tie."""
    return len({fold(cell) for cell in row} & known)


def recognise(headings: Sequence[str], samples: Sequence[Sequence[str]], network: Network) -> Columns:
    """The column of each field that can be told by its heading, or by the click ids in it."""
    folded = [fold(heading) for heading in headings]
    columns: Columns = {}
    for field, names in names_of(network).items():
        found = sorted((names.index(name), at) for at, name in enumerate(folded) if name in names)
        free = [at for _, at in found if at not in columns.values()]
        if free:
            columns[field] = free[0]
    return {**columns, **with_click_ids(columns, samples)}


def with_click_ids(columns: Mapping[str, int], samples: Sequence[Sequence[str]]) -> Columns:
    """The column that holds our click ids, whatever stands above it; nothing when none has any."""
    width = max((len(row) for row in samples), default=0)
    counts = [sum(is_click_id(cell_of(row, at).lower()) for row in samples) for at in range(width)]
    at = max(range(width), key=lambda place: counts[place], default=0)
    is_free = at not in {place for field, place in columns.items() if field != "click_id"}
    return {"click_id": at} if counts and counts[at] and is_free else {}


def cell_of(row: Sequence[str], at: int | None) -> str:
    return row[at] if at is not None and at < len(row) else ""


def needs_help(columns: Mapping[str, int]) -> bool:
    """Whether no column says which conversion a row is about."""
    return not any(key in columns for key in KEYS)


def described(headings: Sequence[str], samples: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """Each column's heading with a few of its values, for the page that asks what it is."""
    return [
        {"heading": heading[:100], "values": " · ".join(sample_values(samples, at))[:200]}
        for at, heading in enumerate(headings)
    ]


def sample_values(samples: Sequence[Sequence[str]], at: int) -> list[str]:
    values = dict.fromkeys(cell_of(row, at)[:60] for row in samples)
    return [value for value in values if value][:SAMPLES]
