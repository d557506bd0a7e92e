"""One run of a test conversion: what visitor and network do happens at once, what the workers do is waited for."""

import logging
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, IntegrityError, transaction
from django.http import Http404

from conversions import configuration
from conversions.models import Click
from conversions.outage import is_outage
from dispatch.models import Delivery, TestConversion
from dispatch.test_conversions import watching
from dispatch.test_conversions.calls import STATUSES, Answer, Report, report, reports_of
from dispatch.test_conversions.stages import State, end, first_open, fresh_stages, has_failed, is_open, settle
from dispatch.test_conversions.visit import arrive_as_test, call_events, follow_outbound
from offers.encryption import SecretUnreadableError
from offers.models import EventRule, Offer

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=60)
NO_CODE = (
    "The pixel “{}” has no test event code, without which TikTok would count the test. Copy the code from Events "
    "Manager, Test events, and enter it on the pixel's page."
)
NO_RULES = "The offer has no event rule that a page or a postback could fire. Add one on the offer's page."
INACTIVE = "The offer is inactive, so its links get a 404. Tick “Active” on its page first."
RUNNING = "A test of this offer is running already. It ends within a minute or so; start another one then."
NO_KEY = "The network's format is signed, and there is no signing key yet. Enter the key on the network's page."
WATCHED: list[tuple[str, Callable[[TestConversion, datetime], None]]] = [
    ("digest", watching.digest),
    ("planning", watching.planning),
    ("delivery", watching.delivery),
    ("comparison", watching.comparison),
]


class CannotTestError(Exception):
    """Why no test can be run, and what to do about it."""


def start(offer: Offer, user: Any, now: datetime, patience: timedelta = PATIENCE) -> TestConversion:
    """Click, look at the page, go on and report the sale; the workers do the rest, for which advance() looks.

    Raises CannotTestError when the offer can't be tested, django.db.Error when the database is away.
    """
    rules = list(offer.event_rules.select_related("offer"))
    refuse_untestable(offer, rules)
    advance_all(now)
    run = claim(offer, user, now, patience)
    configuration.offers.refresh(offer.slug)  # what was saved a moment ago counts
    try:
        act(run, rules, now)
    except Exception as error:  # a fault of ours must end the test, not leave it running
        if isinstance(error, Error) and is_outage(error):
            raise
        logger.exception("Test conversion %s broke off", run.pk)
        fail_open_stage(run, f"{type(error).__name__} on our side, which is logged.", now)
    if has_failed(run):
        finish(run, now)
        run.save()
    return run


def refuse_untestable(offer: Offer, rules: list[EventRule]) -> None:
    """Raises CannotTestError."""
    if not offer.is_active:
        raise CannotTestError(INACTIVE)
    if not rules:
        raise CannotTestError(NO_RULES)
    if not offer.pixel.test_event_code:
        raise CannotTestError(NO_CODE.format(offer.pixel.name))


def claim(offer: Offer, user: Any, now: datetime, patience: timedelta) -> TestConversion:
    """The row of the run, unless another one is running. Raises CannotTestError."""
    until = now + patience
    run = TestConversion(offer=offer, started_by=user, started_at=now, gives_up_at=until, stages=fresh_stages())
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        raise CannotTestError(RUNNING) from error
    return run


def act(run: TestConversion, rules: list[EventRule], now: datetime) -> None:
    """What the visitor and the network do, stage by stage; it ends at the first one that fails."""
    click = run.click = arrive_as_test(run.offer, now)
    words = f"The tracking link made the click {click.pk}, with a ttclid and the visitor's agreement."
    settle(run, "click", State.PASSED, words, now)
    for stage in (landing, outbound, postback):
        stage(run, click, rules, now)
        run.save()
        if has_failed(run):
            return


def landing(run: TestConversion, click: Click, rules: list[EventRule], now: datetime) -> None:
    """The page's events, each recorded, and what the Pixel is told of them."""
    called = [rule.event_name for rule in rules if rule.trigger == EventRule.Trigger.PAGE]
    if not called:
        words = f"The link leads to {click.landing_url}. No event rule of the offer is called by a page."
        settle(run, "landing", State.SKIPPED, words, now)
        return
    pixel = call_events(click, rules, now)
    words = f"The page {click.landing_url} called: {', '.join(called)}."
    settle(run, "landing", State.PASSED, words, now, pixel=pixel)


def outbound(run: TestConversion, click: Click, rules: list[EventRule], now: datetime) -> None:
    """The network's link has to carry the click id."""
    try:
        url = follow_outbound(click).get("Location", "")
    except Http404:
        words = "The outbound link got a 404: the offer was made inactive meanwhile."
        settle(run, "outbound", State.FAILED, words, now)
        return
    if click.pk in url:
        settle(run, "outbound", State.PASSED, f"It leads to {url}, which carries the click id.", now)
        return
    words = f"It leads to {url}, which lacks the click id. Put {{click_id}} into the offer link."
    settle(run, "outbound", State.FAILED, words, now)


def postback(run: TestConversion, click: Click, rules: list[EventRule], now: datetime) -> None:
    """The network reports what the offer has rules for."""
    network = run.offer.network
    if not any(rule.trigger in STATUSES for rule in rules):
        settle(run, "postback", State.SKIPPED, "No event rule of the offer is fired by a postback.", now)
        return
    try:
        if network.format.is_signed and not network.live_keys():
            settle(run, "postback", State.FAILED, NO_KEY, now)
            return
        reports = reports_of(click, rules, network)
        answers = [(each, report(click, network, each.call)) for each in reports if each.call]
    except SecretUnreadableError as error:
        settle(run, "postback", State.FAILED, f"The network's secret or key can't be read: {error}", now)
        return
    settle_postback(run, [each for each in reports if each.call is None], answers, now)


def settle_postback(
    run: TestConversion, left_out: list[Report], answers: list[tuple[Report, Answer]], now: datetime
) -> None:
    """What the gateway said to the calls; `left_out` are those that the format has no example of."""
    network = run.offer.network
    calls = [{"rule": str(each.rule), "postback": answer.postback} for each, answer in answers]
    refused = [(each, answer) for each, answer in answers if answer.status != 200]
    missing = ", ".join(str(each.rule) for each in left_out)
    not_tried = f"Not tried, as {network.format.label} has no example of it: {missing}." if missing else ""
    if refused:
        each, answer = refused[0]
        hint = "Is the network active?" if answer.postback is None else "The inbox of postbacks says why."
        words = f"{each.rule}: the gateway answered {answer.status} {answer.words.rstrip('.')}. {hint}"
        settle(run, "postback", State.FAILED, words, now, calls=calls)
    elif not answers:
        settle(run, "postback", State.SKIPPED, not_tried, now, calls=calls)
    else:
        told = ", ".join(str(each.rule) for each, _ in answers)
        words = f"{network} called in its own format, and the gateway took it: {told}. {not_tried}".strip()
        settle(run, "postback", State.PASSED, words, now, calls=calls)


def advance(key: int, now: datetime) -> TestConversion:
    """Look how far the workers have got, and end the run when nothing is left to come; the run as it stands then.

    Raises TestConversion.DoesNotExist.
    """
    with transaction.atomic():
        run = TestConversion.objects.select_for_update(of=("self",)).select_related("offer__pixel").get(pk=key)
        before = deepcopy(run.stages)
        if run.ended_at is None and not is_open(run, "postback"):
            look(run, now)
        if run.ended_at is None and now >= run.gives_up_at:
            give_up(run, now)
        if run.ended_at or run.stages != before:
            run.save()
    return run


def look(run: TestConversion, now: datetime) -> None:
    """Every stage that can be settled by now."""
    for name, watch in WATCHED:
        if is_open(run, name):
            watch(run, now)
        if has_failed(run):
            break
        if is_open(run, name):
            return
    finish(run, now)


def give_up(run: TestConversion, now: datetime) -> None:
    """The stage that did not end in time has failed."""
    name = first_open(run)
    seconds = (run.gives_up_at - run.started_at).total_seconds()
    settle(run, name, State.FAILED, watching.too_late(run, name, seconds, now), now)
    finish(run, now)


def fail_open_stage(run: TestConversion, words: str, now: datetime) -> None:
    settle(run, first_open(run), State.FAILED, words, now)


def finish(run: TestConversion, now: datetime) -> None:
    """The run is over: what of it still waits for TikTok is not sent later. Does not save the run."""
    end(run, now)
    waiting = Delivery.objects.filter(conversion__click=run.click_id, status=Delivery.Status.WAITING, is_test=True)
    waiting.update(status=Delivery.Status.DISCARDED, decision="Discarded: the test conversion had ended.")


def advance_all(now: datetime) -> int:
    """Have every run go on that nobody may be watching; how many there were."""
    keys = list(TestConversion.objects.filter(ended_at=None).values_list("pk", flat=True))
    for key in keys:
        advance(key, now)
    return len(keys)
