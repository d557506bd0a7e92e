"""What happens when TikTok refuses a credential: another one of the pixel takes over, or the pixel is paused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from dispatch.models import Credential
from dispatch.models.credential import REFUSED
from offers.models import Pixel

State = Credential.State
NEWS_FOR = timedelta(days=7)


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
    retiring = own.filter(~REFUSED, state=State.RETIRING)
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


@dataclass(frozen=True)
class Takeover:
    """A credential that became active by itself, and those of its pixel that TikTok refused and nobody revoked."""

    successor: Credential
    refused: list[Credential]

    @property
    def is_proven(self) -> bool:
        """Whether TikTok has accepted anything with the successor since it took over."""
        ok_at, since = self.successor.last_ok_at, self.successor.activated_at
        return bool(ok_at and since and ok_at >= since)


def recent_takeovers(now: datetime, pixel: Pixel | None = None) -> Iterator[Takeover]:
    """What a person should know of for a week, or until the refused credential is revoked; two queries."""
    rows = Credential.objects.filter(state=State.ACTIVE, activated_at__gt=now - NEWS_FOR).exclude(activated_because="")
    rows = rows.filter(pixel=pixel) if pixel else rows.exclude(pixel__paused_by=Pixel.PausedBy.AUTH)
    successors = list(rows.select_related("pixel").order_by("-activated_at"))
    retiring = Credential.objects.refused().filter(state=State.RETIRING, pixel__in=[row.pixel_id for row in successors])
    known = list(retiring.order_by("-last_refused_at"))
    for successor in successors:
        refused = [row for row in known if row.pixel_id == successor.pixel_id]
        if refused:
            yield Takeover(successor, refused)
