"""Credential rotation: stage, test with a real call, promote, let the old one retire, revoke."""

import re
import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from conversions.wake import enqueue
from dispatch.models import Credential
from dispatch.models.credential import ONE_WORD, SHORTEST_TOKEN
from dispatch.tasks import DELIVER
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict, meaning_of
from dispatch.tiktok.contract import Body, make_body
from offers.encryption import SecretUnreadableError
from offers.models import Pixel

State = Credential.State
TEST_USER_AGENT = "Credential test"
BEARER = re.compile(r"bearer\b", re.IGNORECASE)
OUR_OWN_SECRETS = frozenset({"DJANGO_SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL"})
TEST_ADVICE = {
    Verdict.ACCEPTED: "The token works for this pixel and can be promoted.",
    Verdict.AUTH: "Generate a new token in Events Manager, in the settings of this very pixel, and paste that one.",
    Verdict.INVALID: "The token may be right: check the pixel code and the test event code.",
    Verdict.THROTTLED: "Nothing is wrong with the token: wait a minute and test again.",
    Verdict.TRANSIENT: "Nothing is known of the token. It is kept here: test it again in a few minutes.",
    Verdict.UNKNOWN: "Nothing is known of the token. It is kept here: test it again in a few minutes.",
}
LENGTH_OF_TEST_MESSAGE = 300


class RotationError(Exception):
    """A step that the credential or its state does not allow; the message is for staff and holds no token."""


@sensitive_variables("token")
def stage(pixel: Pixel, token: str, reference: str, user: Any, now: datetime) -> Credential:
    """Keep a new token, encrypted, without using it yet. Raises RotationError when it can't be one."""
    token, reference = token.strip(), reference.strip()
    check_reference(token, reference)
    credential = Credential(pixel=pixel, token=token, reference=reference, created_at=now, created_by=user)
    read(credential)
    with transaction.atomic():
        Pixel.objects.select_for_update().get(pk=pixel.pk)  # two people may paste at the same moment
        check_news(credential)
        credential.save()
    return credential


def check_reference(token: str, reference: str) -> None:
    if not (token or reference):
        raise RotationError("Give a token, or a reference to one.")
    if token and reference:
        raise RotationError("Give either a token or a reference to one, not both.")
    if reference and not reference.startswith(("env:", "file:")):
        raise RotationError("A reference is written env:NAME or file:/path. A token belongs into the field above.")
    if reference.removeprefix("env:") in OUR_OWN_SECRETS:
        raise RotationError("This variable is a secret of the site itself and must not be sent to TikTok.")


@sensitive_variables("token")
def check_token(token: str) -> None:
    """Raises RotationError for what can't be an access token; the message says why without repeating it."""
    if BEARER.match(token):
        raise RotationError("Paste the token alone, without the word “Bearer” in front of it.")
    if not ONE_WORD.match(token):
        raise RotationError(
            "This holds spaces, line breaks or characters that no token has. Copy the token again, and nothing else."
        )
    if len(token) < SHORTEST_TOKEN:
        raise RotationError(f"This is too short: a token has at least {SHORTEST_TOKEN} characters.")


def check_news(credential: Credential) -> None:
    """Raises RotationError when the pixel has this token already, or another one that waits to be promoted."""
    others = Credential.objects.filter(pixel=credential.pixel).exclude(state=State.REVOKED)
    same = others.filter(fingerprint=credential.fingerprint).first()
    if same and same.state == State.ACTIVE:
        raise RotationError("This is the token that is active already. Generate a new one in Events Manager.")
    if same:
        raise RotationError(f"This pixel has this token already: it is {same.get_state_display().lower()}.")
    if others.filter(state=State.STAGED).exists():
        raise RotationError("Another token is staged already. Promote it, or discard it before pasting a new one.")


@sensitive_variables("token")
def test(credential: Credential, test_event_code: str, now: datetime) -> Reply:
    """Send one test event with the credential and note what TikTok said. TikTok does not count test events.

    Raises RotationError when the credential is revoked or can't be read any more.
    """
    token = read(credential)
    reply = client.send(test_body(credential.pixel, test_event_code, now), token)
    credential.tested_at = now
    credential.test_passed = reply.verdict == Verdict.ACCEPTED
    credential.test_message = in_words(reply)
    credential.save(update_fields=["tested_at", "test_passed", "test_message", "fingerprint", "last_four"])
    return reply


@sensitive_variables("token")
def read(credential: Credential) -> str:
    """The clear token; notes its fingerprint, because what a reference points to may change. Raises RotationError."""
    if credential.state == State.REVOKED:
        raise RotationError("This credential is revoked; its token has been wiped.")
    try:
        token = credential.reveal()
        credential.identify()
    except SecretUnreadableError as error:
        raise RotationError(str(error)) from error
    check_token(token)
    return token


def in_words(reply: Reply) -> str:
    """What TikTok answered and what to do about it; TikTok's own words are cut where there is no room."""
    code = "no code" if reply.code is None else f"code {reply.code}"
    meaning = meaning_of(reply.code) or reply.verdict.label
    advice = TEST_ADVICE[reply.verdict]
    head = f"{meaning} ({code})"
    room = LENGTH_OF_TEST_MESSAGE - len(head) - len(advice) - 6
    said = reply.message if len(reply.message) <= room else reply.message[: room - 1] + "…"
    return f"{head}: “{said}”. {advice}"


def test_body(pixel: Pixel, test_event_code: str, now: datetime) -> Body:
    event_id = str(uuid.uuid4())
    return make_body(
        pixel.code,
        test_event_code,
        [
            {
                "event": "ViewContent",
                "event_time": int(now.timestamp()),
                "event_id": event_id,
                "user": {"external_id": ["0" * 64], "user_agent": TEST_USER_AGENT},
                "page": {"url": "https://example.com/credential-test"},
            }
        ],
    )


def promote(credential: Credential, user: Any, now: datetime) -> Credential | None:
    """Send with this credential from now on; returns the one that retires. A pixel paused for its sake resumes.

    Raises RotationError unless the credential is staged or retiring and its last test passed.
    """
    with transaction.atomic():
        pixel = Pixel.objects.select_for_update().get(pk=credential.pixel_id)
        credential = Credential.objects.select_for_update().get(pk=credential.pk)
        if credential.state not in (State.STAGED, State.RETIRING) or not credential.test_passed:
            raise RotationError("Only a staged or retiring credential whose last test passed can be promoted.")
        old = Credential.objects.filter(pixel=pixel, state=State.ACTIVE).first()
        Credential.objects.filter(pixel=pixel, state=State.ACTIVE).update(state=State.RETIRING)
        credential.state, credential.activated_at, credential.activated_by = State.ACTIVE, now, user
        credential.activated_because = ""
        credential.save(update_fields=["state", "activated_at", "activated_by", "activated_because"])
        if pixel.paused_by == Pixel.PausedBy.AUTH:
            pixel.resume(now)
        transaction.on_commit(wake)
    return old


def revoke(credential: Credential, user: Any, now: datetime) -> None:
    """Never use this credential again and forget its token. Raises RotationError for the active one."""
    with transaction.atomic():
        Pixel.objects.select_for_update().get(pk=credential.pixel_id)  # in this moment it may take over by itself
        credential = Credential.objects.select_for_update().get(pk=credential.pk)
        if credential.state == State.ACTIVE:
            raise RotationError("Promote another credential first; the queue of this pixel would stand still.")
        if credential.state == State.REVOKED:
            raise RotationError("This credential was revoked before; nothing changed.")
        credential.state, credential.revoked_at, credential.revoked_by = State.REVOKED, now, user
        credential.token = ""
        credential.save(update_fields=["state", "revoked_at", "revoked_by", "token"])


def wake() -> None:
    enqueue(DELIVER)
