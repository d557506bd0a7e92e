"""The timeline up to the network's word: click, consent, pages, what browsers said, calls, ledger."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from conversions.exporting import without_query
from conversions.identity import hide_inside, scrub_url
from conversions.models import Click, Conversion, LedgerEntry, Postback, Sighting
from conversions.outcomes import GOOD, Outcome
from dispatch.diagnosis.case import Case, detail_of, said
from dispatch.diagnosis.moments import Moment, Stage, about, sentence

BEGINNING = 14  # characters of a ttclid: enough to compare, too few to use
MONEY_BACK = frozenset(
    {LedgerEntry.Kind.REFUND, LedgerEntry.Kind.CHARGEBACK, LedgerEntry.Kind.PARTIAL, LedgerEntry.Kind.REJECTION}
)


def of_click(click: Click) -> Iterator[Moment]:
    """The arrival, with where it came from but not who it was, and its erasure."""
    ad = " / ".join(filter(None, (click.utm_source, click.utm_campaign or click.campaign_id, click.ad_id)))
    ttclid = f"ttclid {click.ttclid[:BEGINNING]}…" if click.ttclid else "Without ttclid."
    robot = f"{click.get_robot_display()}, not a person." if click.robot else ""
    cap = f"Sent on by “{click.capped_offer}”, whose cap was reached." if click.capped_offer else ""
    test = "A test conversion's own click." if click.is_test else ""
    words = sentence(
        f"From {ad}." if ad else "", ttclid, click.country and f"Country {click.country}.", robot, cap, test
    )
    tone = "warn" if robot or cap else "calm"
    yield about(click, click.created_at, Stage.CLICK, f"Click on “{click.offer}”", words, tone)
    if click.erased_at:
        yield about(click, click.erased_at, Stage.CONSENT, "Visitor erased on request", "", "warn")


def of_consent(case: Case, click: Click) -> Iterator[Moment]:
    for answer in case.evidence.consents[click.pk]:
        overtaken = "A newer answer had come first, so this one is not in force." if answer.was_overtaken else ""
        words = sentence(f"Told by {answer.source}." if answer.source else "", overtaken, on_page(answer.page_url))
        tone = "good" if answer.state == "granted" else "warn"
        title = f"Consent: {answer.get_state_display().lower()}"
        yield about(answer, answer.created_at, Stage.CONSENT, title, words, tone)


def on_page(url: str) -> str:
    """The page without what the visitor's click brought along."""
    return f"On {without_query(scrub_url(url))}." if url else ""


def of_conversion(case: Case, conversion: Conversion) -> Iterator[Moment]:
    """How it came to be, what the browser said of it, and what it doubles."""
    entries = case.evidence.entries[conversion.pk]
    is_of_page = not entries or entries[0].created_at > conversion.created_at
    title = f"{'Page called' if is_of_page else 'Recorded as'} {conversion.event_name}"
    value = money(conversion.page_value, conversion.page_currency)
    words = sentence(
        f"event_id {conversion.event_id}.",
        on_page(conversion.page_url) if is_of_page else "",
        f"Value {value}." if value else "",
    )
    stage = Stage.PAGE if is_of_page else Stage.LEDGER
    yield about(conversion, conversion.created_at, stage, title, words)
    for sighting in case.evidence.sightings[conversion.pk]:
        fired = sighting.outcome == Sighting.Outcome.FIRED
        words = f"It added: {said(sighting.detail)}" if sighting.detail else ""
        title = f"{sighting.get_outcome_display()} for {conversion.event_name}"
        yield Moment(sighting.created_at, Stage.PIXEL, title, words, "good" if fired else "warn")


def of_calls(calls: Iterable[Postback]) -> Iterator[Moment]:
    """Calls of networks and rows of files, with what each led to."""
    for call in calls:
        outcome = Outcome(call.outcome)
        by = "by a file" if call.method == "FILE" else "by a call"
        transaction = f"Transaction {hide_inside(call.transaction_id)}." if call.transaction_id else ""
        title = f"{call.network} reported {by}: {outcome.label.lower()}"
        words = sentence(transaction, f"Status “{call.status_word}”." if call.status_word else "", detail_of(call))
        yield about(call, call.received_at, Stage.POSTBACK, title, words, tone_of(outcome))


def tone_of(outcome: Outcome) -> str:
    if outcome in (Outcome.DUPLICATE, Outcome.IGNORED, Outcome.TEST):
        return "calm"
    if outcome in (Outcome.RECEIVED, Outcome.UNMATCHED_CLICK):
        return "busy" if outcome == Outcome.RECEIVED else "warn"
    return "good" if outcome in GOOD else "bad"


def of_ledger(case: Case, conversion: Conversion) -> Iterator[Moment]:
    for entry in case.evidence.entries[conversion.pk]:
        parts = [("Payout", entry.payout), ("sale amount", entry.amount)]
        told = [f"{name} {money(value, entry.currency)}" for name, value in parts if value is not None]
        happened = f"It happened at {entry.occurred_at:%Y-%m-%d %H:%M:%S} UTC."
        tone = "bad" if entry.kind in MONEY_BACK else "good"
        words = sentence(f"{', '.join(told)}." if told else "", happened)
        yield Moment(entry.created_at, Stage.LEDGER, f"Ledger: {entry.get_kind_display().lower()}", words, tone)
    for enrichment in case.evidence.enrichments[conversion.pk]:
        yield Moment(enrichment.created_at, Stage.ENRICHMENT, "Told beside the money", hide_inside(f"{enrichment}."))


def money(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None else f"{amount} {currency}".strip()
