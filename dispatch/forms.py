"""What staff type into the guided screens."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget


class ForgetfulTextInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """Never shows what was typed: a token may land in the wrong field."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, None, attrs)
        return context


class PasteForm(forms.Form):
    token = forms.CharField(
        label="Access token",
        required=False,
        max_length=1000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="From Events Manager: Settings of the pixel, Events API, Generate access token. It is stored "
        "encrypted and never shown again, not even to you.",
    )
    reference = forms.CharField(
        label="Or a reference to it",
        required=False,
        max_length=300,
        widget=ForgetfulTextInput(attrs={"autocomplete": "off", "placeholder": "file:/run/secrets/tiktok"}),
        help_text="env:NAME or file:/path, when your servers keep the token outside the database.",
    )


class CredentialTestForm(forms.Form):
    test_event_code = forms.CharField(
        label="Test event code",
        max_length=40,
        validators=[RegexValidator(r"^[A-Za-z0-9_-]+$", "A test event code has letters and digits only.")],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="From Events Manager, Test events. TikTok shows the event there and does not count it.",
    )


class DiscardForm(forms.Form):
    reason = forms.CharField(
        label="Why are they given up?",
        max_length=250,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Kept with each of them under your name, for whoever asks later.",
        error_messages={"required": "Say why: whoever looks for this conversion later has only your words."},
    )
