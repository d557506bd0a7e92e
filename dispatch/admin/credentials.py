from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from dispatch import clock
from dispatch.admin import rotate
from dispatch.admin.screens import when, who
from dispatch.models import Credential
from dispatch.takeover import recent_takeovers
from offers.admin_parts import RecordAdmin, admin_link, badge, moment

STATE_TONES = {"staged": "busy", "active": "good", "retiring": "warn", "revoked": "calm"}


@admin.register(Credential)
class CredentialAdmin(RecordAdmin):
    """Which tokens each pixel has and had. They change through the guided rotation only."""

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    added, adder = when("created_at", "added"), who("created_by", "added by")
    tested = when("tested_at", "tested")
    activated = when("activated_at", "made active")
    revoked, revoker = when("revoked_at", "revoked"), who("revoked_by", "revoked by")
    last_accepted = when("last_ok_at", "last accepted")
    last_refused = when("last_refused_at", "last refused")

    list_display = [
        "identity",
        "pixel_link",
        "state_and_why",
        "created",
        "test_badge",
        "last_accepted",
        "refusal",
    ]
    list_filter = [("state", ChoicesDropdownFilter), ("pixel", RelatedDropdownFilter)]
    list_filter_submit = True
    sortable_by: list[str] = []
    empty_sentence = "No pixel has an access token yet. Rotate a credential to paste the first one."
    list_select_related = ["pixel", "created_by"]
    change_form_outer_before_template = "admin/dispatch/credential_summary.html"
    actions_list = ["rotate_some"]
    actions_detail = ["rotate_this"]
    custom_urls = (
        ("rotate/", "dispatch_credential_rotate_start", rotate.start),
        ("rotate/<int:pixel_id>/", "dispatch_credential_rotate", rotate.overview),
        ("rotate/<int:pixel_id>/<int:credential_id>/test/", "dispatch_credential_test", rotate.test),
        ("rotate/<int:pixel_id>/<int:credential_id>/promote/", "dispatch_credential_promote", rotate.promote),
        ("rotate/<int:pixel_id>/<int:credential_id>/revoke/", "dispatch_credential_revoke", rotate.revoke),
    )
    fieldsets = [
        (None, {"fields": ["pixel_link", "state_and_why", "identity", "reference"]}),
        (
            "Who and when",
            {
                "fields": [
                    ("added", "adder"),
                    ("tested", "test_badge"),
                    "test_message",
                    ("activated", "activator"),
                    "why_active",
                    ("revoked", "revoker"),
                ]
            },
        ),
        ("What TikTok said last", {"fields": [("last_accepted", "last_refused"), "last_refusal"]}),
    ]

    def has_rotate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("dispatch.rotate_credential")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        credential: Credential | None = kwargs.get("obj")
        if credential:
            found = next(recent_takeovers(clock.now(), credential.pixel), None)
            if found and credential in (found.successor, *found.refused):
                context["takeover"] = found
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    @admin.display(description="token")
    def identity(self, credential: Credential) -> SafeString:
        return format_html(
            '<span class="code">…{}</span><br><span class="code">{}</span>',
            credential.last_four or "????",
            credential.fingerprint,
        )

    @admin.display(description="pixel")
    def pixel_link(self, credential: Credential) -> str:
        return admin_link(credential.pixel)

    @admin.display(description="state")
    def state_badge(self, credential: Credential) -> SafeString:
        return badge(credential.get_state_display(), STATE_TONES[credential.state])

    @admin.display(description="state")
    def state_and_why(self, credential: Credential) -> SafeString:
        """With the words that TikTok refused it, or that nobody made it active, where that is so."""
        state = self.state_badge(credential)
        if credential.is_refused and credential.state != Credential.State.REVOKED:
            return format_html("{} {}", state, badge("Refused", "bad"))
        if credential.state != Credential.State.ACTIVE or not credential.activated_because:
            return state
        since = moment(credential.activated_at)
        return format_html('{}<br><span class="text-xs">took over by itself<br>{}</span>', state, since)

    @admin.display(description="why it became active")
    def why_active(self, credential: Credential) -> str:
        promoted = "A person promoted it." if credential.activated_by else "–"
        return credential.activated_because or promoted

    @admin.display(description="made active by")
    def activator(self, credential: Credential) -> str:
        by_itself = "itself" if credential.activated_because else "–"
        return str(credential.activated_by or by_itself)

    @admin.display(description="added (UTC)")
    def created(self, credential: Credential) -> SafeString:
        by = credential.created_by or "the system"
        return format_html('{}<br><span class="text-xs">by {}</span>', moment(credential.created_at), by)

    @admin.display(description="test")
    def test_badge(self, credential: Credential) -> SafeString:
        words = {True: ("Passed", "good"), False: ("Failed", "bad"), None: ("Not tested", "calm")}
        return badge(*words[credential.test_passed])

    @admin.display(description="last refused (UTC)")
    def refusal(self, credential: Credential) -> str | SafeString:
        if credential.last_refused_at is None:
            return "–"
        when, words = moment(credential.last_refused_at), credential.last_refusal
        return format_html('{}<br><span class="text-xs">{}</span>', when, words)

    @action(  # type: ignore[untyped-decorator]
        description="Rotate a credential",
        url_path="rotate-a-credential",
        permissions=["rotate"],
        icon="autorenew",
        variant=ActionVariant.PRIMARY,
    )
    def rotate_some(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:dispatch_credential_rotate_start")

    @action(  # type: ignore[untyped-decorator]
        description="Rotate this pixel's credential",
        url_path="rotate",
        permissions=["rotate"],
        icon="autorenew",
        variant=ActionVariant.PRIMARY,
    )
    def rotate_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        credential = self.get_object(request, object_id)
        if credential is None:
            return redirect("admin:dispatch_credential_changelist")
        return redirect(reverse("admin:dispatch_credential_rotate", args=[credential.pixel_id]))
