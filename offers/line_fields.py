"""Form fields for what the models keep as JSON objects, edited as lines of text."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.models.network import PostbackStatus

LONGEST = 300


class LinesField(forms.Field):
    """One “name = value” a line, as a JSON object. The value may hold further equals signs."""

    widget = UnfoldAdminTextareaWidget
    example = "click_id = {sub1}"

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name} = {text}" for name, text in self.ordered(value))

    def ordered(self, value: dict[str, Any]) -> list[tuple[str, Any]]:
        """By name, as PostgreSQL keeps no order."""
        return sorted(value.items())

    def to_python(self, value: Any) -> dict[str, str]:
        words: dict[str, str] = {}
        lines = [(number, line) for number, line in enumerate((value or "").splitlines(), start=1) if line.strip()]
        for number, line in lines:
            name, text = self.read_line(number, line)
            if name.casefold() in {known.casefold() for known in words}:
                raise ValidationError(f"Line {number}: “{name}” stands here twice.", "repeated")
            words[name] = text
        return words

    def read_line(self, number: int, line: str) -> tuple[str, str]:
        """Name and value of one line. Raises ValidationError."""
        name, text = split_line(*line.partition("="))
        if not name or not text or len(line) > LONGEST or "\x00" in line:
            words = f"Line {number}: Write a name, an equals sign and a value, for example: {self.example}."
            raise ValidationError(words, "unreadable")
        return name, text

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or {})
        except ValidationError:
            return True


class MacrosField(LinesField):
    """Our parameters with a network's macros, in the order of the usual postback URL."""

    order = ("click_id", "payout", "currency", "txid", "status", "event")

    def ordered(self, value: dict[str, Any]) -> list[tuple[str, Any]]:
        usual = {name: place for place, name in enumerate(self.order)}
        return sorted(value.items(), key=lambda item: (usual.get(item[0], len(usual)), item[0]))

    def read_line(self, number: int, line: str) -> tuple[str, str]:
        name, text = super().read_line(number, line)
        if any(sign in name for sign in "&?#/ ") or any(sign in text for sign in "& "):
            words = f"Line {number}: Neither a parameter nor its macro has blanks or an & in it."
            raise ValidationError(words, "unreadable")
        return name, text


class StatusMapField(LinesField):
    """The network's own status words with our statuses; a word itself may hold an equals sign."""

    def read_line(self, number: int, line: str) -> tuple[str, str]:
        word, status = split_line(*line.rpartition("="))
        if not word or "\x00" in word:
            example = "Write the network's word, an equals sign and our status, for example: trash = rejected."
            raise ValidationError(f"Line {number}: {example}", "unreadable")
        if status.lower() not in PostbackStatus.values:
            ours = ", ".join(PostbackStatus.values)
            raise ValidationError(f"Line {number}: “{status}” is not one of our statuses: {ours}.", "unknown_status")
        return word, status.lower()


def split_line(left: str, equals: str, right: str) -> tuple[str, str]:
    """Both sides of the equals sign; empty ones where there is none."""
    return (left.strip(), right.strip()) if equals else ("", "")
