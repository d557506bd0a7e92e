"""Forms of the admin's configuration pages."""

from typing import Any

from django import forms
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.models import EventRule


class EventRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One line of the tracking model; a value that nothing would use is refused instead of being kept in silence."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        is_fixed = cleaned.get("value_source") == EventRule.ValueSource.FIXED
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
