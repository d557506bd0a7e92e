from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from offers.event_names import validate_event_name
from offers.models.offer import Offer
from offers.word_values import key_of, read_word_values


class EventRule(models.Model):
    """One line of an offer's tracking model: what has to happen for TikTok to be told which event."""

    class Trigger(models.TextChoices):
        PAGE = "page", "A page calls it"
        PENDING = "pending", "Postback: pending"
        APPROVED = "approved", "Postback: approved"
        REBILL = "rebill", "Postback: rebill"
        UPSELL = "upsell", "Postback: upsell"

    class ValueSource(models.TextChoices):
        PAYOUT = "payout", "Payout of the conversion"
        AMOUNT = "amount", "Sale amount"
        FIXED = "fixed", "Fixed value"
        NONE = "none", "No value, or the page's"

    class Enrichment(models.TextChoices):
        NOTHING = "", "Nothing"
        MARGIN = "margin", "Margin"
        LIFETIME_VALUE = "lifetime_value", "Lifetime value"
        SEGMENT = "segment", "Segment"
        LEAD_QUALITY = "lead_quality", "Lead quality"

    class Legs(models.TextChoices):
        BOTH = "both", "Pixel and Events API"
        PIXEL = "pixel", "Pixel only"
        SERVER = "server", "Events API only"

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="event_rules")
    trigger = models.CharField(
        max_length=10,
        choices=Trigger,
        help_text="“A page calls it” is the template tag or the script. Refunds and chargebacks have no event: TikTok "
        "can't take a conversion back, so they are kept in the ledger only.",
    )
    network_event = models.CharField(
        max_length=100, blank=True, help_text="Only for postbacks with this event name. Empty means any."
    )
    event_name = models.CharField("TikTok event", max_length=50, validators=[validate_event_name])
    value_source = models.CharField(max_length=6, choices=ValueSource, default=ValueSource.NONE)
    fixed_value = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    replaced_by = models.CharField(
        "replace the value by",
        max_length=14,
        choices=Enrichment,
        blank=True,
        default="",
        db_default="",
        help_text="What the network or an upload tells beside the money and TikTok gets instead of the value, where it "
        "is known before the event is sent.",
    )
    value_of_words = models.CharField(
        "values of the words",
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="For a segment or a lead quality: what each word is worth in the offer's currency, such as "
        "hot=40 warm=15 cold=0. Other words replace nothing.",
    )
    legs = models.CharField(max_length=6, choices=Legs, default=Legs.BOTH)

    class Meta:
        ordering = ["id"]
        constraints = [
            # Two rules for one call would be two events for one action.
            models.UniqueConstraint(
                fields=["offer", "event_name"],
                condition=Q(trigger="page"),
                name="one_page_rule_per_event",
                violation_error_message="This offer already has a page rule for that event.",
            ),
            models.UniqueConstraint(
                fields=["offer", "trigger", "network_event"],
                condition=~Q(trigger="page"),
                name="one_rule_per_postback_status",
                violation_error_message="This offer already has a rule for that postback status and event.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_display()} → {self.event_name}"

    def clean(self) -> None:
        errors = {}
        if self.value_source == self.ValueSource.FIXED and self.fixed_value is None:
            errors["fixed_value"] = "Enter the value, or choose another value source."
        if self.trigger == self.Trigger.PAGE and self.value_source in ("payout", "amount"):
            errors["value_source"] = "A page does not know what the network will report. Choose a fixed value or none."
        if self.trigger == self.Trigger.PAGE and self.network_event:
            errors["network_event"] = "Only postbacks carry a network event."
        if self.trigger == self.Trigger.PAGE and self.replaced_by:
            errors["replaced_by"] = "A page is told of before anything of this is known. Choose “Nothing”."
        elif wrong := self.wrong_word_values():
            errors["value_of_words"] = wrong
        if errors:
            raise ValidationError(errors)

    def wrong_word_values(self) -> str:
        """What is wrong with the values of the words; empty when nothing is."""
        text = self.value_of_words.strip()
        if not self.is_replaced_by_word:
            return "Only a segment or a lead quality has words. Clear this, or choose one of them." if text else ""
        if not text:
            return "Say what each word is worth, such as hot=40 warm=15 cold=0. No other word replaces the value."
        try:
            read_word_values(text)
        except ValueError as error:
            return str(error)
        return ""

    @property
    def is_replaced_by_word(self) -> bool:
        """Whether what replaces the value is a word, which is worth what the rule says."""
        return self.replaced_by in (self.Enrichment.SEGMENT, self.Enrichment.LEAD_QUALITY)

    def worth_of(self, word: str) -> Decimal | None:
        """What a segment or a lead quality is worth in the offer's currency; None where nothing is said of it."""
        try:
            return read_word_values(self.value_of_words).get(key_of(word))
        except ValueError:  # stored past the validation: then no word replaces anything
            return None

    def names(self, event: str) -> bool:
        """Whether this rule is made for the network's event word; networks write their words in any case."""
        return bool(self.network_event) and self.network_event.casefold() == event.casefold()

    def fits(self, event: str) -> bool:
        """Whether this rule takes a postback with the event word: it is made for it, or for any."""
        return not self.network_event or self.names(event)

    def uses(self, leg: str) -> bool:
        """Whether this rule sends over the leg ("pixel" or "server"), the offer's tracking mode included."""
        return self.legs in (self.Legs.BOTH, leg) and self.offer.allows(leg)
