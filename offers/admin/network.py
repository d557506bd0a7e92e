import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from offers.admin import ready_to_copy
from offers.admin.configured import ConfiguredAdmin
from offers.admin.network_page import (
    format_guide,
    heard_badge,
    own_findings,
    status_words,
    turned_away_badge,
    turned_away_news,
)
from offers.admin.signing_key import end_overlap_url, overlap_of, standing_of_key
from offers.admin_parts import moment
from offers.encryption import SecretUnreadableError
from offers.models import Network
from offers.network_form import NetworkForm, NetworkKeyForm, presets
from offers.postback_linting import Expected

WHAT = ("What it is", {"fields": [("name", "slug"), "adapter", "format_guide", "is_active"]})
KEY = ("Signature", {
    "fields": ["new_signing_key"],
    "classes": ["signing-key"],
    "description": "Calls of this format are signed: only who has the key can report a sale.",
})  # fmt: skip
LINKS = ("Postback URL and offer links", {
    "fields": ["macros", ("link_parameter", "reply"), "parameter_names"],
    "description": "Choosing a format fills these with what is usual for it. Change them where your network differs.",
})  # fmt: skip
MEANING = ("What its postbacks mean", {
    "fields": [("status_map", "status_words"), "duplicate_mode", ("default_currency", "default_region")],
    "description": "How the network's words become ours. A postback with a word that nobody mapped is kept, and can be "
    "digested again when the word is added here.",
})  # fmt: skip
HEARTBEAT = ("When it falls silent", {"fields": [("silence_hours", "last_heard", "turned_away")]})
WHO = ("Who may call", {
    "fields": ["allowed_ips"],
    "description": "The secret in the postback URL is what protects it. Where the network publishes the addresses that "
    "it calls from, you can allow only those.",
})  # fmt: skip
ROTATED_MEANWHILE = "The secret was rotated a moment ago, so nothing was changed. This is how it stands now."
NO_OVERLAP = "There is no overlap to end: one key is live at most."
KEY_CHANGED = "The keys have changed meanwhile, so nothing was ended. This is how it stands now."
NEXT_STEP = "Now paste the postback URL below at the network, and {parameter} into its offer links."
MAY_SET_KEY = "offers.change_network_key"


@admin.register(Network)
class NetworkAdmin(ConfiguredAdmin):
    """What staff configure. What became of its postbacks is added by the app that takes them."""

    form = NetworkForm
    list_display = ["name", "slug", "adapter", "last_heard", "default_currency", "is_active"]
    list_filter = ["is_active", "adapter"]
    search_fields = ["name", "slug"]
    search_help_text = "Search by name or slug."
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields: Sequence[str] = ["format_guide", "status_words", "last_heard", "turned_away"]
    empty_sentence = (
        "There are no affiliate networks yet. Add the one that pays you: its page gives you the postback URL to paste "
        "there."
    )
    instead_of_deleting = "Untick “Active” instead: its postbacks are no longer taken and its history stays."
    fields_in_links = {
        "slug": "The slug has changed, and the postback URL with it: the network gets a 404 until it has the new one.",
        "macros": "The macros have changed, and the postback URL with them: paste it at the network again.",
    }

    class Media:
        js = ["offers/network.js"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/rotate-secret/", wrap(self.rotate_secret_view), name="offers_network_rotate_secret"),
            path("<path:object_id>/end-key-overlap/", wrap(self.end_key_view), name="offers_network_end_key_overlap"),
        ]
        return [*own, *super().get_urls()]

    @method_decorator(sensitive_post_parameters("new_signing_key"))
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        return response

    def get_fieldsets(self, request: HttpRequest, obj: Network | None = None) -> list[Any]:
        is_editing = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        key = [KEY] if is_editing and request.user.has_perm(MAY_SET_KEY) else []
        return [WHAT, *key, LINKS, MEANING, HEARTBEAT, WHO]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = NetworkKeyForm if request.user.has_perm(MAY_SET_KEY) else NetworkForm
        return super().get_form(request, obj, change, **kwargs)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        network: Network | None = kwargs.get("obj")
        context["presets"] = presets()
        if network:
            context.update(self.facts_of(network, request))
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def facts_of(self, network: Network, request: HttpRequest) -> dict[str, Any]:
        """What the page of a stored network says above its fields."""
        may_set_key = request.user.has_perm(MAY_SET_KEY)
        may_rotate = request.user.has_perm("offers.rotate_network_secret")
        return {
            "copyables": ready_to_copy.of_network(network, request),
            "copy_warnings": own_findings(network, self.expected(network)),
            "overlap_end": ready_to_copy.overlap_end(network, self.now()),
            "turned_away_news": turned_away_news(network, self.now()),
            "rotate_url": rotate_url(network) if may_rotate else "",
            "key_standing": standing_of_key(network, may_set_key),
            "end_key_url": end_overlap_url(network) if may_set_key and network.previous_signing_key else "",
        }

    def expected(self, network: Network) -> Expected:
        """What its macros are compared with; the app that reads postbacks knows more names."""
        return ready_to_copy.expected_of(network, frozenset({"click_id"}), frozenset(network.format.macros))

    def now(self) -> datetime:
        return timezone.now()

    @admin.display(description="about this format")
    def format_guide(self, network: Network) -> SafeString:
        return format_guide(network.format)

    @admin.display(description="words that are known already")
    def status_words(self, network: Network) -> SafeString:
        return status_words(network.format)

    @admin.display(description="last heard (UTC)", ordering="heard_at")
    def last_heard(self, network: Network) -> SafeString:
        return heard_badge(network, self.now()) if network.pk else SafeString("–")

    @admin.display(description="last call with a wrong secret (UTC)")
    def turned_away(self, network: Network) -> SafeString:
        return turned_away_badge(network, self.now()) if network.pk else SafeString("–")

    def save_model(self, request: HttpRequest, obj: Network, form: NetworkForm, change: bool) -> None:
        """Write what was edited and what a preset has filled in, and nothing else."""
        own = {field.name for field in Network._meta.fields}
        names = own.intersection(form.changed_data) | form.filled | self.set_key(request, obj, form)
        if not change:
            obj.save()
        elif names:
            obj.save(update_fields=names)
        for name in names & set(self.fields_in_links) if change else ():
            self.message_user(request, self.fields_in_links[name], messages.WARNING)
        if form.replaced:
            words = f"The format has changed, so these are its own now: {', '.join(form.replaced)}. Look them through."
            self.message_user(request, words, messages.WARNING)

    def set_key(self, request: HttpRequest, network: Network, form: NetworkForm) -> set[str]:
        """Take a pasted key over; the names of the fields to write."""
        key = form.cleaned_data.get("new_signing_key")
        if not key:
            return set()
        had_two = bool(network.previous_signing_key)
        try:
            network.set_signing_key(key, self.now())
        except SecretUnreadableError:
            network.signing_key = ""  # nobody could sign with it any more, so nothing is lost with it
            network.set_signing_key(key, self.now())
        if form.changes_format:
            network.end_key_overlap()  # the old one belongs to a format that is no longer read
        elif network.previous_signing_key:
            first = "The older of the two keys before it is no longer taken. " if had_two else ""
            words = f"{first}The new key is live, and so is the one before it until you end the overlap."
            self.message_user(request, words, messages.SUCCESS)
        return {"signing_key", "previous_signing_key", "signing_key_set_at"}

    def response_add(self, request: HttpRequest, obj: Network, post_url_continue: str | None = None) -> HttpResponse:
        """On to its page, as the postback URL to paste stands there."""
        if "_addanother" in request.POST or "_popup" in request.POST:
            response: HttpResponse = super().response_add(request, obj, post_url_continue)
            return response
        parameter = f"{obj.link_parameter}={{click_id}}" if obj.link_parameter else "{click_id}"
        words = format_html("{} was added. {}", obj, NEXT_STEP.format(parameter=parameter))
        self.message_user(request, words, messages.SUCCESS)
        return self.back_to(obj)

    def rotate_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what rotating does; on POST do it, or end the overlap."""
        network = self.network_for(request, object_id, "offers.rotate_network_secret")
        if network is None:
            return self.back_to(None)
        if request.method == "POST":
            self.change_secret(request, network)
            return HttpResponseRedirect(rotate_url(network))
        return self.guided_page(
            request,
            network,
            "Rotate postback secret",
            page="rotate_secret",
            copyables=[ready_to_copy.postback(network, request)],
            overlap_end=ready_to_copy.overlap_end(network, self.now()),
            rotation=rotation_of(network),
        )

    def network_for(self, request: HttpRequest, object_id: str, permission: str) -> Network | None:
        """The network, or None. Raises PermissionDenied."""
        network: Network | None = self.get_object(request, object_id)
        if network and not request.user.has_perm(permission):
            raise PermissionDenied
        return network

    def change_secret(self, request: HttpRequest, network: Network) -> None:
        """Do the step that the page asked for, unless the secret is no longer the one that it showed."""
        with transaction.atomic():
            network = Network.objects.select_for_update().get(pk=network.pk)
            if request.POST.get("rotation") != rotation_of(network):
                self.message_user(request, ROTATED_MEANWHILE, messages.WARNING)
                return
            done = end_overlap(network) if request.POST.get("step") == "end" else rotate(network)
            network.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at"])
            self.log_change(request, network, done)
        self.message_user(request, done, messages.SUCCESS)

    def end_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what ending the overlap of two signing keys does; on POST end it."""
        network = self.network_for(request, object_id, MAY_SET_KEY)
        if network is None:
            return self.back_to(None)
        if request.method == "POST":
            self.end_key_overlap(request, network)
            return self.back_to(network)
        if not network.previous_signing_key:
            self.message_user(request, NO_OVERLAP, messages.WARNING)
            return self.back_to(network)
        title = f"End the overlap of {network.name}'s signing keys"
        standing = standing_of_key(network, may_change=True)
        facts = {"standing": standing, "overlap": overlap_of(network)}
        return self.guided_page(request, network, title, page="network/end_key_overlap", **facts)

    def end_key_overlap(self, request: HttpRequest, network: Network) -> None:
        with transaction.atomic():
            network = Network.objects.select_for_update().get(pk=network.pk)
            if request.POST.get("overlap") != overlap_of(network):
                self.message_user(request, KEY_CHANGED, messages.WARNING)
                return
            network.end_key_overlap()
            network.save(update_fields=["previous_signing_key"])
            words = "Ended the overlap: only the newest signing key is taken."
            self.log_change(request, network, words)
        self.message_user(request, words, messages.SUCCESS)


def rotate(network: Network) -> str:
    """Make a new secret and say so. Does not save."""
    network.rotate_secret(timezone.now())
    return (
        f"Rotated the postback secret. The old address is taken until {moment(network.previous_secret_expires_at)} UTC."
    )


def end_overlap(network: Network) -> str:
    """Take the current secret only from now on, and say so. Does not save."""
    network.previous_secret, network.previous_secret_expires_at = "", None
    return "Ended the overlap: only the current postback address is taken."


def rotation_of(network: Network) -> str:
    """Stands for the current secret in a form, so that a button pressed twice rotates once."""
    return hashlib.sha256(network.secret.stored.encode()).hexdigest()[:16]


def rotate_url(network: Network) -> str:
    return reverse("admin:offers_network_rotate_secret", args=[network.pk])
