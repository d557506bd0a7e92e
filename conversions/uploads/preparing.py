"""From rows to postbacks, and to the clicks of those that know only their ttclid. Nothing is stored here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conversions.click_ids import ALPHABET, LENGTH
from conversions.models import Click, Consent, Postback, Upload, UploadRow
from conversions.models.click import TTCLID_LENGTH
from conversions.models.postback import FROM_FILE
from conversions.networks.beside import LABELS
from conversions.networks.uploaded import UPLOADED
from conversions.networks.values import read_time
from conversions.outcomes import Outcome
from conversions.uploads.cells import is_shortened, read_consent
from conversions.uploads.goals import name_transactions
from offers.models import Offer

CLICK_BEFORE_SALE = timedelta(days=7)  # TikTok's longest window from click to conversion
AROUND_CLICK = timedelta(hours=1)
CLOCKS_DIFFER = timedelta(minutes=10)
NAMES_NOTHING = (
    "The row names no click id, no transaction id and no ttclid, so nobody can say whose conversion it is. One of them "
    "is needed; an e-mail address or a phone number is not enough."
)
NEEDS_OFFER = (
    "A row with a ttclid alone needs its offer. Choose the offer when you upload, or add a column “offer” with its "
    "slug."
)
SHORTENED = "A spreadsheet program has shortened the id to {}. Format the column as text before you save the file."


@dataclass
class Prepared:
    """Rows on their way: their postbacks, the clicks to be made for them, and those that are refused right away."""

    rows: list[UploadRow] = field(default_factory=list)
    postbacks: list[Postback] = field(default_factory=list)
    clicks: dict[str, Click] = field(default_factory=dict)
    refused: list[UploadRow] = field(default_factory=list)

    @property
    def new_clicks(self) -> list[Click]:
        """In the order of their ids, so that two uploads of the same clicks can't wait for each other."""
        return [self.clicks[key] for key in sorted(self.clicks)]


def prepare(upload: Upload, rows: Sequence[UploadRow], now: datetime) -> Prepared:
    """Postbacks and clicks of the rows, unsaved. The rows get their click id; refused ones their reason."""
    prepared = Prepared()
    offers, unclear = locate(upload, rows)
    for row in rows:
        if refuse(row, offers.get(offer_slug(upload, row)), unclear.get(row.number, "")):
            prepared.refused.append(row)
        else:
            prepared.rows.append(row)
    for row in prepared.rows:
        offer = offers.get(offer_slug(upload, row))
        if offer and is_by_ttclid(row) and row.click_ref == own_click_id(offer, row.params["ttclid"]):
            prepared.clicks[row.click_ref] = make_click(row, offer, upload.created_at)
        prepared.postbacks.append(make_postback(upload, row, now))
    return prepared


def refuse(row: UploadRow, offer: Offer | None, unclear: str) -> bool:
    """Whether the row can't be taken, with the reason written on it."""
    params = row.params
    outcome, detail = "", ""
    unreadable = next((params[f] for f in ("occurred_at", "clicked_at") if f in params and not at(row, f)), "")
    shortened = next((params[f] for f in ("transaction_id", "click_id") if is_shortened(params.get(f, ""))), "")
    if unreadable:
        outcome, detail = Outcome.UNDECODABLE, f"“{unreadable[:60]}” is no time such as 2026-01-31 14:05."
    elif shortened:
        outcome, detail = Outcome.UNDECODABLE, SHORTENED.format(shortened[:60])
    elif not any(params.get(name) for name in ("click_id", "transaction_id", "parent", "ttclid")):
        outcome, detail = Outcome.MISSING_CLICK_ID, NAMES_NOTHING
    elif params.get("offer") and not offer:
        outcome, detail = Outcome.WRONG_NETWORK, f"This network has no offer with the slug “{params['offer'][:60]}”."
    elif is_by_ttclid(row) and not params.get("transaction_id") and not offer:
        outcome, detail = Outcome.MISSING_CLICK_ID, NEEDS_OFFER
    elif len(params.get("ttclid", "")) > TTCLID_LENGTH:
        outcome, detail = Outcome.UNDECODABLE, f"A ttclid has at most {TTCLID_LENGTH:,} characters."
    elif unclear:
        outcome, detail = Outcome.UNDECODABLE, unclear
    row.outcome, row.detail = outcome, detail
    return bool(outcome)


def is_by_ttclid(row: UploadRow) -> bool:
    """Whether the ttclid is what the row's click is known by."""
    return bool(row.params.get("ttclid")) and not row.params.get("click_id")


def needs_click(row: UploadRow) -> bool:
    """Whether the click of the row's ttclid is still to be found."""
    return is_by_ttclid(row) and not row.click_ref


def offer_slug(upload: Upload, row: UploadRow) -> str:
    """The offer that the row names, else the upload's own."""
    return str(row.params.get("offer", "")).strip().lower() or (upload.offer.slug if upload.offer else "")


def offers_of(upload: Upload, rows: Sequence[UploadRow]) -> dict[str, Offer]:
    """The network's offers that the rows name, by slug."""
    slugs = {offer_slug(upload, row) for row in rows}
    found = Offer.objects.filter(network=upload.network_id, slug__in=slugs)
    return {offer.slug: offer for offer in found}


def at(row: UploadRow, name: str) -> datetime | None:
    return read_time(str(row.params.get(name, "")))


def locate(upload: Upload, rows: Sequence[UploadRow]) -> tuple[dict[str, Offer], dict[int, str]]:
    """Give rows the click of their ttclid: the one made for an earlier upload, else one that arrived about then, else
    one to be made; then the transaction that they mean. The offers that the rows name, by slug, and the numbers of
    rows whose transaction is unclear, with the reason."""
    offers = offers_of(upload, rows)
    for slug, offer in offers.items():
        own = [row for row in rows if needs_click(row) and offer_slug(upload, row) == slug]
        if own:
            find_clicks_of(offer, own, upload.created_at)
    return offers, name_transactions(upload, rows)


def find_clicks_of(offer: Offer, rows: Sequence[UploadRow], fallback: datetime) -> None:
    """Two queries, one by primary key and one by (offer, time), whatever the number of clicks."""
    ids = {row.pk: own_click_id(offer, row.params["ttclid"]) for row in rows}
    made = set(Click.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
    spans = {row.pk: span_of(row, fallback) for row in rows}
    first, last = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    arrived = Click.objects.filter(
        offer=offer, created_at__range=(first, last), ttclid__in={row.params["ttclid"] for row in rows}
    )
    found = list(arrived.order_by("created_at").values_list("ttclid", "created_at", "pk"))
    for row in rows:
        if ids[row.pk] in made:
            row.click_ref = ids[row.pk]
            continue
        begin, end = spans[row.pk]
        fitting = [(t, pk) for ttclid, t, pk in found if ttclid == row.params["ttclid"] and begin <= t <= end]
        when = moment_of(row, fallback)
        row.click_ref = min(fitting, key=lambda click: abs(click[0] - when))[1] if fitting else ids[row.pk]


def span_of(row: UploadRow, fallback: datetime) -> tuple[datetime, datetime]:
    """When the row's click can have arrived: about the time that it names, else in the days before the conversion."""
    clicked, happened = at(row, "clicked_at"), at(row, "occurred_at") or fallback
    if clicked:
        return clicked - AROUND_CLICK, clicked + AROUND_CLICK
    return happened - CLICK_BEFORE_SALE, happened + CLOCKS_DIFFER


def moment_of(row: UploadRow, fallback: datetime) -> datetime:
    """When the click arrived as far as the row says."""
    return min(at(row, "clicked_at") or at(row, "occurred_at") or fallback, fallback)


def own_click_id(offer: Offer, ttclid: str) -> str:
    """The id of the click that is made for a ttclid: the same in every upload."""
    digest = hashlib.sha256(f"uploaded click of offer {offer.pk} {ttclid}".encode()).digest()
    number = int.from_bytes(digest[:16])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def make_click(row: UploadRow, offer: Offer, fallback: datetime) -> Click:
    """An unsaved click of which nothing is known but what the row says."""
    consent, moment = read_consent(row.params.get("consent", "")), moment_of(row, fallback)
    return Click(
        id=row.click_ref,
        offer=offer,
        created_at=moment,
        ttclid=row.params["ttclid"],
        landing_url=row.params.get("page_url") or offer.landing_url,
        consent=consent,
        consent_at=None if consent == Consent.UNKNOWN else moment,
    )


def make_postback(upload: Upload, row: UploadRow, now: datetime) -> Postback:
    """An unsaved postback that says what the row says, to be digested now. The ttclid stays with its click."""
    params = {name: value for name, value in row.params.items() if name != "ttclid"}
    if not LABELS.keys().isdisjoint(params):
        params[UPLOADED] = upload.created_at.isoformat()
    if is_by_ttclid(row) and row.click_ref:
        params["click_id"] = row.click_ref
    if row.transaction_id:
        params["transaction_id"] = row.transaction_id
    return Postback(
        network=upload.network,
        received_at=now,
        due_at=now,
        method=FROM_FILE,
        params={**params, "upload": str(upload.pk), "row": str(row.number)},
        email_sha256=row.email_sha256,
        phone_sha256=row.phone_sha256,
    )
