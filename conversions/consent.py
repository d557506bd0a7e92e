"""A visitor's answer: kept for good, and at once in force on both legs."""

from datetime import datetime

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


def record_answer(click_id: str, answer: str, source: str, page_url: str, now: datetime) -> Click | None:
    """Put the answer in force: what is held may go, what waits is cancelled. The click as it is then; None without one.

    A refusal after an agreement withdraws it. An answer that is in force already leaves no second record. Raises
    ValueError for what is no answer.
    """
    state = Consent(answer)
    if state not in ANSWERS:
        raise ValueError(answer)
    with transaction.atomic():
        # A weak lock: the digest needs a weaker one on the click at its end, when it has locked conversions.
        rows = Click.objects.select_for_update(of=("self",), no_key=True).select_related("offer__pixel")
        click = rows.filter(pk=click_id).first()
        if click is None or click.erased_at or click.consent == follow(click.consent, state):
            return click
        click.consent, click.consent_at = follow(click.consent, state), now
        click.consent_source = clean_text(source, SOURCE_LENGTH)
        click.save(update_fields=["consent", "consent_at", "consent_source"])
        note(click, page_url, now).save(force_insert=True)
        click.conversions.all().plan_anew()
        transaction.on_commit(announce)
    return click


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
