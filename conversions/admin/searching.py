"""Searching by ids: whole ids only, because those have an index on tables that grow by the million."""

import uuid

from django.db.models import Q

from conversions.click_ids import is_click_id
from conversions.visitor import clean_text

LONGEST = 2048


def term_of(text: str) -> str:
    """What was typed, without blanks around it and storable."""
    return clean_text(text, LONGEST).strip()


def event_id_of(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


def by_click(term: str, column: str) -> Q:
    """Matches rows of this click; nothing when the text is no click id."""
    return Q(**{column: term.lower()}) if is_click_id(term.lower()) else Q(pk__in=[])


def by_transaction(term: str) -> Q:
    return Q(transaction_id=term) if len(term) <= 200 else Q(pk__in=[])


def by_event(term: str) -> Q:
    event_id = event_id_of(term)
    return Q(event_id=event_id) if event_id else Q(pk__in=[])
