from django.db import models

from offers.models import Offer

PASSES = 2
"""What was planned in the moment of the change, by the old policy, stands in the second one."""


class ConsentPolicy(models.Model):
    """The policy of consent by which what is held of an offer was looked at, or is being looked at."""

    offer = models.OneToOneField(Offer, models.CASCADE, primary_key=True, related_name="+")
    policy = models.CharField(max_length=510, blank=True)
    passes_left = models.PositiveSmallIntegerField(default=0, help_text="Times that all of it is to be planned anew.")
    reviewed_to = models.BigIntegerField(default=0, help_text="The last delivery of this pass that was.")

    def __str__(self) -> str:
        return f"{self.offer_id}: {self.policy}"

    def begin(self, policy: str) -> None:
        """Start over for a policy that has changed. Does not save."""
        self.policy, self.passes_left, self.reviewed_to = policy, PASSES, 0

    def go_on(self, reviewed_to: int | None) -> None:
        """Note how far it has come; None at the end of a pass. Does not save."""
        self.passes_left -= reviewed_to is None
        self.reviewed_to = reviewed_to or 0
