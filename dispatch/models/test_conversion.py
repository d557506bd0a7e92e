from django.conf import settings
from django.db import models
from django.db.models import Q

from conversions.models import Click
from offers.models import Offer


class TestConversion(models.Model):
    """One run of a known click through landing page, postback and delivery, under the pixel's test event code."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="test_conversions")
    click = models.OneToOneField(Click, models.SET_NULL, null=True, blank=True, related_name="test_conversion")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField("started")
    gives_up_at = models.DateTimeField("gives up", help_text="What the workers have not done by then has failed.")
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True, help_text="Empty while it runs.")
    stages = models.JSONField(default=list, help_text="Objects with name, state, words, at and what was compared.")

    __test__ = False  # pytest would take it for a class of tests

    class Meta:
        ordering = ["-id"]
        permissions = [("run_testconversion", "Can run a test conversion")]
        indexes = [models.Index(fields=["offer", "-id"], name="test_newest_of_offer")]
        constraints = [
            # Two at once would be told apart by their clicks, but nobody could read the page.
            models.UniqueConstraint(fields=["offer"], condition=Q(ended_at=None), name="one_running_test_of_an_offer")
        ]

    def __str__(self) -> str:
        return f"Test of {self.offer} at {self.started_at:%Y-%m-%d %H:%M}"
