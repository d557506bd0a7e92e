"""What happens when TikTok refuses a credential: another one of the pixel takes over, or the pixel is paused."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from dispatch.models import Credential
from offers.models import Pixel

State = Credential.State


def refuse(credential: Credential, message: str, now: datetime) -> None:
    """Put the refusal on record and stop using the credential, unless it has been replaced meanwhile.

    The queue is kept. A pause by staff stays theirs, or a promotion would undo it.
    """
    with transaction.atomic():
        pixel = Pixel.objects.select_for_update().get(pk=credential.pixel_id)
        credential.note_refused(message, now)
        if Credential.objects.usable().filter(pixel=pixel).first() != credential:
            return
        successor = next_in_line(pixel)
        if successor:
            hand_over(credential, successor, message, now)
        elif pixel.paused_by == Pixel.PausedBy.NOBODY:
            pixel.pause(Pixel.PausedBy.AUTH, message, now)


def next_in_line(pixel: Pixel) -> Credential | None:
    """A staged credential whose test did not fail, the tested one first; else one that retires and was not refused."""
    own = Credential.objects.filter(pixel=pixel)
    staged = own.filter(state=State.STAGED).exclude(test_passed=False)
    retiring = own.filter(Q(last_refused_at=None) | Q(last_ok_at__gt=F("last_refused_at")), state=State.RETIRING)
    return (
        staged.order_by(F("test_passed").desc(nulls_last=True), "-created_at").first()
        or retiring.order_by("-activated_at").first()
    )


def hand_over(refused: Credential, successor: Credential, message: str, now: datetime) -> None:
    """The next request goes out with the successor; whether TikTok takes it will be on its own record."""
    Credential.objects.filter(pk=refused.pk).update(state=State.RETIRING)
    Credential.objects.filter(pk=successor.pk).update(
        state=State.ACTIVE,
        activated_at=now,
        activated_by=None,
        activated_because=f"Took over by itself: TikTok refused …{refused.last_four} ({message})"[:300],
    )
