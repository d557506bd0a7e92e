"""What callers may ask with: a period, keys, flags; each mistake is answered in words."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from dispatch.api.base import BadRequest

MOST_DAYS = 400
MOST_HOURS = MOST_DAYS * 24
USUAL_HOURS = 24
PERIOD = [
    OpenApiParameter(
        "since", OpenApiTypes.DATETIME, description="From when on; a day or a time, UTC unless it says so."
    ),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Until when; now unless said otherwise."),
    OpenApiParameter("hours", OpenApiTypes.INT, description="Instead of `since`: so many hours; 24 unless said."),
]


@dataclass(frozen=True)
class Period:
    since: datetime
    until: datetime


def period_of(request: Request, now: datetime) -> Period:
    """Raises BadRequest where it makes no sense."""
    asked = request.query_params
    if "since" in asked and "hours" in asked:
        raise BadRequest("Give since or hours, not both.")
    until = moment("until", asked["until"]) if "until" in asked else now
    hours = number("hours", asked.get("hours", str(USUAL_HOURS)), MOST_HOURS)
    since = moment("since", asked["since"]) if "since" in asked else until - timedelta(hours=hours)
    if since >= until:
        raise BadRequest("since must be before until.")
    if until - since > timedelta(days=MOST_DAYS):
        raise BadRequest(f"A period may have {MOST_DAYS} days at most.")
    return Period(since, until)


def moment(name: str, text: str) -> datetime:
    """A day or a time in ISO 8601, in UTC unless it names a zone, whose plus a URL may have made a space."""
    try:
        found = parse_datetime(text.replace(" ", "+") if text.count(":") > 2 else text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if found is None and day:
        found = datetime.combine(day, time())
    if found is None or not 2000 <= found.year <= 9000:
        raise BadRequest(f"{name} must be a day or a time such as 2026-11-22 or 2026-11-22T14:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def number(name: str, text: str, most: int) -> int:
    """A whole number from 1 to `most`. Raises BadRequest for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not 1 <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from 1 to {most:,}.")
    return int(text)


def one_of(name: str, text: str, choices: list[str]) -> str:
    """One of a few words. Raises BadRequest for anything else."""
    if text not in choices:
        raise BadRequest(f"{name} must be one of: {', '.join(choices)}.")
    return text
