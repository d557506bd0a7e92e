from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from offers.admin.configured import ConfiguredAdmin
from offers.admin_parts import badge, mono
from offers.forms import PauseForm
from offers.models import Pixel

FIELDSETS = [
    ("What it is", {
        "fields": ["name", "code"],
        "description": "Create the pixel in TikTok's Events Manager, then enter its code here. Its access token is a "
        "credential, which has pages of its own.",
    }),
    ("Environment", {
        "fields": ["environment", "test_event_code"],
        "description": "Outside production every event carries the test event code: TikTok shows it under Test events "
        "and never counts it.",
    }),
    ("How fast", {
        "fields": ["max_requests_per_second", "max_events_per_second"],
        "description": "Caps hold for all workers together, from the next request on.",
    }),
]  # fmt: skip
ENVIRONMENT_TONES = {"production": "good", "staging": "warn", "development": "calm"}
AUTH_ADVICE = (
    "TikTok refused its access token, or its code: compare that with Events Manager. Rotate the credential: the pixel "
    "resumes by itself when one that works is promoted."
)


@admin.register(Pixel)
class PixelAdmin(ConfiguredAdmin):
    """What staff configure, and pausing. How sending goes is added by the app that sends."""

    list_display = ["name", "pixel_code", "environment_badge"]
    list_filter = [("environment", ChoicesDropdownFilter)]
    search_fields = ["name", "code"]
    search_help_text = "Search by name or pixel code."
    fieldsets = FIELDSETS
    empty_sentence = "There are no pixels yet. Create one in TikTok's Events Manager, then add it here with its code."
    instead_of_deleting = "Pause it instead: nothing is sent to it and its history stays."
    fields_in_links = {
        "code": "The pixel code has changed: what waits in the queue is sent to the new pixel, and it needs a "
        "credential that may send there."
    }

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/pause/", wrap(self.pause_view), name="offers_pixel_pause"),
            path("<path:object_id>/resume/", wrap(self.resume_view), name="offers_pixel_resume"),
        ]
        return own + list(super().get_urls())

    @admin.display(description="pixel code", ordering="code")
    def pixel_code(self, pixel: Pixel) -> SafeString:
        return mono(pixel.code)

    @admin.display(description="environment", ordering="environment")
    def environment_badge(self, pixel: Pixel) -> SafeString:
        return badge(pixel.get_environment_display(), ENVIRONMENT_TONES[pixel.environment])

    def pause_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        pixel = self.pixel_to_change(request, object_id)
        if pixel is None or (pixel.paused_by and request.method != "POST"):
            return self.back_to(pixel)
        form = PauseForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            facts = self.facts(pixel)
            return self.guided_page(request, pixel, f"Pause {pixel.name}", page="pause", form=form, **facts)
        self.pause(request, pixel, form.cleaned_data["reason"])
        return self.back_to(pixel)

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        pixel = self.pixel_to_change(request, object_id)
        if pixel and pixel.paused_by and request.method != "POST":
            advice = AUTH_ADVICE if pixel.paused_by == Pixel.PausedBy.AUTH else ""
            facts = {**self.facts(pixel), "state_advice": advice}
            return self.guided_page(request, pixel, f"Resume {pixel.name}", page="resume", **facts)
        if pixel and request.method == "POST":
            self.resume(request, pixel)
        return self.back_to(pixel)

    def now(self) -> datetime:
        """By the clock that sending goes by; the app that sends knows it."""
        return timezone.now()

    def facts(self, pixel: Pixel) -> dict[str, Any]:
        """What a person should know before pausing or resuming; the app that sends knows it."""
        return {}

    def pixel_to_change(self, request: HttpRequest, object_id: str) -> Pixel | None:
        if not request.user.has_perm("offers.pause_pixel"):
            raise PermissionDenied
        pixel: Pixel | None = self.get_object(request, object_id)
        return pixel

    def pause(self, request: HttpRequest, pixel: Pixel, reason: str) -> None:
        with transaction.atomic():
            pixel = Pixel.objects.select_for_update().get(pk=pixel.pk)
            if pixel.paused_by:
                self.message_user(request, f"{pixel.name} was paused already.", messages.WARNING)
                return
            pixel.pause(Pixel.PausedBy.STAFF, reason, self.now())
            self.log_change(request, pixel, f"Paused sending: {reason}")
        self.message_user(request, f"Sending to {pixel.name} is paused.", messages.SUCCESS)

    def resume(self, request: HttpRequest, pixel: Pixel) -> None:
        with transaction.atomic():
            pixel = Pixel.objects.select_for_update().get(pk=pixel.pk)
            if not pixel.paused_by:
                self.message_user(request, f"{pixel.name} is not paused.", messages.WARNING)
                return
            pixel.resume(self.now())
            self.log_change(request, pixel, "Resumed sending.")
        words = f"{pixel.name} sends again: gently at first, and at full speed in a few minutes."
        self.message_user(request, words, messages.SUCCESS)
