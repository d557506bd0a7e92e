"""The guided page “Erase a visitor”, and the list of what was erased before."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from conversions.models import Erasure
from conversions.traces import Person, UnnamedError, erased_before, read_person
from dispatch import clock
from dispatch.admin import history
from dispatch.admin.screens import show, when, who
from dispatch.erasure import Extent, erase, look
from dispatch.forms import ForgetfulTextInput
from offers.admin_parts import RecordAdmin, shown

MAY_ERASE = "conversions.erase_visitor"
BUSY = (
    "The database was busy with something that takes long, so nothing was erased. Wait a minute, then try again: the "
    "page asks anew, because it keeps nothing of what was typed."
)
may_erase = permission_required(MAY_ERASE, raise_exception=True)


class EraseForm(forms.Form):
    """Who is to be erased. What was typed is turned into a digest at once and never shown again."""

    subject = forms.ChoiceField(
        label="What names the person?",
        choices=Erasure.Subject.choices,
        initial=Erasure.Subject.EMAIL,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="An e-mail address or a phone number finds everything that networks and pages have told under it. A "
        "click id finds one visit; it stands in the list of clicks and in the landing page's address.",
    )
    value = forms.CharField(
        label="The click id, e-mail address, phone number or external id",
        max_length=1000,
        widget=ForgetfulTextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="In clear or as its SHA-256 digest. A phone number needs its plus and country code. It is hashed "
        "before anything else, and is written into no address, log or history.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "subject" in given and "value" in given:
            try:
                given["person"] = read_person(given["subject"], given.pop("value"))
            except UnnamedError as error:
                raise ValidationError({"value": str(error)}) from None
        return given


@never_cache
@sensitive_post_parameters("value")
@may_erase
@require_http_methods(["GET", "POST"])
def erase_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ask who; show what there is; then erase. Each step is a POST, so that nothing stands in an address."""
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data["person"]
        if "confirmed" in request.POST:
            return carry_out(request, person)
        found = {"person": person, "extent": look(person), "before": erased_before(person)}
        return show(request, "erase_preview", "Erase this visitor?", model_admin, subject=label_of(person), **found)
    return show(request, "erase", "Erase a visitor", model_admin, form=form)


def label_of(person: Person) -> str:
    return Erasure.Subject(person.subject).label


@sensitive_variables("person")
def carry_out(request: HttpRequest, person: Person) -> HttpResponse:
    """Erase, and lead to the record of it."""
    try:
        erasure, found = erase(person, request.user, clock.now())
    except OperationalError:
        messages.error(request, BUSY)
        return redirect("admin:conversions_erasure_erase")
    done = summary(found)
    history.note_new(request.user, erasure, f"Named by {label_of(person).lower()}. {done}")
    messages.success(request, done)
    if found.sending:
        messages.warning(
            request, f"{found.sending} being sent at this moment. TikTok may get it; its record is wiped when it ends."
        )
    return redirect("admin:conversions_erasure_change", erasure.pk)


def summary(found: Extent) -> str:
    """What was wiped, in a sentence."""
    if found.is_nothing:
        return "Nothing was recorded. What may come under this name is not taken in from now on."
    parts = [
        counted(found.clicks, "click"),
        counted(found.conversions, "conversion"),
        counted(found.postbacks, "postback"),
        counted(found.rows, "row of an uploaded file", "rows of uploaded files"),
    ]
    return f"Wiped: {', '.join(parts)}. Cancelled: {counted(found.unsent, 'event')} that waited."


def counted(count: int, one: str, many: str = "") -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"


@admin.register(Erasure)
class ErasureAdmin(RecordAdmin):
    """Which erasures were carried out. Whom they were about nobody can tell from it, on purpose."""

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    erased, eraser = when("created_at", "erased"), who("created_by", "erased by")
    number = shown("erasure", lambda row: f"No. {row.pk}")
    told = shown("TikTok had been told", lambda row: counted(row.told_before, "event"))
    clicks_shown = shown("clicks", lambda row: f"{row.clicks:,}")
    conversions_shown = shown("conversions", lambda row: f"{row.conversions:,}")

    list_display = ["number", "subject", "erased", "eraser", "clicks_shown", "conversions_shown", "told"]
    list_filter = [("subject", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["created_by"]
    sortable_by: list[str] = []
    empty_sentence = "Nobody has been erased yet. When a visitor asks for it, choose “Erase a visitor” above."
    actions_list = ["erase_somebody"]
    custom_urls = (("erase/", "conversions_erasure_erase", erase_page),)
    change_form_outer_before_template = "admin/dispatch/erase_done.html"
    fieldsets = [
        ("The erasure", {"fields": [("subject", "erased"), "eraser"]}),
        ("What was wiped", {"fields": [("clicks_shown", "conversions_shown"), "told"]}),
    ]

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_ERASE)

    @action(  # type: ignore[untyped-decorator]
        description="Erase a visitor",
        url_path="erase-a-visitor",
        permissions=["erase"],
        icon="person_remove",
        variant=ActionVariant.PRIMARY,
    )
    def erase_somebody(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:conversions_erasure_erase")
