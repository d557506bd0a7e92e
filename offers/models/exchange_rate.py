from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from offers.vocabulary import CURRENCIES

SMALLEST = Decimal("0.00000001")


def currency_choices() -> list[tuple[str, str]]:
    """The currencies that TikTok takes."""
    return [(code, code) for code in sorted(CURRENCIES)]


class ExchangeRate(models.Model):
    """What one unit of a currency is worth in one that TikTok takes, from a day on; for TikTok and for reports."""

    currency = models.CharField(
        max_length=3,
        validators=[RegexValidator(r"^[A-Za-z]{3}$", "Enter the currency's three letters, such as UGX.")],
        help_text="The three letters of the currency that the network pays in, such as UGX. For TikTok, only "
        "currencies that it does not take are converted; all others go there as the network sent them. Reports use "
        "every rate, and its inverse.",
    )
    into = models.CharField(
        max_length=3,
        choices=currency_choices,
        default="USD",
        help_text="The currency that TikTok is told, or that you read reports in. For TikTok, a rate into the offer's "
        "own currency is used before one into USD, and one into USD before any other.",
    )
    rate = models.DecimalField(
        max_digits=18,
        decimal_places=8,
        validators=[MinValueValidator(SMALLEST)],
        help_text="What one unit is worth, with a point and up to 8 decimals. If 1 UGX = 0.00027 USD, enter 0.00027.",
    )
    valid_on = models.DateField(
        "valid from",
        help_text="TikTok is told a conversion by the newest rate that was valid on the day it happened (UTC); reports "
        "go by the newest that is valid today. Where all rates are younger than that, the oldest one is used.",
    )
    source = models.CharField(
        max_length=100,
        help_text="Where the rate is from, such as “ECB reference rate” or “the network's payout statement”. It is "
        "shown with every delivery that was converted by it.",
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    changed_at = models.DateTimeField("entered or changed", auto_now=True)

    class Meta:
        ordering = ["currency", "into", "-valid_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "into", "valid_on"],
                name="one_rate_a_day",
                violation_error_message="There is a rate for these currencies and that day already. Change that one.",
            ),
            models.CheckConstraint(
                condition=Q(rate__gt=0),
                name="rate_above_zero",
                violation_error_message="A rate is greater than zero.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.example} from {self.valid_on}"

    @property
    def example(self) -> str:
        """The rate as people read it: “1 UGX = 0.00027 USD”."""
        return f"1 {self.currency} = {self.rate.normalize():f} {self.into}"

    def clean(self) -> None:
        self.currency = (self.currency or "").upper()
        if self.currency == self.into:
            raise ValidationError({"into": "These are the same currency, so there is nothing to convert."})
