"""Messages as people read them: plain text for mail, Slack's mrkdwn for webhooks."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.text import Truncator

from dispatch.findings.finding import Code, Scope
from dispatch.models import Alert, AlertChannel
from dispatch.wording import two_largest

MOST_SHOWN = 30
MOST_WORDS = 400
LONGEST_SUBJECT = 200


@dataclass
class News:
    """What is to be told: what began, grew, is still so after a day, and what is over."""

    now: datetime
    begun: list[Alert] = field(default_factory=list)
    grown: list[Alert] = field(default_factory=list)
    reminded: list[Alert] = field(default_factory=list)
    over: list[Alert] = field(default_factory=list)

    @property
    def alerts(self) -> list[Alert]:
        return [*self.begun, *self.grown, *self.reminded, *self.over]

    def __bool__(self) -> bool:
        return bool(self.alerts)

    def of(self, channel: AlertChannel, heard: set[tuple[int, int]]) -> "News":
        """What this channel wants to hear; `heard` says of which alerts it has been told."""
        wants_all = channel.least_tone == AlertChannel.Tone.WARN
        begun, grown, reminded = (
            [alert for alert in alerts if wants_all or alert.tone == "bad"]
            for alerts in (self.begun, self.grown, self.reminded)
        )
        over = [alert for alert in self.over if (channel.pk, alert.pk) in heard]
        return replace(self, begun=begun, grown=grown, reminded=reminded, over=over)


@dataclass(frozen=True)
class Style:
    """How a kind of channel writes: what it does to text, and its headings and links."""

    text: Callable[[str], str]
    heading: Callable[[str], str]
    link: Callable[[str, str], str]


def plain(text: str) -> str:
    return " ".join(text.split())


def escaped(text: str) -> str:
    """What is no markup for Slack, whoever wrote it: its documentation names these three characters."""
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MAIL = Style(text=plain, heading=lambda text: plain(text).upper(), link=lambda url, label: f"{label}: {url}")
SLACK = Style(
    text=escaped,
    heading=lambda text: f"*{escaped(text).replace('*', '')}*",
    link=lambda url, label: f"<{escaped(url).replace('|', '%7C')}|{escaped(label).replace('|', '/')}>",
)
STYLES = {AlertChannel.Kind.EMAIL: MAIL, AlertChannel.Kind.WEBHOOK: SLACK}


def compose(channel: AlertChannel, news: News) -> tuple[str, str]:
    """Subject and body of one message."""
    style = STYLES[AlertChannel.Kind(channel.kind)]
    site = urlsplit(settings.PUBLIC_BASE_URL).hostname
    subject = Truncator(f"[{site}] {headline(news)}").chars(LONGEST_SUBJECT)
    lines = [*sections(news, style), "", style.link(absolute(reverse(ALERTS)), "All alerts")]
    return plain(subject), "\n".join(lines).strip()


ALERTS = "admin:dispatch_alert_changelist"
RUNBOOK = "admin:dispatch_runbook"


def headline(news: News) -> str:
    """What a telephone shows of it: the worst first, and how many more there are."""
    first = sorted([*news.begun, *news.grown, *news.reminded], key=lambda alert: alert.tone != "bad")
    if not first:
        return f"Over: {summary(news.over)}"
    return summary(first)


def summary(alerts: list[Alert]) -> str:
    """The one title, the one code with how many it is about, or the first title and how many more."""
    codes = {alert.code for alert in alerts}
    if len(alerts) == 1:
        return alerts[0].title
    if len(codes) == 1:
        return f"{label_of(alerts[0].code)}: {counted(alerts)}"
    return f"{alerts[0].title}, and {len(alerts) - 1} more"


def sections(news: News, style: Style) -> Iterator[str]:
    for title, alerts in (("", news.begun), ("Has grown", news.grown), ("Still so after a day", news.reminded)):
        if alerts and title:
            yield from ("", style.heading(title))
        yield from groups(alerts[:MOST_SHOWN], style)
        yield from rest_of(alerts, style)
    if news.over:
        yield from ("", style.heading("Over"))
        yield from (f"• {style.text(alert.title)} – {lasted(alert, news.now)}." for alert in news.over[:MOST_SHOWN])
        yield from rest_of(news.over, style)


def rest_of(alerts: list[Alert], style: Style) -> Iterator[str]:
    if len(alerts) > MOST_SHOWN:
        yield style.text(f"… and {len(alerts) - MOST_SHOWN} more.")


def groups(alerts: list[Alert], style: Style) -> Iterator[str]:
    """A heading for each subject, or for what befell several subjects at once: one line each, as the cause is one."""
    codes = Counter(alert.code for alert in alerts)
    grouped: dict[tuple[str, ...], list[Alert]] = {}
    for alert in alerts:
        is_common = codes[alert.code] > 1
        key = (alert.code,) if is_common else (alert.scope, str(alert.subject_id), alert.subject)
        grouped.setdefault(key, []).append(alert)
    for group in grouped.values():
        is_common = codes[group[0].code] > 1
        yield from ("", *(common(group, style) if is_common else single(group, style)))


def common(alerts: list[Alert], style: Style) -> Iterator[str]:
    """Several of one code."""
    yield style.heading(f"{label_of(alerts[0].code)}: {counted(alerts)}")
    yield from (f"• {style.link(absolute(alert.link), alert.title)}" for alert in alerts)
    yield style.link(runbook(alerts[0].code), "What to do")


def single(alerts: list[Alert], style: Style) -> Iterator[str]:
    """Everything of one subject."""
    yield style.heading(subject_of(alerts[0]))
    for alert in alerts:
        yield f"• {style.text(alert.title)} ({'stops money' if alert.tone == 'bad' else 'look at it'})"
        yield style.text(Truncator(alert.words).chars(MOST_WORDS))
        yield style.link(absolute(alert.link), "See it")
        yield style.link(runbook(alert.code), "What to do")


def subject_of(alert: Alert) -> str:
    if alert.scope == Scope.SITE or not alert.subject:
        return Scope.SITE.label
    return f"{Scope(alert.scope).label} {alert.subject}"


def counted(alerts: list[Alert]) -> str:
    """“5 pixels”, or “3 times” where it is one subject more than once."""
    subjects = {(alert.scope, alert.subject_id) for alert in alerts}
    scopes = {alert.scope for alert in alerts}
    if len(subjects) < len(alerts) or len(scopes) > 1:
        return f"{len(alerts)} times"
    return f"{len(alerts)} {Scope(alerts[0].scope).value}s"


def label_of(code: str) -> str:
    return str(Code(code).label)


def lasted(alert: Alert, now: datetime) -> str:
    """“over after 2 h 10 min”."""
    return f"over after {span((alert.ended_at or now) - alert.began_at)}"


def span(time: timedelta) -> str:
    """Days, hours and minutes, the two largest that say something."""
    minutes = timedelta(minutes=max(1, round(time.total_seconds() / 60)))
    return " ".join(f"{number} {unit}" for number, unit in two_largest(minutes))


def runbook(code: str) -> str:
    """The address of what to do about it."""
    return f"{absolute(reverse(RUNBOOK))}#{code}"


def absolute(path: str) -> str:
    """An address that works outside the admin."""
    return f"{settings.PUBLIC_BASE_URL}{path or reverse(ALERTS)}"
