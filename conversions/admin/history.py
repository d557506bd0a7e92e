"""Who did what with postbacks, in the admin's own history."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.safestring import SafeString

from conversions.models import Postback
from offers.admin_parts import moment, table

HEADERS = ["When", "Who", "What"]
SHOWN = 50


def note(user: Any, row: models.Model, message: str) -> None:
    """One entry in the history of one row."""
    LogEntry.objects.log_actions(user.pk, [row], CHANGE, message)


def note_many(user: Any, about: str, message: str) -> None:
    """One entry for many postbacks at once, which `about` names."""
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Postback),
        object_repr=about[:200],
        action_flag=CHANGE,
        change_message=message,
    )


def history_of(postback: Postback) -> SafeString:
    """What staff did with this one, newest first."""
    kind = ContentType.objects.get_for_model(Postback)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(postback.pk)).select_related("user")
    rows = [[moment(entry.action_time), str(entry.user), entry.get_change_message()] for entry in entries[:SHOWN]]
    return table(HEADERS, rows, "Nobody has done anything with it by hand.")
