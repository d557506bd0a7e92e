"""A network as staff edit it: lines instead of JSON, presets for what is left empty, a key that is never shown."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget

from offers.encryption import SecretUnreadableError
from offers.formats import FORMATS, Format
from offers.line_fields import LinesField, MacrosField, StatusMapField
from offers.models import Network
from offers.models.network import PostbackStatus

PRESETS_SHOWN = "presets_shown"
"""Posted by the page's script: what the fields hold is what the person saw after choosing the format."""
PRESET_NAMES = {
    "macros": "macros",
    "link_parameter": "offer link's parameter",
    "reply": "reply",
    "duplicate_mode": "duplicate mode",
}
DEFAULTS = {"reply": Format.reply, "duplicate_mode": Format.duplicate_mode}
MAY_NOT_LEAVE = (
    "This network signs its calls, and its key belongs to the format. To choose another one you need the permission "
    "“Can set the key that a network signs with”."
)
KEY_FIRST = (
    "{label} signs its calls, and without its key every one is refused. Paste it here. If the network shows it only "
    "after you have entered the postback URL there, write any text now and paste the key later."
)


class NetworkForm(forms.ModelForm):  # type: ignore[type-arg]
    """A network without its key, for those who may not set it."""

    status_map = StatusMapField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text="One “word = status” a line, for example “trash = rejected”. Our statuses are "
        + ", ".join(PostbackStatus.values)
        + ". Upper and lower case do not matter. What stands here comes before the words beside it and the usual "
        "ones (approved, sale, pending, declined, refund, …), which are known already.",
    )
    macros = MacrosField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="One “our parameter = the network's macro” a line, for example “click_id = {sub1}”. The postback URL "
        "to copy is made of these. Formats that send fixed fields have none. If the network has macros for them, add "
        "margin, ltv, segment and lead_quality: they can replace the value that TikTok is told.",
    )
    parameter_names = LinesField(
        label="Parameter names",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Usually empty. Only where the network calls with names that you can't choose and that are not "
        "understood already: one “our parameter = its name” a line, for example “click_id = visitor”.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filled: set[str] = set()
        self.replaced: list[str] = []
        if "reply" in self.fields:  # not where the page is only looked at
            self.fields["reply"].required = False
        if not self.instance._state.adding and not self.instance.macros:
            self.initial["macros"] = dict(self.instance.format.macros)  # they are in use as long as none are written

    @property
    def changes_format(self) -> bool:
        return not self.instance._state.adding and "adapter" in self.changed_data

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen = FORMATS.get(cleaned.get("adapter", ""))
        if chosen and not self.errors:
            self.check_key(chosen)
            self.fill(chosen)
        return cleaned

    def fill(self, chosen: Format) -> None:
        """Presets for what was left empty, and for what another format has left behind."""
        was_seen = PRESETS_SHOWN in self.data
        is_new = self.instance._state.adding and not was_seen
        for name in PRESET_NAMES:
            preset, value = getattr(chosen, name), self.cleaned_data.get(name)
            preset = dict(preset) if name == "macros" else preset
            if not value or (is_new and value == DEFAULTS.get(name)):
                self.put(name, preset)
            elif self.changes_format and name not in self.changed_data and value != preset and not was_seen:
                self.replaced.append(PRESET_NAMES[name])
                self.put(name, preset)
        if self.changes_format and "parameter_names" not in self.changed_data and self.cleaned_data["parameter_names"]:
            self.replaced.append("parameter names")
            self.put("parameter_names", {})

    def put(self, name: str, value: Any) -> None:
        self.cleaned_data[name] = value
        self.filled.add(name)

    def check_key(self, chosen: Format) -> None:
        """Nobody gets past the signature by choosing a format that has none."""
        if self.changes_format and self.instance.format.is_signed:
            self.add_error("adapter", MAY_NOT_LEAVE)


class NetworkKeyForm(NetworkForm):
    """The same for those who may set the key. It is taken, and never shown."""

    new_signing_key = forms.CharField(
        label="Signing key",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["new_signing_key"]
        chosen = FORMATS.get(self.data.get("adapter", self.instance.adapter))
        field.label = (chosen.key_label if chosen else "") or "Signing key"
        field.help_text = key_help(chosen, bool(self.instance.signing_key))

    def check_key(self, chosen: Format) -> None:
        key = self.cleaned_data.get("new_signing_key", "")
        if key and not chosen.is_signed:
            words = f"{chosen.label} does not sign its calls, so there is no key to set. Leave this empty."
            self.add_error("new_signing_key", words)
        elif key and is_current(self.instance, key):
            self.add_error("new_signing_key", "This key is in use already. Leave this empty to keep it.")
        elif not key and chosen.is_signed and (self.changes_format or not self.instance.signing_key):
            self.add_error("new_signing_key", ValidationError(KEY_FIRST.format(label=chosen.label), "required"))


def is_current(network: Network, key: str) -> bool:
    """Whether it is the key that the network has; not when that can't be read."""
    try:
        return bool(network.signing_key) and network.signing_key.reveal() == key
    except SecretUnreadableError:
        return False


def key_help(chosen: Format | None, has_key: bool) -> SafeString:
    """What the key is, and what pasting one does."""
    what = format_html('<span data-format="key-help">{}</span>', chosen.key_help if chosen else "")
    kept = (
        "Empty keeps the key in use. A new one is taken at once, and the old one too until you end the overlap."
        if has_key
        else "It is stored encrypted and never shown again, not even to you."
    )
    return format_html("{} {}", what, kept)


def presets() -> dict[str, Any]:
    """Every format as the page's script needs it."""
    return {known.name: preset_of(known) for known in FORMATS.values()}


def preset_of(known: Format) -> dict[str, Any]:
    lines = MacrosField().prepare_value(dict(known.macros))
    return {
        "label": known.label,
        "help": known.help,
        "macros": lines,
        "link_parameter": known.link_parameter,
        "reply": known.reply,
        "duplicate_mode": known.duplicate_mode,
        "words": {word: PostbackStatus(status).label for word, status in known.status_words.items()},
        "key_label": known.key_label,
        "key_help": known.key_help,
    }
