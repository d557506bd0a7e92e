from django.db import models

from offers.models import Offer


class StrangePage(models.Model):
    """A host that is none of an offer's but runs its script: a page nobody entered yet, or somebody's copy of ours."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="strange_pages", db_index=False)
    host = models.CharField(max_length=253)
    calls = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField("first seen")
    last_at = models.DateTimeField("last seen")

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["offer", "host"], name="one_row_for_a_strange_host"),
        ]

    def __str__(self) -> str:
        return self.host
