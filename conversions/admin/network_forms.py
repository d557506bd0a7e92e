"""What staff type in to try a network out: a test postback, and the URL that they entered there."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from conversions.calls import Call
from conversions.click_ids import is_click_id, new_click_id
from conversions.example_calls import example_calls, pasted_call
from offers.models import Network, Offer
from offers.models.network import PostbackStatus

NEITHER = "Choose an offer, or enter a click id."
NO_OFFERS = "This network has no offers yet. Add one first, or paste a call below."
SALE_ONLY = (
    "The example of {format} is a sale only: another status would change what the network signs, or has no word in "
    "this format. Choose “Approved”, or paste a call below."
)
NO_KEY = "There is no signing key yet, so the example can't be signed. Enter the key on the network's page first."


class RehearsalForm(forms.Form):
    """A test postback. Nothing of it is kept."""

    offer = forms.ModelChoiceField(
        Offer.objects.none(),
        required=False,
        empty_label="None: the click id below",
        widget=UnfoldAdminSelectWidget,
        help_text="A click of this offer is made up for the test.",
    )
    status = forms.ChoiceField(
        choices=PostbackStatus.choices,
        initial=PostbackStatus.APPROVED,
        widget=UnfoldAdminSelectWidget,
        help_text="What the network reports. What takes a sale back comes after a sale that is reported first.",
    )
    click_id = forms.CharField(
        label="Click id",
        required=False,
        max_length=26,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Instead of an offer: a click that you made yourself, from the list of clicks.",
    )
    call = forms.CharField(
        label="Or a call as the network makes it",
        required=False,
        max_length=8000,
        strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
        help_text="A query such as click_id=…&payout=12.50&status=sale, a whole address or a JSON body. It goes before "
        "offer, click id and status, and is read to the letter.",
    )

    def __init__(self, *args: Any, network: Network, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.network = network
        offers = Offer.objects.filter(network=network).order_by("name")
        field: Any = self.fields["offer"]
        field.queryset = offers
        self.initial.setdefault("offer", offers.first())
        self.calls: list[Call] = []
        self.made_up_click = new_click_id()

    def clean_click_id(self) -> str:
        click_id = str(self.cleaned_data["click_id"]).strip().lower()
        if click_id and not is_click_id(click_id):
            raise forms.ValidationError("A click id has 26 small letters and digits.")
        return click_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if cleaned["call"]:
            self.calls = [pasted_call(cleaned["call"])]
        elif not cleaned["click_id"] and not cleaned["offer"]:
            field: Any = self.fields["offer"]
            self.add_error("offer", NEITHER if field.queryset.exists() else NO_OFFERS)
        else:
            self.make_example(cleaned["click_id"] or self.made_up_click, PostbackStatus(cleaned["status"]))
        return cleaned

    def make_example(self, click_id: str, status: PostbackStatus) -> None:
        keys = self.network.live_keys()
        if self.network.format.is_signed and not keys:
            self.add_error(None, NO_KEY)
            return
        self.calls = example_calls(self.network, click_id, status, keys[0] if keys else "")
        if not self.calls:
            self.add_error("status", SALE_ONLY.format(format=self.network.format.label))

    @property
    def needs_click(self) -> bool:
        """Whether the test speaks of a click that has to be made up."""
        cleaned = self.cleaned_data
        return bool(cleaned["offer"]) and not cleaned["click_id"] and not cleaned["call"]


class PastedUrlForm(forms.Form):
    """The postback URL as it stands at the network."""

    url = forms.CharField(
        label="Postback URL",
        max_length=8000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        help_text="Copy it out of the network's own form, with its macros, not as the network called it.",
        error_messages={"required": "Paste the URL that you entered at the network."},
    )
