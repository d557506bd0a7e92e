"""A visitor's answer: kept for good, and at once in force on both legs."""

from datetime import datetime, timedelta

from django.db import transaction

from conversions.destinations import MAX_URL
from conversions.exporting import without_query
from conversions.identity import scrub_url
from conversions.models import Click, Consent, ConsentRecord
from conversions.models.click import REFUSALS
from conversions.signals import announce
from conversions.visitor import clean_text

SOURCE_LENGTH = 30
ANSWERS = (Consent.GRANTED, *REFUSALS)
ON_ITS_WAY = timedelta(minutes=5)
"""Longer than a request of a page that was left can be under way."""


def record_answer(
    click_id: str, answer: str, source: str, page_url: str, now: datetime, said_at: datetime | None = None
) -> Click | None:
    """Put the answer in force: what is held may go, what waits is cancelled. The click as it is then; None without one.

    A refusal after an agreement withdraws it. An answer that is in force already leaves no second record. `said_at` is
    when a page heard the answer, by its browser's clock: what a newer one has overtaken on its way is on record and
    changes nothing. Raises ValueError for what is no answer.
    """
    state = Consent(answer)
    if state not in ANSWERS:
        raise ValueError(answer)
    with transaction.atomic():
        # A weak lock: the digest needs a weaker one on the click at its end, when it has locked conversions.
        rows = Click.objects.select_for_update(of=("self",), no_key=True).select_related("offer__pixel")
        click = rows.filter(pk=click_id).first()
        if click is None or click.erased_at:
            return click
        if is_overtaken(click, state, said_at, now):
            keep_overtaken(click, state, source, page_url, now)
        else:
            put_in_force(click, state, source, page_url, now, said_at)
    return click


def is_overtaken(click: Click, answer: Consent, said_at: datetime | None, now: datetime) -> bool:
    """Whether the visitor has given a newer answer, on a page whose request was faster.

    A refusal gives way only to an agreement of the last minutes, by minutes: a browser's clock that was put right must
    not turn a refusal away.
    """
    newest, is_in_force = click.consent_said_at, click.consent == follow(click.consent, answer)
    if said_at is None or newest is None or said_at >= newest or is_in_force:
        return False
    if answer not in REFUSALS:
        return True
    agreed = click.consent_at if click.consent == Consent.GRANTED else None
    return agreed is not None and now - agreed < ON_ITS_WAY and newest - said_at < ON_ITS_WAY


def keep_overtaken(click: Click, answer: Consent, source: str, page_url: str, now: datetime) -> None:
    """Put it on record, once."""
    if not click.consent_records.filter(state=answer, was_overtaken=True).exists():
        record = note(click, page_url, now)
        record.state, record.source, record.was_overtaken = answer, clean_text(source, SOURCE_LENGTH), True
        record.save(force_insert=True)


def put_in_force(
    click: Click, answer: Consent, source: str, page_url: str, now: datetime, said_at: datetime | None
) -> None:
    state = follow(click.consent, answer)
    is_news = click.consent != state
    if said_at:
        click.consent_said_at = max(said_at, click.consent_said_at or said_at)
    if is_news:
        click.consent, click.consent_at, click.consent_source = state, now, clean_text(source, SOURCE_LENGTH)
    if is_news or said_at:
        click.save(update_fields=["consent", "consent_at", "consent_source", "consent_said_at"])
    if is_news:
        note(click, page_url, now).save(force_insert=True)
        click.conversions.all().plan_anew()
        transaction.on_commit(announce)


def follow(before: str, answer: Consent) -> Consent:
    """The state that an answer leads to."""
    if answer not in REFUSALS:
        return answer
    return Consent.WITHDRAWN if before in (Consent.GRANTED, Consent.WITHDRAWN) else Consent.DENIED


def note(click: Click, page_url: str, now: datetime) -> ConsentRecord:
    """The unsaved record of the answer that stands on the click."""
    return ConsentRecord(
        click=click,
        offer=click.offer,
        state=click.consent,
        source=click.consent_source,
        was_required=click.needs_consent,
        page_url=clean_text(scrub_url(without_query(page_url)), MAX_URL),
        created_at=now,
    )
