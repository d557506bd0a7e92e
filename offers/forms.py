"""Forms of the admin's configuration pages."""

from typing import Any

from django import forms
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.models import EventRule, Offer

EEA_UK_CH = "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
STATES_OF_LIMITED_DATA = "US-CA US-CO US-CT US-UT US-VA"
# What a button beside the field fills in: its label, then the entries.
FILLS = {
    "consent_countries": ("Fill in the EEA, the United Kingdom and Switzerland", EEA_UK_CH),
    "limited_data_places": ("Fill in the five US states", STATES_OF_LIMITED_DATA),
}
VALUE_HELP = (
    "“No value, or the page's” tells the value that the page gives with its call, on both legs, and none where it "
    "gives none. A fixed value goes before the page's. With the payout or the sale amount the page's value is never "
    "told, as TikTok keeps the first copy that it gets."
)
NO_CAP_OF_0 = "Enter at least 1, or leave it empty for no cap. To stop the offer, untick “Active”."


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """An offer: its caps at least 1, another offer to stand in for it, and the usual lists to fill in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, entries) in FILLS.items():
            if name in self.fields:
                self.fields[name].widget.attrs |= {"data-fill": entries, "data-fill-label": label}
        fallback = self.fields.get("fallback_offer")
        if isinstance(fallback, forms.ModelChoiceField):
            fallback.queryset = Offer.objects.exclude(pk=self.instance.pk)

    def clean_daily_cap(self) -> int | None:
        return self.at_least_one("daily_cap")

    def clean_total_cap(self) -> int | None:
        return self.at_least_one("total_cap")

    def at_least_one(self, name: str) -> int | None:
        cap: int | None = self.cleaned_data[name]
        if cap == 0:
            raise forms.ValidationError(NO_CAP_OF_0)
        return cap


class EventRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One line of the tracking model; a value that nothing would use is refused instead of being kept in silence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "value_source" in self.fields:
            self.fields["value_source"].help_text = VALUE_HELP

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        is_fixed = cleaned.get("value_source") == EventRule.ValueSource.FIXED
        for name in ("replaced_by", "value_of_words"):  # switched off by the page's script they are not posted: empty
            setattr(self.instance, name, cleaned.get(name, ""))
        if cleaned.get("fixed_value") is not None and not is_fixed:
            self.add_error("fixed_value", "Only the value source “Fixed value” uses this. Clear it or choose that.")
        return cleaned


class EventRuleFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """The lines of one offer: none may say the same as another, which the database sees only after the first is in."""

    def clean(self) -> None:
        super().clean()
        seen = set()
        for form in self.forms:
            key = rule_key(form.cleaned_data) if getattr(form, "cleaned_data", None) else None
            if key is None or form.cleaned_data.get("DELETE"):
                continue
            if key in seen:
                form.add_error("trigger", "Another line has this trigger and event already.")
            seen.add(key)


def rule_key(line: dict[str, Any]) -> tuple[Any, ...]:
    """What must differ between the rules of an offer, as EventRule's constraints have it."""
    is_page = line.get("trigger") == EventRule.Trigger.PAGE
    called = line.get("event_name") if is_page else (line.get("network_event") or "").casefold()
    return (line.get("trigger"), called)


class PauseForm(forms.Form):
    """Why staff stop sending to a pixel."""

    reason = forms.CharField(
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Your colleagues see it on the pixel's page and in its history.",
    )
