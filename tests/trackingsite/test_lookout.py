from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from dispatch.alerts.telling import tell
from dispatch.models import Alert, Heartbeat
from tests.dispatch.alerts.support import make_channel
from trackingsite.lookout import PATIENCE_OF_WEB, Lookout

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    """A site with a mail server, whose cluster of workers gives signs of life."""
    settings.HAS_MAIL_SERVER = True
    make_channel()
    Heartbeat.objects.start("here:1:00aa", datetime(2100, 1, 1, tzinfo=UTC))


def looks(lookout: Lookout, minutes: range) -> None:
    for minute in minutes:
        lookout.look(NOON + minute * MINUTE)


def test_while_workers_look_the_lookout_only_sends():
    tell([], NOON)

    looks(Lookout(), range(2))

    assert not Alert.objects.exists()


def test_when_no_worker_has_looked_for_three_minutes_it_looks_and_tells():
    lookout = Lookout()
    tell([], NOON)

    looks(lookout, range(3))
    assert not Alert.objects.exists()
    looks(lookout, range(3, 6))

    assert "The workers do not look after the site" in mail.outbox[0].subject
    assert "for 4 minutes" in mail.outbox[0].body


def test_it_ends_when_workers_look_again():
    lookout = Lookout()
    looks(lookout, range(6))

    for minute in range(7, 10):
        tell([], NOON + minute * MINUTE)
        looks(lookout, range(minute, minute + 1))

    assert [message.subject.split()[1] for message in mail.outbox] == ["The", "Over:"]


def test_a_site_that_was_off_for_long_gets_time_to_start():
    tell([], NOON - timedelta(days=1))

    looks(Lookout(), range(3))

    assert not Alert.objects.exists()


def test_a_web_process_stands_in_and_sends_only_while_supervisors_are_gone(monkeypatch):
    sent = []
    monkeypatch.setattr("trackingsite.lookout.send_due", sent.append)
    lookout = Lookout(PATIENCE_OF_WEB, sends=False)
    tell([], NOON)

    looks(lookout, range(4))
    assert not sent
    looks(lookout, range(4, 6))

    assert len(sent) == 2
