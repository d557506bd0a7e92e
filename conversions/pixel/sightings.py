"""What became of the Pixel's copies, so that the share that both legs told is measured."""

from collections.abc import Iterator
from uuid import UUID

from django.http import HttpResponse

from conversions.identity import hide_inside
from conversions.models import Sighting
from conversions.pixel.answers import no_content
from conversions.pixel.bodies import bad_request, text_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of

MOST_IDS = 50
DETAIL_LENGTH = 100


def sighting(call: Call) -> HttpResponse:
    """Note the outcome for those of the events that are the click's; what it has not recorded is passed over."""
    ids, outcome = list(ids_of(call)), text_of(call.body, "outcome", DETAIL_LENGTH)
    if outcome not in Sighting.Outcome.values:
        raise bad_request("“outcome” has to be fired or blocked.")
    detail = hide_inside(text_of(call.body, "detail"))[:DETAIL_LENGTH]
    seen = click_of(call).conversions.filter(event_id__in=ids).values_list("pk", flat=True)
    sightings = [Sighting(conversion_id=pk, outcome=outcome, detail=detail, created_at=call.now) for pk in seen]
    Sighting.objects.bulk_create(sightings, ignore_conflicts=True)
    return no_content()


def ids_of(call: Call) -> Iterator[UUID]:
    """The event ids; one that a page made itself is none of ours. Raises RefusalError."""
    given = call.body.get("event_ids")
    if not isinstance(given, list) or len(given) > MOST_IDS:
        raise bad_request(f"“event_ids” has to be a list of at most {MOST_IDS} ids.")
    for text in filter(lambda text: isinstance(text, str), given):
        try:
            yield UUID(text)
        except ValueError:
            continue
