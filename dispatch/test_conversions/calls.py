"""What the network reports of the test's click: a call for each event rule that a postback fires, in its own format."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import orjson
from django.db import transaction

from conversions import configuration
from conversions.calls import Call, SignatureError, UnreadableCallError
from conversions.example_calls import example_calls, read
from conversions.models import Click, Postback
from conversions.networks import adapter_of
from conversions.networks.record import PostbackRefusedError
from conversions.rehearsal import allowed_address, send, text_of
from offers.models import EventRule, Network
from offers.models.network import PostbackStatus

Trigger = EventRule.Trigger
STATUSES = {
    Trigger.PENDING: PostbackStatus.PENDING,
    Trigger.APPROVED: PostbackStatus.APPROVED,
    Trigger.REBILL: PostbackStatus.REBILL,
    Trigger.UPSELL: PostbackStatus.UPSELL,
}
IN_ORDER = list(STATUSES)
OF_ITS_OWN = (Trigger.REBILL, Trigger.UPSELL)  # these are transactions beside the sale's


@dataclass(frozen=True)
class Report:
    """One call of the network, with the rule that it is to fire; no call where the format has no example of it."""

    rule: EventRule
    call: Call | None


@dataclass(frozen=True)
class Answer:
    """What the gateway said, and the row that it kept."""

    status: int
    words: str
    postback: int | None


def reports_of(click: Click, rules: list[EventRule], network: Network) -> list[Report]:
    """A report for each rule that a postback fires, a pending sale before the approved one. Raises
    SecretUnreadableError."""
    fired = sorted((rule for rule in rules if rule.trigger in STATUSES), key=lambda rule: IN_ORDER.index(place(rule)))
    first, numbers = secrets.randbelow(10**12), dict[tuple[str, str], int]()
    keys = network.live_keys()
    reports = []
    for rule in fired:
        name = (rule.network_event.casefold(), rule.trigger if rule.trigger in OF_ITS_OWN else "")
        number = numbers.setdefault(name, first + len(numbers))
        reports.append(Report(rule, call_for(rule, click, network, keys[0] if keys else "", number)))
    return reports


def place(rule: EventRule) -> Trigger:
    return Trigger(rule.trigger)


def call_for(rule: EventRule, click: Click, network: Network, key: str, number: int) -> Call | None:
    """The call that fires the rule; None where the format's example can't be made to."""
    calls = example_calls(network, click.pk, STATUSES[place(rule)], key, number)
    if not calls:
        return None
    return next((call for call in worded(rule, calls[-1]) if says_event(call, network, key, rule)), None)


def worded(rule: EventRule, call: Call) -> Iterator[Call]:
    """The call, with the network's event word where the rule is made for one."""
    yield call
    for name in ("event", "goal_id", "event_name"):
        yield replace(call, query="&".join(filter(None, [call.query, urlencode({name: rule.network_event})])))


def says_event(call: Call, network: Network, key: str, rule: EventRule) -> bool:
    try:
        return rule.fits(read(adapter_of(network), call, network, [key]).event)
    except (SignatureError, UnreadableCallError, PostbackRefusedError):
        return False


def report(click: Click, network: Network, call: Call) -> Answer:
    """Make the call at the gateway, from an address that the network may call from.

    Its row is marked in the same transaction, so that whoever digests it knows it for a test. Raises
    SecretUnreadableError.
    """
    configuration.networks.refresh(network.slug)  # what was saved a moment ago counts
    with transaction.atomic():
        newest = Postback.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        address = allowed_address(network)
        answer = send(network, call, address, waits=False)
        rows = Postback.objects.filter(pk__gt=newest, network=network, remote_ip=address)
        postback = next((row for row in rows if names(row, click) or not network.allowed_ips.strip()), None)
        if postback:
            Postback.objects.filter(pk=postback.pk).update(is_test=True)
    return Answer(answer.status_code, text_of(answer), postback.pk if postback else None)


def names(postback: Postback, click: Click) -> bool:
    """Whether the call is about this click; others may come from the network's only address in the same moment."""
    return click.pk in orjson.dumps(postback.params).decode().lower() or click.pk in postback.raw_call.lower()
