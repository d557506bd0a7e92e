"""Sends what was written: each message until it is delivered, or too old to be of use."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db.models import F

from dispatch import clock
from dispatch.alerts import mail, webhook
from dispatch.alerts.failing import NotSentError
from dispatch.models import AlertChannel, AlertMessage

logger = logging.getLogger(__name__)

PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
"""Before the next try; the last one is repeated."""
GIVEN_UP_AFTER = timedelta(hours=24)
LEASE = timedelta(minutes=2)
"""Longer than sending takes: who was killed meanwhile leaves it to be sent again, rather than not at all."""
AT_ONCE = 10
MOST_SECONDS = 40.0
"""For one round; mail and webhook end themselves long before, but nothing ends the look-up of a name."""
NO_END = "Sending it came to no end."
SENDERS: dict[str, Callable[[AlertChannel, str, str], None]] = {
    AlertChannel.Kind.EMAIL: mail.send,
    AlertChannel.Kind.WEBHOOK: webhook.send,
}
TEST_SUBJECT = "Test message"
TEST_BODY = "This channel works: alerts of the conversion tracking arrive here."


def send_due(now: datetime) -> int:
    """Send the oldest due message of each channel, all at once, outside of any transaction; how many were delivered.

    A channel that hangs costs the others nothing but the end of the round.
    """
    give_up_old(now)
    messages = claim(now)
    if not messages:
        return 0
    errors = send_all(messages)
    for message, error in zip(messages, errors, strict=True):
        settle(message, error, clock.now())
    return errors.count("")


def send_all(messages: Sequence[AlertMessage]) -> list[str]:
    """What went wrong with each. No thread of these asks the database, and none keeps the process from ending."""
    errors = [NO_END] * len(messages)

    def send(place: int, message: AlertMessage) -> None:
        errors[place] = try_to_send(message.channel, message.subject, message.body)

    threads = [threading.Thread(target=send, args=each, daemon=True) for each in enumerate(messages)]
    for thread in threads:
        thread.start()
    ends_at = time.monotonic() + MOST_SECONDS
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    return list(errors)


def give_up_old(now: datetime) -> None:
    """What has been tried for a day, or belongs to a channel that was switched off, is told by nobody any more."""
    AlertMessage.objects.filter(due_at__lte=now, created_at__lte=now - GIVEN_UP_AFTER).update(due_at=None)


def claim(now: datetime) -> list[AlertMessage]:
    """The oldest due message of each channel, which no other process sends meanwhile."""
    due = AlertMessage.objects.filter(due_at__lte=now, channel__is_active=True).select_related("channel")
    oldest: dict[int, AlertMessage] = {}
    for message in due.order_by("due_at", "pk")[:500]:
        oldest.setdefault(message.channel_id, message)
    return [message for message in list(oldest.values())[:AT_ONCE] if is_mine(message, now)]


def is_mine(message: AlertMessage, now: datetime) -> bool:
    mine = AlertMessage.objects.filter(pk=message.pk, due_at=message.due_at)
    message.tries += 1
    return mine.update(due_at=now + LEASE, tries=F("tries") + 1) == 1


def try_to_send(channel: AlertChannel, subject: str, body: str) -> str:
    """What went wrong, in words; empty when it was delivered."""
    try:
        SENDERS[channel.kind](channel, subject, body)
    except NotSentError as error:
        return str(error)[:300]
    except Exception as error:  # its words may hold the address
        logger.error("Sending an alert failed through a fault of ours: %s", type(error).__name__)
        return f"Sending it failed through a fault of ours ({type(error).__name__})."
    return ""


def settle(message: AlertMessage, error: str, now: datetime) -> None:
    """Note what came of it."""
    message.error = error
    if error:
        logger.warning("Alert message %d was not delivered; it is tried again", message.pk)
        message.due_at = now + PAUSES[min(message.tries, len(PAUSES)) - 1]
    else:
        message.due_at, message.sent_at = None, now
    message.save(update_fields=["due_at", "sent_at", "error"])
    note(message.channel, error, now)


def note(channel: AlertChannel, error: str, now: datetime) -> None:
    """What its page says of how it works."""
    fresh = {"last_error_at": now, "last_error": error} if error else {"last_ok_at": now}
    AlertChannel.objects.filter(pk=channel.pk).update(**fresh)


def send_test(channel: AlertChannel, now: datetime) -> str:
    """Send a message that says nothing else; what went wrong, empty when it was delivered."""
    error = try_to_send(channel, TEST_SUBJECT, TEST_BODY)
    note(channel, error, now)
    return error
