"""What people fill in to bring a file in."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from conversions.models import Upload
from conversions.uploads.columns import FIELDS, needs_help
from conversions.uploads.files import MAX_BYTES, FileRefusedError, refuse_at_once
from offers.models import Network, Offer

TOO_LARGE = "The file is larger than 20 MB. Split it into several files."
NOT_USED = ("", "Not in this file")


class DateWidget(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """The browser's own date field."""

    input_type = "date"


class UploadForm(forms.Form):
    """A file with what it is. The clean file's bytes are in `content`."""

    purpose = forms.ChoiceField(
        label="What is it for?",
        choices=Upload.Purpose.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="An import brings conversions in that are not here yet. A comparison changes nothing by itself: it "
        "shows what matches, what is missing on either side, and what differs.",
    )
    network = forms.ModelChoiceField(
        Network.objects.live(),
        widget=UnfoldAdminSelectWidget,
        help_text="Whose conversions they are. Its status words, its currency and its way with duplicates apply.",
    )
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text="CSV or XLSX with headings in its first row, up to 20 MB and 100,000 rows. It is kept encrypted and "
        "deleted as soon as it was read; e-mail addresses and phone numbers are kept as hashes only.",
    )
    offer = forms.ModelChoiceField(
        Offer.objects.select_related("network"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Needed for rows that have a ttclid and no click id. Leave it empty where a column names the offer.",
    )
    period_from = forms.DateField(
        label="Report from",
        required=False,
        widget=DateWidget,
        help_text="Only for comparing: the first day that the report covers, in UTC.",
    )
    period_to = forms.DateField(
        label="Report to",
        required=False,
        widget=DateWidget,
        help_text="Only for comparing: the last day that it covers. What is recorded here in these days and not in the "
        "report is listed as missing there.",
    )
    asks_columns = forms.BooleanField(
        label="Let me say which column is which",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Usual headings are recognised. Tick this where they mislead, such as two columns with amounts.",
    )
    content: bytes = b""

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise ValidationError(TOO_LARGE)
        self.content = file.read()
        try:
            refuse_at_once(self.content)
        except FileRefusedError as refusal:
            raise ValidationError(str(refusal)) from refusal
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        offer, network = cleaned.get("offer"), cleaned.get("network")
        if offer and network and offer.network_id != network.pk:
            self.add_error("offer", f"“{offer}” is an offer of {offer.network}, not of {network}.")
        if cleaned.get("purpose") == Upload.Purpose.RECONCILE:
            self.clean_period(cleaned)
        return cleaned

    def clean_period(self, cleaned: dict[str, Any]) -> None:
        begin, end = cleaned.get("period_from"), cleaned.get("period_to")
        for name in ("period_from", "period_to"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, "Which days does the report cover? Without them nothing can be missing there.")
        if begin and end and begin > end:
            self.add_error("period_to", "The last day is before the first one.")


class ColumnsForm(forms.Form):
    """Which column each of our fields is read from, and how the file writes its dates."""

    def __init__(self, headings: list[str], initial: Mapping[str, int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = [(str(at), heading or f"Column {at + 1}, without heading") for at, heading in enumerate(headings)]
        for name, label in FIELDS.items():
            self.fields[name] = forms.ChoiceField(
                label=label,
                choices=[NOT_USED, *columns],
                required=False,
                initial=str(initial.get(name, "")),
                widget=UnfoldAdminSelectWidget,
            )
        self.fields["date_order"] = forms.ChoiceField(
            label="How are dates written?",
            choices=Upload.DateOrder.choices,
            required=False,
            widget=UnfoldAdminSelectWidget,
            help_text="Only for dates such as 03/04/2026, which can be the 3rd of April or the 4th of March.",
        )

    @property
    def columns(self) -> dict[str, int]:
        """The chosen columns by field."""
        return {name: int(self.cleaned_data[name]) for name in FIELDS if self.cleaned_data.get(name)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if needs_help(self.columns):
            raise ValidationError(
                "Choose a column for the click id, the transaction id or the ttclid. Without one of them nobody can "
                "say whose conversion a row is."
            )
        return cleaned
