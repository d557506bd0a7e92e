"""Workers, and what waits for them or for a person."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count
from django.urls import reverse
from django.utils.timesince import timesince

from conversions.models import Postback
from dispatch.findings import limits
from dispatch.findings.finding import Code, Finding, Step
from dispatch.findings.sight import Sight, found, list_page
from dispatch.models import Delivery, Heartbeat
from dispatch.reasons import Reason
from dispatch.rollups.keeping import as_of
from dispatch.standing import LATE
from dispatch.standing import Code as Stands
from dispatch.wording import at, deliveries, in_words

START = "Start them with: manage.py run_workers"


def workers_stopped(sight: Sight) -> Iterator[Finding]:
    """No cluster of workers is alive: nothing is digested, sent or watched."""
    newest = Heartbeat.objects.order_by("-beat_at").first()
    if newest and not newest.has_stopped(sight.now):
        return
    said = (
        f"Their last sign of life was at {at(newest.beat_at, sight.now)}: they have died or hang."
        if newest
        else "They were never started, or were stopped on purpose."
    )
    words = f"Nothing is digested or sent. {said} {START}"
    yield found(Code.WORKERS_STOPPED, None, "bad", "The workers give no sign of life", words, **what_waits())


def nobody_looks(now: datetime, since: datetime) -> Finding:
    """The workers may be restarted again and again, and so give signs of life without doing anything."""
    words = (
        f"No worker has done what is due every minute for {in_words(now - since)}. They may be stopped, hang, or end "
        f"again and again: look at their log. {START}"
    )
    return found(Code.WORKERS_STOPPED, None, "bad", "The workers do not look after the site", words, **what_waits())


def sums_late(sight: Sight) -> Iterator[Finding]:
    """The figures are not kept up to date, though workers live."""
    reached, now = as_of(), sight.now
    since = reached or min((offer.created_at for offer in sight.offers.values()), default=now)
    if now - since <= limits.SUMS_LATE:
        return
    said = f"They were last brought up to date at {at(reached, now)}." if reached else "They were never made."
    words = f"{said} Decisions on spend wait for them. Look at the workers' log; manage.py rebuild_rollups makes them."
    yield found(Code.SUMS_LATE, None, "warn", "The figures of health are out of date", words, **what_waits())


def deliveries_late(sight: Sight) -> Iterator[Finding]:
    """Work that should have been done minutes ago. What a pause, a cap or TikTok keeps back is no sign of it."""
    stalled = (pixel.due_since for pixel, now_so in sight.pixels if now_so.code == Stands.STALLED)
    due_at = min(stalled, default=None)
    if due_at:
        words = (
            f"The oldest delivery has been due for {roughly(due_at, sight)}. The workers may be stopped, or busy with "
            f"a long queue. {START}"
        )
        yield found(Code.DELIVERIES_LATE, None, "bad", "Deliveries are late", words, **what_waits())


def digest_late(sight: Sight) -> Iterator[Finding]:
    due = Postback.objects.due(sight.now - LATE).order_by("due_at")
    due_at = due.values_list("due_at", flat=True).first()
    if due_at:
        words = f"The oldest postback has waited for {roughly(due_at, sight)}. The workers may be stopped."
        link, do = list_page("conversions_postback"), "See the postbacks"
        yield found(Code.DIGEST_LATE, None, "bad", "Postbacks are not digested", words, link=link, do=do)


def dead_letters(sight: Sight) -> Iterator[Finding]:
    """What waits for a person's decision, by reason; whether it grows is told by what the last day adds."""
    counts = Delivery.objects.undecided_counts()
    new = sum((sums.reasons for sums in sight.day.values()), Counter[str]()) if counts else Counter[str]()
    for reason, count in counts.items():
        title = f"{count:,} dead letter{'' if count == 1 else 's'}: {Reason(reason).label}"
        grown = f" {new[reason]:,} of them are of the last 24 hours." if new[reason] else ""
        link, do = list_page("dispatch_deadletter", {"reason": reason}), "Review them"
        words = f"{Reason(reason).advice}{grown}"
        more = {"link": link, "do": do, "detail": reason, "value": f"{count:,}", "size": count}
        yield found(Code.DEAD_LETTERS, None, "bad", title, words, **more)


def missing_rates(sight: Sight) -> Iterator[Finding]:
    """Currencies that conversions are held for until somebody enters a rate."""
    held = Delivery.objects.filter(status=Delivery.Status.HELD, is_test=False).exclude(lacks_rate="").order_by()
    for currency, count in held.values_list("lacks_rate").annotate(Count("pk")).order_by("lacks_rate"):
        title = f"{deliveries(count)} held: there is no exchange rate for {currency}"
        link = list_page("dispatch_delivery", {"reason__exact": Reason.NO_RATE.value})
        step = Step("offers.add_exchangerate", adding_rate(currency), "Add a rate")
        do = "See what is held"
        yield found(
            Code.NO_RATE, None, "bad", title, Reason.NO_RATE.advice, link=link, do=do, detail=currency, step=step
        )


def adding_rate(currency: str) -> str:
    return reverse("admin:offers_exchangerate_add", query={"currency": currency})


def what_waits() -> dict[str, str]:
    """Where to look when nothing is done."""
    return {"link": list_page("dispatch_delivery", {"status__exact": "waiting"}), "do": "See what waits"}


def roughly(since: datetime, sight: Sight) -> str:
    """How long ago, in one unit."""
    return timesince(since, sight.now).partition(",")[0]
