from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from offers.models import Pixel


class LaneQuerySet(models.QuerySet["Lane"]):
    def closed(self, now: datetime) -> "LaneQuerySet":
        """Lanes that nobody may enter now: somebody is in them, or they rest."""
        return self.filter(Q(busy_until__gt=now) | Q(rest_until__gt=now))

    def enter(self, pixel_id: int, now: datetime, stay: timedelta) -> bool:
        """Take the lane for this worker alone; False when it is closed. It opens by itself when a worker dies."""
        self.get_or_create(pixel_id=pixel_id)
        free = self.filter(pixel_id=pixel_id).exclude(pk__in=self.closed(now).values("pk"))
        return free.update(busy_until=now + stay) == 1

    def leave(self, pixel_id: int) -> None:
        """Let the next one in."""
        self.filter(pixel_id=pixel_id).update(busy_until=None)

    def rest(self, pixel_id: int, until: datetime) -> None:
        """Send nothing to the pixel until then; TikTok asked for it."""
        self.filter(pixel_id=pixel_id).update(rest_until=until)


class Lane(models.Model):
    """The way to one pixel: one worker at a time, and nobody while TikTok wants rest."""

    pixel = models.OneToOneField(Pixel, models.CASCADE, primary_key=True, related_name="lane")
    busy_until = models.DateTimeField(null=True, blank=True)
    rest_until = models.DateTimeField(null=True, blank=True)

    objects = LaneQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Lane to {self.pixel}"
