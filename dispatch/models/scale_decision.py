from django.db import models

from offers.models import Offer


class ScaleDecision(models.Model):
    """Whether spend on an offer may be raised, from `decided_at` until the next one of the offer."""

    class Verdict(models.TextChoices):
        HOLD = "hold", "Hold"
        WATCH = "watch", "Watch"
        RAISE = "raise", "Raise"

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="scale_decisions")
    verdict = models.CharField(max_length=5, choices=Verdict)
    reasons = models.JSONField(default=list, help_text="Objects with code, title, words, value, target and link.")
    clean_since = models.DateTimeField(null=True, blank=True, help_text="Since when nothing has spoken against it.")
    decided_at = models.DateTimeField("decided")
    looked_at = models.DateTimeField("confirmed", help_text="Until when it was found to be still so.")

    class Meta:
        ordering = ["-id"]
        # Used by every page that shows an offer's standing, and by its history.
        indexes = [models.Index(fields=["offer", "-id"], name="decision_newest_of_offer")]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}: {self.offer}"
