"""Pixels that nothing or too little is sent to, their credentials, and those that TikTok does not count."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, Min, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.html import strip_tags

from dispatch.findings.finding import Code, Finding, Scope, Step
from dispatch.findings.limits import LONG_QUEUE
from dispatch.findings.sight import Sight, found, list_page, own_page
from dispatch.models import Credential, Delivery, DeliveryAttempt
from dispatch.standing import LATE, Standing, lane_of
from dispatch.standing import Code as Stands
from dispatch.takeover import Takeover, recent_takeovers
from dispatch.tiktok.codes import Verdict
from dispatch.wording import at, in_words, quoted
from offers.models import Pixel

NAMES_SHOWN = 5
LOOKED_AT = 200  # of a pixel's queue: twice what a request holds, as what comes back of one is due at one moment
ROTATE = "dispatch.rotate_credential"
QUEUED = (Stands.BUSY, Stands.CAPPED, Stands.GENTLE)
ASK_FOR = {
    Stands.REFUSED: (Code.CREDENTIAL_REFUSED, "TikTok refuses the credential of {}", "Rotate the credential"),
    Stands.NO_CREDENTIAL: (Code.NO_CREDENTIAL, "{} has no credential", "Add a credential"),
    Stands.PAUSED: (Code.PIXEL_PAUSED, "{} is paused", "Look at the pixel"),
}
TOO_SLOW = {Stands.RESTING: "{} rests because TikTok asked", Stands.SLOWED: "{} is slowed down because TikTok asked"}


def in_trouble(sight: Sight) -> Iterator[Finding]:
    """How sending to each pixel stands, where that is not well; a credential is missed where offers need it."""
    kept_waiting, in_vain = waiting_for_tiktok(sight), tried_in_vain(sight)
    for pixel, now_so in sight.pixels:
        if now_so.code in (Stands.FAILING, Stands.PROBING):
            yield of_failing(pixel, now_so, sight)
        elif now_so.code in ASK_FOR and (now_so.code != Stands.NO_CREDENTIAL or pixel.is_needed):
            yield of_person(pixel, now_so)
        elif pixel.pk in in_vain:
            yield of_vain_tries(pixel, in_vain[pixel.pk], sight)
        elif is_too_slow(pixel, now_so, sight) or pixel.pk in kept_waiting:
            yield of_slow(pixel, now_so, kept_waiting.get(pixel.pk), sight)
        elif now_so.code in QUEUED and pixel.due_since and sight.now - pixel.due_since > LONG_QUEUE:
            waits = f"The oldest delivery has been due for {in_words(sight.now - pixel.due_since)}."
            yield found(
                Code.DELIVERIES_LATE, pixel, "warn", f"{pixel.name} has a long queue", f"{waits} {now_so.words}"
            )


def of_person(pixel: Pixel, now_so: Standing) -> Finding:
    """Something that ends when a person ends it."""
    code, title, do = ASK_FOR[Stands(now_so.code)]
    is_pause = now_so.code == Stands.PAUSED
    step = None if is_pause else to_rotation(pixel, do)
    tone = "warn" if is_pause else "bad"
    return found(code, pixel, tone, title.format(pixel.name), now_so.words, link=own_page(pixel), do=do, step=step)


def of_failing(pixel: Pixel, now_so: Standing, sight: Sight) -> Finding:
    is_long = bool(now_so.since and sight.now - now_so.since > LATE)
    tone = "bad" if is_long else "warn"
    return found(Code.TIKTOK_FAILING, pixel, tone, f"TikTok fails for {pixel.name}", now_so.words)


def of_vain_tries(pixel: Any, since: datetime, sight: Sight) -> Finding:
    lane = lane_of(pixel)
    said = f" The last failure: {quoted(strip_tags(lane.last_failure))}" if lane.last_failure else ""
    words = (
        f"What waits was recorded up to {in_words(sight.now - since)} ago, and was tried in vain.{said} Nothing is "
        "lost: it is tried again by itself, under the same event_id."
    )
    return found(Code.TIKTOK_FAILING, pixel, "warn", f"TikTok fails for {pixel.name}", words)


def is_too_slow(pixel: Any, now_so: Standing, sight: Sight) -> bool:
    """Whether a rest or a slow pace has made conversions late, or will."""
    if now_so.code not in TOO_SLOW:
        return False
    ends_late = now_so.code == Stands.RESTING and now_so.until is not None and now_so.until - sight.now > LATE
    return ends_late or bool(pixel.due_since and sight.now - pixel.due_since > LATE)


def waiting_for_tiktok(sight: Sight) -> dict[int, datetime]:
    """Since when the oldest is recorded that TikTok turned away minutes ago and that still waits, of slow pixels.

    With each refusal it becomes due anew, so that it is never due for long however long that goes on. What was held is
    old as well and has not waited for TikTok, so that age alone tells nothing.
    """
    slow = [pixel.pk for pixel, now_so in sight.pixels if now_so.code in TOO_SLOW]
    if not slow:
        return {}
    return recorded_since(slow, Delivery.objects.due(sight.now), [Verdict.THROTTLED], sight)


def tried_in_vain(sight: Sight) -> dict[int, datetime]:
    """The same of pixels whose last request failed, where there are too few for the breaker to trip.

    The pauses between the tries of a few events are longer than the time after which it forgets a failure.
    """
    suspects = [pixel.pk for pixel, _ in sight.pixels if lane_of(pixel).failed_last]
    if not suspects:
        return {}
    waiting = Delivery.objects.filter(status=Delivery.Status.WAITING)
    return recorded_since(suspects, waiting, [Verdict.TRANSIENT, Verdict.UNKNOWN], sight)


def recorded_since(
    pixels: list[int], rows: QuerySet[Delivery], verdicts: list[Verdict], sight: Sight
) -> dict[int, datetime]:
    """When the oldest of these deliveries was recorded that got one of these answers minutes ago, by pixel."""
    queue = rows.filter(pixel=OuterRef(OuterRef("pk")), is_test=False)
    looked_at = queue.order_by("next_attempt_at").values("pk")[:LOOKED_AT]
    answered = DeliveryAttempt.objects.filter(
        delivery=OuterRef("pk"), verdict__in=verdicts, started_at__lt=sight.now - LATE
    )
    late = Delivery.objects.filter(Exists(answered), pk__in=Subquery(looked_at)).order_by().values("pixel")
    oldest = Subquery(late.annotate(since=Min("conversion__created_at")).values("since"))
    found_so = Pixel.objects.filter(pk__in=pixels).annotate(since=oldest).values_list("pk", "since")
    return {key: since for key, since in found_so if since}


def of_slow(pixel: Pixel, now_so: Standing, since: datetime | None, sight: Sight) -> Finding:
    waits = f"What waits for it was recorded up to {in_words(sight.now - since)} ago. " if since else ""
    title = TOO_SLOW[Stands(now_so.code)].format(pixel.name)
    return found(Code.TIKTOK_SLOWS, pixel, "warn", title, f"{waits}{now_so.words}")


def grouped(findings: Iterable[Finding]) -> list[Finding]:
    """The same, with one for all pixels that TikTok fails for: when it is away, it is so for all of them."""
    findings = list(findings)
    failing = [each for each in findings if each.code == Code.TIKTOK_FAILING]
    if len(failing) < 2:
        return findings
    rest = [each for each in findings if each.code != Code.TIKTOK_FAILING]
    return sorted([together(failing), *rest], key=lambda each: each.tone)


def together(failing: list[Finding]) -> Finding:
    names = ", ".join(each.subject for each in failing[:NAMES_SHOWN])
    more = f" and {len(failing) - NAMES_SHOWN} more" if len(failing) > NAMES_SHOWN else ""
    words = f"{names}{more}. Nothing is lost: what is to be sent waits, and probes find out when TikTok works again."
    link, do = list_page("offers_pixel"), "Look at the pixels"
    first = min(failing, key=lambda each: each.tone)  # bad before warn
    title = f"TikTok fails for {len(failing)} pixels"
    return replace(
        first, scope=Scope.SITE, subject_id=None, subject="The site", title=title, words=words, link=link, do=do
    )


def taken_over(sight: Sight) -> Iterator[Finding]:
    """Refused credentials that another one has replaced by itself, until a person revokes them or a week is over."""
    for takeover in recent_takeovers(sight.now):
        yield of_takeover(takeover, sight)


def of_takeover(takeover: Takeover, sight: Sight) -> Finding:
    successor, pixel = takeover.successor, takeover.successor.pixel
    old = " and ".join(f"…{row.last_four}" for row in takeover.refused)
    title = f"TikTok refused {old} of {pixel.name}; …{successor.last_four} took over"
    words = (
        f"It did so by itself at {at(successor.activated_at or sight.now, sight.now)}. TikTok had said: "
        f"{quoted(takeover.refused[0].last_refusal)} Revoke {old} and stage a new spare, which would take over the "
        "next time."
    )
    do = "Look at the credentials"
    link = list_page("dispatch_credential", {"pixel__id__exact": pixel.pk})
    step = to_rotation(pixel, do)
    return found(Code.CREDENTIAL_TAKEN_OVER, pixel, "warn", title, words, link=link, do=do, step=step)


def due_for_rotation(sight: Sight) -> Iterator[Finding]:
    """Credentials that have been in use for longer than CREDENTIAL_ROTATION_DAYS."""
    days = settings.CREDENTIAL_ROTATION_DAYS
    if not days:
        return
    used = Credential.objects.filter(state=Credential.State.ACTIVE)
    old = used.filter(activated_at__lte=sight.now - timedelta(days=days)).select_related("pixel")
    for credential in old.order_by(F("activated_at").asc(), "pk"):
        pixel, since = credential.pixel, credential.activated_at or credential.created_at
        words = (
            f"…{credential.last_four} has been in use since {at(since, sight.now)}; after {days:g} days a new one "
            "should take its place. Paste, test and promote one: nothing is lost meanwhile."
        )
        title = f"The credential of {pixel.name} is due for rotation"
        age = f"{(sight.now - since).days} days"
        more = {"do": "Rotate the credential", "link": own_page(pixel), "value": age, "target": f"{days:g} days"}
        step = to_rotation(pixel, "Rotate the credential")
        yield found(Code.CREDENTIAL_DUE, pixel, "warn", title, words, step=step, **more)


def counted_by_nobody(sight: Sight) -> Iterator[Finding]:
    """Active offers with visitors whose pixel marks everything as a test."""
    for offer in sight.offers.values():
        visits = sight.day[offer.pk].clicks if offer.pk in sight.day else 0
        if visits and offer.pixel.environment != Pixel.Environment.PRODUCTION:
            words = (
                f"{offer.pixel.name} is a {offer.pixel.get_environment_display().lower()} pixel, so TikTok counts "
                f"nothing of this offer, which had {visits:,} click{'' if visits == 1 else 's'} in 24 hours. Give the "
                "offer a production pixel, or make this one a production pixel on its page."
            )
            title = f"{offer} has visitors, and a pixel for tests"
            yield found(Code.TEST_PIXEL, offer, "bad", title, words)


def to_rotation(pixel: Pixel, do: str) -> Step:
    return Step(ROTATE, reverse("admin:dispatch_credential_rotate", args=[pixel.pk]), do)
