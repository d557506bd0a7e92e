"""Where alerts go. A webhook's address is taken and never shown: whoever knows it can write there."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminPasswordWidget

from dispatch import clock
from dispatch.admin.alerts import NOBODY_IS_TOLD, delivered
from dispatch.alerts import mail, webhook
from dispatch.alerts.sending import send_test
from dispatch.models import AlertChannel
from offers.admin.configured import ConfiguredAdmin
from offers.admin_parts import badge, moment, table

MESSAGES_SHOWN = 20
WRITE_ONLY = (
    "It begins with https://, is stored encrypted and is never shown again, as whoever knows it can write there."
)
HAS_ONE = " One is stored: leave this empty to keep it."


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel, with what its kind needs."""

    new_webhook_url = forms.CharField(
        label="Webhook address",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text=WRITE_ONLY,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.webhook_url and "new_webhook_url" in self.fields:
            self.fields["new_webhook_url"].help_text = WRITE_ONLY + HAS_ONE

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        check = self.check_mail if cleaned.get("kind") == AlertChannel.Kind.EMAIL else self.check_webhook
        check(cleaned)
        return cleaned

    def check_mail(self, cleaned: dict[str, Any]) -> None:
        wrong = mail.wrong_addresses(cleaned.get("addresses", ""))
        if wrong:
            self.add_error("addresses", f"This is no e-mail address: {wrong[0]}")
        elif not mail.addresses_in(cleaned.get("addresses", "")):
            self.add_error("addresses", "Enter at least one e-mail address, or choose the webhook.")

    def check_webhook(self, cleaned: dict[str, Any]) -> None:
        address = cleaned.get("new_webhook_url", "")
        if address or not self.instance.webhook_url:
            wrong = webhook.what_is_wrong(address)
            if wrong:
                self.add_error("new_webhook_url", wrong)


@admin.register(AlertChannel)
class AlertChannelAdmin(ConfiguredAdmin):
    class Media:
        css = {"all": ["dispatch/admin.css"]}

    form = ChannelForm
    list_display = ["name", "kind", "least_tone", "works", "is_active"]
    fieldsets: list[Any] = [
        (None, {"fields": ["name", "kind", "is_active"]}),
        ("Where to", {
            "fields": ["addresses", "new_webhook_url"],
            "description": "E-mail needs the addresses, a webhook needs its address; the other stays empty.",
        }),
        ("What", {
            "fields": ["least_tone"],
            "description": "What stops money is told a minute after it began, the rest when it has stood for ten. "
            "What is still so is told once, and again when it is over.",
        }),
    ]  # fmt: skip
    empty_sentence = NOBODY_IS_TOLD
    change_form_outer_before_template = "admin/dispatch/channel_standing.html"
    change_form_outer_after_template = "admin/dispatch/channel_messages.html"

    def get_urls(self) -> list[URLPattern]:
        test = path("<path:object_id>/test/", self.admin_site.admin_view(self.test_view), name="dispatch_channel_test")
        return [test, *super().get_urls()]

    @method_decorator(sensitive_post_parameters("new_webhook_url"))
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Without the address's field for those who may only look."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return [(name, {**rest, "fields": [f for f in rest["fields"] if f != "new_webhook_url"]})
                for name, rest in self.fieldsets]  # fmt: skip

    def save_model(self, request: HttpRequest, obj: AlertChannel, form: Any, change: bool) -> None:
        address = form.cleaned_data.get("new_webhook_url")
        fields = {name for name in form.changed_data if name != "new_webhook_url"}
        if address:
            obj.webhook_url, fields = address, {*fields, "webhook_url"}
        if not change:
            obj.save()
        elif fields:
            obj.save(update_fields=fields)

    def response_add(
        self, request: HttpRequest, obj: AlertChannel, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to its page, where a test message can be sent."""
        words = format_html("{} was added. Send a test message to see whether it works.", obj)
        self.message_user(request, words, messages.SUCCESS)
        return self.back_to(obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        channel: AlertChannel | None = kwargs.get("obj")
        if channel:
            context |= {
                "channel": channel,
                "channel_badge": state_of(channel),
                "channel_messages": messages_of(channel),
            }
            context["channel_warning"] = warning_of(channel)
            if self.has_change_permission(request, channel):
                context["test_url"] = reverse("admin:dispatch_channel_test", args=[channel.pk])
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test message, and say what came of it."""
        channel: AlertChannel | None = self.get_object(request, object_id)
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        if channel and request.method == "POST":
            error = send_test(channel, clock.now())
            words = f"The test message was not delivered. {error}" if error else "The test message was delivered."
            self.message_user(request, words, messages.ERROR if error else messages.SUCCESS)
        return self.back_to(channel)

    @admin.display(description="how it works")
    def works(self, channel: AlertChannel) -> SafeString:
        return state_of(channel)


def state_of(channel: AlertChannel) -> SafeString:
    """How the last message fared."""
    failed, worked = channel.last_error_at, channel.last_ok_at
    if failed and (worked is None or failed > worked):
        return badge(f"Failed {moment(failed)}", "bad")
    return badge(f"Delivered {moment(worked)}", "good") if worked else badge("Never used", "calm")


def warning_of(channel: AlertChannel) -> str:
    """Why nothing will arrive, where that is known beforehand."""
    if not channel.is_active:
        return "This channel is switched off: nothing is sent to it."
    if channel.kind == AlertChannel.Kind.EMAIL and not mail.has_server():
        return mail.NO_SERVER
    return ""


def messages_of(channel: AlertChannel) -> SafeString:
    rows = channel.messages.all()[:MESSAGES_SHOWN]
    shown = [[moment(row.created_at), row.subject, body_of(row.body), delivered(row)] for row in rows]
    return table(["Written (UTC)", "Subject", "Text", "Delivered"], shown, "Nothing has been told here yet.")


def body_of(text: str) -> SafeString:
    return format_html(
        '<details><summary>Show</summary><pre class="payload" style="white-space: pre-wrap">{}</pre></details>',
        text,
    )
