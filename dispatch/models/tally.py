from django.db import models
from django.db.models import F

from dispatch.tiktok.codes import Verdict
from offers.models import Pixel


class TallyQuerySet(models.QuerySet["Tally"]):
    def add(self, pixel_id: int, verdict: str, deliveries: int) -> None:
        """Count one request with so many deliveries."""
        row = self.filter(pixel_id=pixel_id, verdict=verdict)
        more = {"requests": F("requests") + 1, "deliveries": F("deliveries") + deliveries}
        if not row.update(**more):
            self.bulk_create([Tally(pixel_id=pixel_id, verdict=verdict)], ignore_conflicts=True)
            row.update(**more)


class Tally(models.Model):
    """How many requests to a pixel ever got a verdict. It outlives the attempts, which retention prunes."""

    pixel = models.ForeignKey(Pixel, models.CASCADE, related_name="tallies")
    verdict = models.CharField(max_length=10, choices=Verdict)
    requests = models.PositiveBigIntegerField(default=0)
    deliveries = models.PositiveBigIntegerField(default=0)

    objects = TallyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pixel", "verdict"], name="one_tally_per_verdict")]

    def __str__(self) -> str:
        return f"{self.requests} × {self.get_verdict_display()}"
