from django.db import models
from django.db.models import Q

from dispatch.models.credential import Credential
from dispatch.models.delivery import Delivery
from dispatch.tiktok.codes import Verdict


class DeliveryAttempt(models.Model):
    """One try to send one delivery: what was said and what came back."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempt_log")
    credential = models.ForeignKey(Credential, models.SET_NULL, null=True, related_name="+")
    request = models.UUIDField("our request id", help_text="Deliveries of one request share it.")
    batch_size = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField("started")
    duration_ms = models.PositiveIntegerField("took (ms)")
    verdict = models.CharField(max_length=10, choices=Verdict)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    code = models.IntegerField("TikTok code", null=True, blank=True)
    message = models.CharField("TikTok's message", max_length=500, blank=True)
    request_id = models.CharField("TikTok's request id", max_length=100, blank=True)
    payload = models.JSONField(default=dict, help_text="The event as sent; personal fields are shortened.")

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Used by retention, as far as there are payloads to empty.
            models.Index(fields=["id"], name="attempt_with_payload", condition=~Q(payload={})),
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} at {self.started_at:%Y-%m-%d %H:%M:%S}"
