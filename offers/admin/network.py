import hashlib
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from offers.admin import ready_to_copy
from offers.admin.configured import ConfiguredAdmin
from offers.admin_parts import moment
from offers.forms import NetworkForm
from offers.models import Network

FIELDSETS = [
    ("What it is", {"fields": [("name", "slug"), "adapter", "is_active"]}),
    ("What its postbacks mean", {
        "fields": ["status_map", "duplicate_mode", ("default_currency", "default_region")],
        "description": "How the network's words become ours. A postback with a word that nobody mapped is kept, and "
        "can be digested again when the word is added here.",
    }),
    ("Who may call", {
        "fields": ["allowed_ips"],
        "description": "The secret in the postback URL is what protects it. Where the network publishes the addresses "
        "that it calls from, you can allow only those.",
    }),
]  # fmt: skip
ROTATED_MEANWHILE = "The secret was rotated a moment ago, so nothing was changed. This is how it stands now."


@admin.register(Network)
class NetworkAdmin(ConfiguredAdmin):
    form = NetworkForm
    list_display = ["name", "slug", "adapter", "default_currency", "duplicate_mode", "is_active"]
    list_filter = ["is_active", "adapter"]
    search_fields = ["name", "slug"]
    search_help_text = "Search by name or slug."
    fieldsets = FIELDSETS
    prepopulated_fields = {"slug": ["name"]}
    empty_sentence = (
        "There are no affiliate networks yet. Add the one that pays you: its page gives you the postback URL to paste "
        "there."
    )
    instead_of_deleting = "Untick “Active” instead: its postbacks are no longer taken and its history stays."
    fields_in_links = {
        "slug": "The slug has changed, and the postback URL with it: the network gets a 404 until it has the new one."
    }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_secret_view)
        own = path("<path:object_id>/rotate-secret/", view, name="offers_network_rotate_secret")
        return [own, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        network: Network | None = kwargs.get("obj")
        if network:
            context["copyables"] = [ready_to_copy.postback(network, request)]
            context["overlap_end"] = ready_to_copy.overlap_end(network, timezone.now())
            if request.user.has_perm("offers.rotate_network_secret"):
                context["rotate_url"] = rotate_url(network)
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def rotate_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what rotating does; on POST do it, or end the overlap."""
        network = self.get_object(request, object_id)
        if network is None:
            return self.back_to(None)
        if not request.user.has_perm("offers.rotate_network_secret"):
            raise PermissionDenied
        if request.method == "POST":
            self.change_secret(request, network)
            return HttpResponseRedirect(rotate_url(network))
        return self.guided_page(
            request,
            network,
            "Rotate postback secret",
            page="rotate_secret",
            copyables=[ready_to_copy.postback(network, request)],
            overlap_end=ready_to_copy.overlap_end(network, timezone.now()),
            rotation=rotation_of(network),
        )

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
