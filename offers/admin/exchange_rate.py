from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString

from offers.admin.configured import ConfiguredAdmin
from offers.admin_parts import moment, mono, shown
from offers.models import ExchangeRate
from offers.vocabulary import CURRENCIES

FAR = 5
FIELDSETS = [
    ("The rate", {
        "fields": [("currency", "into"), ("rate", "valid_on"), "source"],
        "description": "For networks that pay in a currency that TikTok does not take, and for reports in one "
        "currency. What was sent already stays as it was sent; what is held for want of a rate is sent within a "
        "minute after you save one.",
    }),
]  # fmt: skip


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ConfiguredAdmin):
    list_display = ["example", "valid_on", "source", "changed_by_name", "changed"]
    list_select_related = ["changed_by"]
    search_fields = ["currency", "source"]
    search_help_text = "Search by currency or source."
    fieldsets = FIELDSETS
    empty_sentence = (
        "There are no exchange rates. They are needed when a network pays in a currency that TikTok does not take, as "
        "such conversions are held until there is a rate, and for reports that add several currencies up."
    )

    changed_by_name = shown("entered by", lambda row: str(row.changed_by or ""))
    changed = shown("entered or changed (UTC)", lambda row: moment(row.changed_at))

    @admin.display(description="rate", ordering="currency")
    def example(self, rate: ExchangeRate) -> SafeString:
        return mono(rate.example)

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        """Whole and with the name: who entered the number is part of it."""
        if change and not form.changed_data:
            return
        obj.changed_by = request.user  # type: ignore[assignment]
        obj.save()
        for words in doubts(obj):
            self.message_user(request, words, messages.WARNING)


def doubts(rate: ExchangeRate) -> list[str]:
    """What may be wrong with a rate that was saved, in words for the person who entered it."""
    found = []
    if rate.currency in CURRENCIES:
        found.append(
            f"TikTok takes {rate.currency}, so conversions in it are sent as they are: this rate is for reports only."
        )
    others = ExchangeRate.objects.filter(currency=rate.currency, into=rate.into).exclude(pk=rate.pk)
    last = others.order_by("-valid_on").first()
    if last and not last.rate / FAR <= rate.rate <= last.rate * FAR:
        found.append(f"This is far from the other newest rate, {last}. Is one of them upside down?")
    return found
