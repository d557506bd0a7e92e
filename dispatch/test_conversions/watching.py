"""What the workers make of a test: looked up in the rows, as often as somebody asks."""

from datetime import datetime
from typing import Any

from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from dispatch import standing, waiting
from dispatch.models import Delivery, TestConversion
from dispatch.reasons import Reason
from dispatch.standing import Code
from dispatch.test_conversions.comparing import compare
from dispatch.test_conversions.stages import State, settle, stage_of
from offers.admin_parts import sentences
from offers.models import Pixel

Status = Delivery.Status
STOPS = {Code.REFUSED, Code.NO_CREDENTIAL, Code.PAUSED}
TAKEN = (Outcome.RECORDED, Outcome.UPDATED)
START_WORKERS = "The workers may be stopped, or busy with a long queue. Start them with: manage.py run_workers"


def digest(run: TestConversion, now: datetime) -> None:
    """Whether the postbacks have become conversions."""
    keys = [answer["postback"] for answer in stage_of(run, "postback").get("calls", [])]
    found = list(Postback.objects.filter(pk__in=keys).select_related("conversion").order_by("pk"))
    late = [row for row in found if row.digested_at is None]
    bad = [row for row in found if row.digested_at and row.outcome not in TAKEN]
    if not keys:
        settle(run, "digest", State.SKIPPED, "There is no postback to digest.", now)
    elif bad:
        outcome = Outcome(bad[0].outcome)
        settle(run, "digest", State.FAILED, sentences(f"{outcome.label}: {bad[0].detail}", outcome.advice), now)
    elif late:
        settle(run, "digest", State.RUNNING, "Waiting for a worker to digest the postback.", now)
    else:
        events = ", ".join(row.conversion.event_name for row in found if row.conversion)
        settle(run, "digest", State.PASSED, f"The network's call was recorded as: {events}.", now)


def planning(run: TestConversion, now: datetime) -> None:
    """Whether it is decided that TikTok is told."""
    rows = Conversion.objects.filter(click=run.click_id).order_by("pk").prefetch_related("deliveries")
    conversions = list(rows)
    deliveries = [delivery for conversion in conversions for delivery in conversion.deliveries.all()]
    stopped = [d for d in deliveries if not d.attempts and d.status in (Status.HELD, Status.DEAD, Status.SUPPRESSED)]
    stopped = [delivery for delivery in stopped if delivery.reason != Reason.PIXEL_ONLY]
    if not conversions:
        words = "Nothing was recorded that TikTok could be told of."
        settle(run, "planning", State.FAILED, words, now)
    elif any(conversion.planned_at is None for conversion in conversions):
        settle(run, "planning", State.RUNNING, "Waiting for a worker to decide what TikTok is told.", now)
    elif stopped:
        settle(run, "planning", State.FAILED, reason_words(stopped[0]), now)
    else:
        told = [delivery.event_name for delivery in deliveries if delivery.reason != Reason.PIXEL_ONLY]
        words = f"The server tells TikTok: {', '.join(told)}." if told else "The offer tells TikTok by the Pixel only."
        settle(run, "planning", State.PASSED, words, now)


def reason_words(delivery: Delivery) -> str:
    """Why a delivery is not sent, and what to do."""
    label = delivery.get_reason_display() or delivery.get_status_display()
    return sentences(f"{delivery.event_name}: {label}", delivery.detail, delivery.advice)


def told_by_server(run: TestConversion) -> list[Delivery]:
    """The deliveries of the test's click that are for TikTok's Events API."""
    rows = Delivery.objects.filter(conversion__click=run.click_id).exclude(reason=Reason.PIXEL_ONLY)
    return list(rows.select_related("pixel").order_by("pk"))


def delivery(run: TestConversion, now: datetime) -> None:
    """Whether TikTok has taken every event, under the test event code."""
    found = told_by_server(run)
    given_up = [d for d in found if d.status not in (Status.WAITING, Status.LEASED, Status.ACCEPTED)]
    under_way = [d for d in found if d.status in (Status.WAITING, Status.LEASED)]
    if not found:
        settle(run, "delivery", State.SKIPPED, "The offer tells TikTok by the Pixel only.", now)
    elif given_up:
        settle(run, "delivery", State.FAILED, reason_words(given_up[0]), now)
    elif under_way:
        stop = stop_of(under_way[0].pixel, now)
        state = State.FAILED if stop else State.RUNNING
        settle(run, "delivery", state, stop or "Waiting for TikTok's answer.", now)
    else:
        code = found[0].pixel.test_event_code
        events = ", ".join(d.event_name for d in found)
        words = f"TikTok accepted {events} under the test event code {code}; Events Manager, Test events, shows it."
        settle(run, "delivery", State.PASSED, words, now)


def stop_of(pixel: Pixel, now: datetime) -> str:
    """Why nothing at all is sent to the pixel before a person does something; empty when it is sent to."""
    row = standing.watched(Pixel.objects.filter(pk=pixel.pk), now).get()
    found = standing.of(row, now)
    return sentences(found.title, found.words) if found.code in STOPS else ""


def comparison(run: TestConversion, now: datetime) -> None:
    """Whether both legs tell the same."""
    events = compare(stage_of(run, "landing").get("pixel", []), told_by_server(run))
    wrong = [(event["event"], row["what"]) for event in events for row in event["rows"] if row["ok"] is False]
    both = [event for event in events if not event["note"]]
    if wrong:
        event, part = wrong[0]
        words = (
            f"{event}: {part} differs between the Pixel and the server. TikTok keeps the copy that comes first, so it "
            "would count what nobody can foresee. Compare the offer's event rules for this event."
        )
        settle(run, "comparison", State.FAILED, words, now, events=events)
    elif both:
        words = "Name, event_id, value, currency, page URL and time agree on both legs."
        settle(run, "comparison", State.PASSED, words, now, events=events)
    else:
        words = "No event goes over both legs, so there is nothing to compare."
        settle(run, "comparison", State.SKIPPED, words, now, events=events)


def too_late(run: TestConversion, name: str, seconds: float, now: datetime) -> str:
    """Why a stage did not end in time, and what to do."""
    within = f"within {seconds:.0f} seconds"
    if name != "delivery":
        what = {"digest": "digest the postback", "planning": "decide on the conversion"}.get(name, "go on")
        return f"The workers did not {what} {within}. {START_WORKERS}"
    late: Any = next((d for d in told_by_server(run) if d.status in (Status.WAITING, Status.LEASED)), None)
    if late and late.attempts:
        said = f"TikTok did not accept {late.event_name} {within}"
        return sentences(said, f"Its last answer: {late.detail}" if late.detail else "")
    reasons = waiting.reasons_of([late], now)[late.pk] if late else []
    known = [reason.words for reason in reasons if reason.code not in ("due", "sending", Code.SENDING)]
    return sentences(f"The workers did not send it {within}", *(known or [START_WORKERS]))
