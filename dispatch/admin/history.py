"""Who did what, in the admin's own history."""

from datetime import datetime
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models

from dispatch.models import Delivery

ENTRY_EACH_UP_TO = 200


def note_new(user: Any, row: models.Model, message: str) -> None:
    LogEntry.objects.log_actions(user.pk, [row], ADDITION, message)


def note(user: Any, row: models.Model, message: str) -> None:
    LogEntry.objects.log_actions(user.pk, [row], CHANGE, message)


def note_decision(user: Any, now: datetime, count: int, message: str) -> None:
    """One entry for each delivery decided on in this moment, or one for all when there are many.

    The rows themselves carry who and when in any case.
    """
    if count > ENTRY_EACH_UP_TO:
        note_summary(user, f"{count:,} dead letters", message)
    elif count:
        decided = Delivery.objects.filter(decided_by=user, decided_at=now)
        LogEntry.objects.log_actions(user.pk, decided.select_related("pixel"), CHANGE, message)


def note_summary(user: Any, title: str, message: str) -> None:
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Delivery),
        object_repr=title,
        action_flag=CHANGE,
        change_message=message,
    )
