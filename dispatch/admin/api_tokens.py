"""Keys to the API: made for oneself, shown once, revoked for good."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from dispatch import clock
from dispatch.admin.screens import show, when, who
from dispatch.api.tokens import make_token
from dispatch.models import ApiToken
from offers.admin_parts import RecordAdmin, badge, moment

LIST = "admin:dispatch_apitoken_changelist"
SPANS = [(7, "A week"), (30, "30 days"), (90, "90 days"), (365, "A year")]
MAY_MAKE = "dispatch.add_apitoken"
MAY_SEE_ALL = "auth.change_user"


class TokenForm(forms.Form):
    name = forms.CharField(
        label="What is it for?",
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as “Weekly report”. Make one for each program, so that you can revoke them one by one.",
    )
    days = forms.TypedChoiceField(
        label="How long is it good?",
        coerce=int,
        choices=SPANS,
        initial=90,
        widget=UnfoldAdminSelectWidget,
        help_text="It may do what you may do, until then or until it is revoked. It loses the roles that you lose.",
    )


def theirs(request: HttpRequest, tokens: QuerySet[ApiToken]) -> QuerySet[ApiToken]:
    """A person's own tokens; everybody's for those who may change people."""
    return tokens if request.user.has_perm(MAY_SEE_ALL) else tokens.filter(user=request.user.pk)


@never_cache
@require_http_methods(["GET", "POST"])
@permission_required(MAY_MAKE, raise_exception=True)
def make(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ask for name and span; on POST make the token and show it, this once."""
    form = TokenForm(request.POST or None)
    facts = {"form": form, "back_url": reverse(LIST)}
    if not form.is_valid():
        return show(request, "token_make", "Make an API token", model_admin, **facts)
    given = form.cleaned_data
    token, key = make_token(request.user, given["name"], given["days"], clock.now())  # type: ignore[arg-type]
    model_admin.log_addition(request, token, "Made it.")
    return show(request, "token_made", "Your new API token", model_admin, token=token, key=key, **facts)


@require_http_methods(["GET", "POST"])
@permission_required("dispatch.view_apitoken", raise_exception=True)
def revoke(request: HttpRequest, model_admin: Any, token_id: int) -> HttpResponse:
    """Ask; on POST end the token for good."""
    token = theirs(request, ApiToken.objects.filter(pk=token_id)).first()
    if token is None or token.revoked_at:
        return redirect(LIST)
    if request.method != "POST":
        facts = {"token": token, "back_url": reverse(LIST)}
        return show(request, "token_revoke", f"Revoke {token}", model_admin, **facts)
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
    model_admin.log_change(request, token, "Revoked it.")
    model_admin.message_user(request, f"{token} is revoked: whatever uses it gets a 401 from now on.", messages.SUCCESS)
    return redirect(LIST)


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    class Media:
        css = {"all": ["dispatch/admin.css"]}

    made, expires, used = when("created_at", "made"), when("expires_at", "expires"), when("last_used_at", "last used")
    revoked, owner = when("revoked_at", "revoked"), who("user", "owner")

    list_display = ["name", "ending", "owner", "state", "made", "expires", "used"]
    list_select_related = ["user"]
    sortable_by: list[str] = []
    fields = ["name", "ending", "owner", "state", ("made", "expires"), ("used", "revoked")]
    empty_sentence = "There are no API tokens yet. A program that asks the API needs one."
    actions_list = ["make_one"]
    actions_detail = ["revoke_this"]
    custom_urls = (
        ("make/", "dispatch_apitoken_make", make),
        ("<int:token_id>/revoke/", "dispatch_apitoken_revoke", revoke),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return theirs(request, super().get_queryset(request))

    def has_make_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(MAY_MAKE)

    @admin.display(description="token")
    def ending(self, token: ApiToken) -> str:
        return f"…{token.last_four}"

    @admin.display(description="state")
    def state(self, token: ApiToken) -> SafeString:
        if token.revoked_at:
            return badge(f"Revoked {moment(token.revoked_at)}", "calm")
        return badge("Good", "good") if token.is_good(clock.now()) else badge("Expired", "warn")

    @action(  # type: ignore[untyped-decorator]
        description="Make a token", url_path="make-one", permissions=["make"], icon="add", variant=ActionVariant.PRIMARY
    )
    def make_one(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:dispatch_apitoken_make")

    @action(description="Revoke this token …", url_path="revoke-this", icon="block")  # type: ignore[untyped-decorator]
    def revoke_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token = self.get_object(request, object_id)
        return redirect("admin:dispatch_apitoken_revoke", token.pk) if token else redirect(LIST)
