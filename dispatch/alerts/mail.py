"""Messages by e-mail, through the server that EMAIL_URL names."""

import re
import smtplib
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email

from conversions.identity import hide_inside
from dispatch.alerts.failing import NotSentError
from dispatch.connections import Deadline
from dispatch.models import AlertChannel

DEADLINE_SECONDS = 20.0
NO_SERVER = "No mail server is set: enter one in the settings as EMAIL_URL."
NO_ADDRESS = "The channel has no e-mail address."
TOO_SLOW = f"The mail server took longer than {DEADLINE_SECONDS:g} seconds."


class Cuttable:
    """A connection that tells the running deadline which socket it uses, plain or encrypted."""

    sock: Any

    def _get_socket(self, *args: Any) -> Any:
        sock = super()._get_socket(*args)  # type: ignore[misc]
        Deadline.watch(sock)
        return sock

    def starttls(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().starttls(*args, **kwargs)  # type: ignore[misc]
        Deadline.watch(self.sock)
        return answer


class CuttableSMTP(Cuttable, smtplib.SMTP):
    pass


class CuttableSMTPS(Cuttable, smtplib.SMTP_SSL):
    pass


class CuttableBackend(EmailBackend):
    """EMAIL_TIMEOUT begins anew with every line that drips in; this one ends altogether."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return CuttableSMTPS if self.use_ssl else CuttableSMTP


def send(channel: AlertChannel, subject: str, body: str) -> None:
    """Raises NotSentError with the reason; takes twenty seconds at most, and each step what EMAIL_TIMEOUT says."""
    addresses = addresses_in(channel.addresses)
    if not has_server():
        raise NotSentError(NO_SERVER)
    if not addresses:
        raise NotSentError(NO_ADDRESS)
    message = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, addresses, connection=connection())
    with Deadline(DEADLINE_SECONDS) as deadline:
        error = deliver(message)
    if error:
        raise NotSentError(TOO_SLOW if deadline.passed else error)


def connection() -> BaseEmailBackend:
    """The one that the settings name."""
    made: BaseEmailBackend = get_connection()
    return CuttableBackend() if type(made) is EmailBackend else made


def deliver(message: EmailMessage) -> str:
    """What went wrong, without any address; empty when the server took it."""
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        return f"The mail server refused {len(error.recipients)} of the addresses."
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"The mail server answered {error.smtp_code}: {hide_inside(said)[:200]}"
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return f"The mail server could not be reached or used ({type(error).__name__})."
    return ""


def has_server() -> bool:
    """Whether EMAIL_URL names one."""
    return bool(settings.HAS_MAIL_SERVER)


def addresses_in(text: str) -> list[str]:
    """Addresses, one a line or separated by commas or semicolons."""
    return [part for part in re.split(r"[\s,;]+", text) if part]


def wrong_addresses(text: str) -> list[str]:
    """Those that no mail can be sent to."""
    return [address for address in addresses_in(text) if not is_address(address)]


def is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
