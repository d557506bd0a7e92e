"""Credential rotation: stage, test with a real call, promote, let the old one retire, revoke."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from conversions.wake import enqueue
from dispatch.models import Credential
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict, meaning_of
from dispatch.tiktok.contract import Body, make_body
from offers.encryption import SecretUnreadableError
from offers.models import Pixel

State = Credential.State
TEST_USER_AGENT = "Credential test"


class RotationError(Exception):
    """A step that the credential's state does not allow; the message is for staff."""


def stage(pixel: Pixel, token: str, reference: str, user: Any, now: datetime) -> Credential:
    """Keep a new token, encrypted, without using it yet. Raises RotationError when the reference can't be read."""
    credential = Credential(pixel=pixel, token=token, reference=reference, created_at=now, created_by=user)
    try:
        credential.identify()
    except SecretUnreadableError as error:
        raise RotationError(str(error)) from error
    credential.save()
    return credential


def test(credential: Credential, test_event_code: str, now: datetime) -> Reply:
    """Send one test event with the credential and note what TikTok said. TikTok does not count test events."""
    reply = client.send(test_body(credential.pixel, test_event_code, now), credential.reveal())
    credential.tested_at = now
    credential.test_passed = reply.verdict == Verdict.ACCEPTED
    words = meaning_of(reply.code)
    credential.test_message = f"{reply.code if reply.code is not None else 'no code'} {words}: {reply.message}"[:300]
    credential.save(update_fields=["tested_at", "test_passed", "test_message"])
    return reply


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


def promote(credential: Credential, user: Any, now: datetime) -> None:
    """Send with this credential from now on; the old one retires. A pixel that was paused for its sake resumes.

    Raises RotationError unless the credential is staged or retiring and its last test passed.
    """
    with transaction.atomic():
        credential = Credential.objects.select_for_update(of=("self",)).select_related("pixel").get(pk=credential.pk)
        if credential.state not in (State.STAGED, State.RETIRING) or not credential.test_passed:
            raise RotationError("Only a staged or retiring credential whose last test passed can be promoted.")
        Credential.objects.filter(pixel=credential.pixel, state=State.ACTIVE).update(state=State.RETIRING)
        credential.state, credential.activated_at, credential.activated_by = State.ACTIVE, now, user
        credential.save(update_fields=["state", "activated_at", "activated_by"])
        if credential.pixel.paused_by == Pixel.PausedBy.AUTH:
            credential.pixel.resume()
        transaction.on_commit(wake)


def revoke(credential: Credential, user: Any, now: datetime) -> None:
    """Never use this credential again and forget its token. Raises RotationError for the active one."""
    if credential.state == State.ACTIVE:
        raise RotationError("Promote another credential first; the queue of this pixel would stand still.")
    credential.state, credential.revoked_at, credential.revoked_by = State.REVOKED, now, user
    credential.token = ""
    credential.save(update_fields=["state", "revoked_at", "revoked_by", "token"])


def wake() -> None:
    enqueue("dispatch.tasks.deliver")
