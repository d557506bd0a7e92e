"""Forms of the admin's configuration pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.models import EventRule
from offers.models.network import PostbackStatus


class StatusMapField(forms.Field):
    """The network's own status words, one `word = status` a line, as the JSON object that the model keeps."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{word} = {status}" for word, status in sorted(value.items()))  # PostgreSQL keeps no order

    def to_python(self, value: Any) -> dict[str, str]:
        words: dict[str, str] = {}
        lines = [(number, line) for number, line in enumerate((value or "").splitlines(), start=1) if line.strip()]
        for number, line in lines:
            word, status = read_line(number, line)
            if word.casefold() in {known.casefold() for known in words}:
                raise ValidationError(f"Line {number}: “{word}” stands here twice.", "repeated")
            words[word] = status
        return words

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or {})
        except ValidationError:
            return True


def read_line(number: int, line: str) -> tuple[str, str]:
    """Word and status of one line; the word itself may hold an equals sign. Raises ValidationError."""
    word, equals, status = (part.strip() for part in line.rpartition("="))
    if not equals or not word or "\x00" in word:
        example = "Write the network's word, an equals sign and our status, for example: trash = rejected."
        raise ValidationError(f"Line {number}: {example}", "unreadable")
    if status.lower() not in PostbackStatus.values:
        ours = ", ".join(PostbackStatus.values)
        raise ValidationError(f"Line {number}: “{status}” is not one of our statuses: {ours}.", "unknown_status")
    return word, status.lower()


class NetworkForm(forms.ModelForm):  # type: ignore[type-arg]
    """A network, with its status map as lines of text."""

    status_map = StatusMapField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text="One “word = status” a line, for example “trash = rejected”. Our statuses are "
        + ", ".join(PostbackStatus.values)
        + ". Upper and lower case do not matter, and usual words (approved, sale, pending, declined, refund, …) are "
        "known already.",
    )


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
