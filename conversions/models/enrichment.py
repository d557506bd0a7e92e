from django.db import models

from conversions.models.conversion import Conversion
from conversions.models.postback import Postback


class Enrichment(models.Model):
    """What one postback or uploaded row told of a conversion beside its money; never edited, and kept in the log.

    A conversion's own four columns are, each for itself, the newest of these that named it.
    """

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="enrichments")
    postback = models.OneToOneField(Postback, models.SET_NULL, null=True, blank=True, related_name="enrichment")
    margin = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    lifetime_value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    segment = models.CharField(max_length=50, blank=True)
    lead_quality = models.CharField(max_length=50, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    told_at = models.DateTimeField("told")
    created_at = models.DateTimeField("recorded")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        facts = {"margin": self.margin, "lifetime value": self.lifetime_value}
        words = {"segment": self.segment, "lead quality": self.lead_quality}
        return ", ".join(f"{name} {value}" for name, value in {**facts, **words}.items() if value not in (None, ""))
