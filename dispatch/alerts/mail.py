"""Messages by e-mail, through the server that EMAIL_URL names."""

import re
import smtplib

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email

from conversions.identity import hide_inside
from dispatch.alerts.failing import NotSentError
from dispatch.models import AlertChannel

NO_SERVER = "No mail server is set: enter one in the settings as EMAIL_URL."
NO_ADDRESS = "The channel has no e-mail address."


def send(channel: AlertChannel, subject: str, body: str) -> None:
    """Raises NotSentError with the reason; each step of the way may take as long as EMAIL_TIMEOUT says."""
    addresses = addresses_in(channel.addresses)
    if not has_server():
        raise NotSentError(NO_SERVER)
    if not addresses:
        raise NotSentError(NO_ADDRESS)
    message = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, addresses, connection=get_connection())
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSentError(f"The mail server refused {len(error.recipients)} of the addresses.") from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise NotSentError(f"The mail server answered {error.smtp_code}: {hide_inside(said)[:200]}") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSentError(f"The mail server could not be reached or used ({type(error).__name__}).") from None


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
