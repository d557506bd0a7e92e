from django.db import models

from conversions.models.conversion import Conversion


class Sighting(models.Model):
    """What a browser said of the Pixel's copy of one event: that it was fired, or that something kept it back."""

    class Outcome(models.TextChoices):
        FIRED = "fired", "Pixel fired"
        BLOCKED = "blocked", "Pixel blocked"

    conversion = models.ForeignKey(Conversion, models.CASCADE, related_name="sightings", db_index=False)
    outcome = models.CharField(max_length=7, choices=Outcome)
    detail = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField("seen")

    class Meta:
        ordering = ["id"]
        constraints = [
            # A refreshed page and a second tab report the same event again.
            models.UniqueConstraint(fields=["conversion", "outcome"], name="one_sighting_of_each_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.conversion_id}"
