"""Alerts are opened, kept and ended by what is found wrong, and written into messages."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from dispatch.alerts.rules import RULES
from dispatch.alerts.wording import News, compose
from dispatch.findings.finding import Code, Finding
from dispatch.models import Alert, AlertChannel, AlertMessage, Watch

ROUND_IS_EARLY = timedelta(seconds=5)
"""A round comes once a minute, a little sooner or later."""
GONE_AFTER = timedelta(minutes=2)
"""For so long something must not have been found to be over: it may come back in the next round."""
REST = timedelta(minutes=2)
"""Between two messages to the same people; what begins meanwhile goes into the next one."""
REMIND_AFTER = timedelta(hours=24)
LEAST_GROWTH = 10
KEPT_FIELDS = ["tone", "title", "words", "link", "subject", "seen_at", "ended_at", "told_at", "told_size"]


def tell(findings: Iterable[Finding], now: datetime) -> int:
    """Once a minute: note what began and what ended, and write one message to each channel; how many were written.

    Nothing is sent here. May run in several processes at once, as hosts do not know of each other.
    """
    found = {finding.key: finding for finding in findings if finding.code in RULES}
    with transaction.atomic():
        take_turn(now)
        note(found, now)
        return write(found, now)


def take_turn(now: datetime) -> None:
    """Keep other processes waiting until this one is done."""
    Watch.objects.get_or_create(pk=1)
    watch = Watch.objects.select_for_update().get(pk=1)
    watch.looked_at = now
    watch.save(update_fields=["looked_at"])


def note(found: Mapping[str, Finding], now: datetime) -> None:
    """Open, keep and end alerts."""
    alerts = {alert.key: alert for alert in Alert.objects.filter(ended_at=None)}
    Alert.objects.bulk_create([begun(finding, now) for key, finding in found.items() if key not in alerts])
    for key, alert in alerts.items():
        if key in found:
            keep(alert, found[key], now)
        elif now - alert.seen_at >= GONE_AFTER - ROUND_IS_EARLY:
            alert.ended_at = now
    Alert.objects.bulk_update(alerts.values(), KEPT_FIELDS)


def begun(finding: Finding, now: datetime) -> Alert:
    alert = Alert(key=finding.key, code=finding.code, scope=finding.scope, subject_id=finding.subject_id, began_at=now)
    keep(alert, finding, now)
    return alert


def keep(alert: Alert, finding: Finding, now: datetime) -> None:
    """Still so. It never gets better before it ends, and is told anew when it gets worse."""
    if alert.tone == "warn" and finding.tone == "bad":
        alert.told_at = None
    alert.tone = "bad" if "bad" in (alert.tone, finding.tone) else finding.tone
    alert.title, alert.words, alert.link = finding.title[:300], finding.words, finding.link[:300]
    alert.subject, alert.seen_at = finding.subject[:150], now
    alert.told_size = min(alert.told_size, finding.size)  # what was cleared up may grow anew


def write(found: Mapping[str, Finding], now: datetime) -> int:
    """One message to each channel that has something to hear; how many."""
    news = news_of(found, now)
    if not news or AlertMessage.objects.filter(created_at__gt=now - REST + ROUND_IS_EARLY).exists():
        return 0
    heard = told_before(news.over)
    messages = [
        message
        for channel in AlertChannel.objects.filter(is_active=True)
        if (message := message_to(channel, news.of(channel, heard), now))
    ]
    mark_told(news, messages, found, now)
    return len(messages)


def news_of(found: Mapping[str, Finding], now: datetime) -> News:
    """Everything that is to be told now."""
    alerts = list(Alert.objects.filter(ended_at=None, key__in=found).order_by("began_at", "pk"))
    told = [alert for alert in alerts if alert.told_at]
    return News(
        begun=[alert for alert in alerts if alert.told_at is None and is_ripe(alert, now)],
        grown=[alert for alert in told if has_grown(alert, found[alert.key])],
        reminded=[alert for alert in told if alert.tone == "bad" and is_forgotten(alert, now)],
        over=list(ends_to_tell(now)),
        now=now,
    )


def ends_to_tell(now: datetime) -> QuerySet[Alert]:
    """What somebody was told of and is over."""
    told = AlertMessage.alerts.through.objects.filter(alert=OuterRef("pk"))
    ended = Alert.objects.filter(ended_at__gt=now - REMIND_AFTER, end_told_at=None)
    return ended.filter(Exists(told)).order_by("began_at", "pk")


def is_ripe(alert: Alert, now: datetime) -> bool:
    return now - alert.began_at >= RULES[Code(alert.code)].patience(alert.tone) - ROUND_IS_EARLY


def is_forgotten(alert: Alert, now: datetime) -> bool:
    return alert.told_at is not None and now - alert.told_at >= REMIND_AFTER


def has_grown(alert: Alert, finding: Finding) -> bool:
    return finding.size >= 2 * alert.told_size and finding.size - alert.told_size >= LEAST_GROWTH


def told_before(alerts: Iterable[Alert]) -> set[tuple[int, int]]:
    """Which channel has heard of which of these: nobody is told the end of what he was never told of."""
    pairs = AlertMessage.alerts.through.objects.filter(alert__in=alerts)
    return set(pairs.values_list("alertmessage__channel", "alert"))


def message_to(channel: AlertChannel, news: News, now: datetime) -> AlertMessage | None:
    if not news:
        return None
    subject, body = compose(channel, news)
    message = AlertMessage.objects.create(channel=channel, subject=subject, body=body, created_at=now, due_at=now)
    message.alerts.set(news.alerts)
    return message


def mark_told(news: News, messages: Iterable[AlertMessage], found: Mapping[str, Finding], now: datetime) -> None:
    """What no channel wanted stays untold, for the channel that will be added one day; an end is told now or never."""
    heard = {pk for message in messages for pk in message.alerts.values_list("pk", flat=True)}
    told = [alert for alert in (*news.begun, *news.grown, *news.reminded) if alert.pk in heard]
    for alert in told:
        alert.told_at, alert.told_size = now, found[alert.key].size
    Alert.objects.bulk_update(told, ["told_at", "told_size"])
    Alert.objects.filter(pk__in=[alert.pk for alert in news.over]).update(end_told_at=now)
