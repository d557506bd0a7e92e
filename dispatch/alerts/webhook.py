"""Messages by webhook, in the form that Slack's incoming webhooks take and others imitate.

https://api.slack.com/messaging/webhooks: a POST of {"text": …}, answered with 200. The address is the secret.
"""

import socket
from functools import cache
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from django.conf import settings

from conversions.visitor import clean_text, is_local_installation, parse_address
from dispatch.alerts.failing import NotSentError
from dispatch.connections import Cuttable, Deadline, session_over
from dispatch.models import AlertChannel
from offers.encryption import SecretUnreadableError

DEADLINE_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MOST_QUOTED = 200
NO_ADDRESS = "The channel has no webhook address."
NOT_HTTPS = "The webhook address must begin with https://."
INTERNAL = "The webhook address leads to this machine or a private network, where nothing is sent."


class InternalAddressError(Exception):
    """The name led to an address inside. Not an OSError, which would be taken for a failure to connect."""


class Guarded(Cuttable):
    """Looks at whom it is connected to before a byte is sent: a name may lead elsewhere than when it was checked."""

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        if not is_allowed(sock.getpeername()[0]):
            sock.close()
            raise InternalAddressError
        return sock


@cache
def session() -> requests.Session:
    """This process's session."""
    return session_over(Guarded)


def send(channel: AlertChannel, subject: str, body: str) -> None:
    """Raises NotSentError with the reason, which never holds the address; takes ten seconds at most."""
    try:
        url = channel.webhook_url.reveal() if channel.webhook_url else ""
    except SecretUnreadableError as error:
        raise NotSentError(f"The webhook address can't be read: {error}") from None
    wrong = what_is_wrong(url)
    if wrong:
        raise NotSentError(wrong)
    with Deadline(DEADLINE_SECONDS) as deadline:
        try:
            post(url, f"*{body_title(subject)}*\n{body}")
        except InternalAddressError:
            raise NotSentError(INTERNAL) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise NotSentError(no_answer(error, deadline.passed)) from None


def post(url: str, text: str) -> None:
    response = session().post(
        url,
        data=orjson.dumps({"text": text}),
        headers={"Content-Type": "application/json"},
        timeout=(CONNECT_SECONDS, DEADLINE_SECONDS),
        allow_redirects=False,
        stream=True,
    )
    with response:
        if 200 <= response.status_code < 300:
            return
        if 300 <= response.status_code < 400:
            raise NotSentError(f"HTTP {response.status_code}: a redirect, which is not followed.")
        said = response.raw.read(MOST_QUOTED, decode_content=True).decode("utf-8", "replace")
        raise NotSentError(f"HTTP {response.status_code}: {without_address(said, url)}")


def body_title(subject: str) -> str:
    """The subject as Slack's markup."""
    return subject.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "")


def without_address(said: str, url: str) -> str:
    """What the other side said, which may repeat where it was called."""
    for part in (url, urlsplit(url).path, *filter(lambda word: len(word) > 5, urlsplit(url).path.split("/"))):
        said = said.replace(part, "…") if len(part) > 1 else said
    return clean_text(" ".join(said.split()), MOST_QUOTED)


def no_answer(error: Exception, deadline_passed: bool) -> str:
    if deadline_passed or isinstance(error, requests.Timeout):
        return f"No answer within {DEADLINE_SECONDS:g} seconds."
    return f"It could not be reached ({type(error).__name__})."


def what_is_wrong(url: str) -> str:
    """Why nothing may be sent there, as far as the address itself tells; empty when nothing speaks against it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "The webhook address is no address."
    if not url:
        return NO_ADDRESS
    if not host or parts.scheme not in (("https", "http") if may_stay_inside() else ("https",)):
        return NOT_HTTPS
    return INTERNAL if host == "localhost" and not may_stay_inside() else literal_is_wrong(host)


def literal_is_wrong(host: str) -> str:
    return INTERNAL if parse_address(host) and not is_allowed(host) else ""


def is_allowed(ip: str) -> bool:
    """Whether messages may go to this address: to public ones only, unless the whole site is a local installation."""
    address = parse_address(ip)
    is_public = address is not None and address.is_global and not address.is_multicast
    return is_public or may_stay_inside()


def may_stay_inside() -> bool:
    return settings.DEBUG or is_local_installation()
