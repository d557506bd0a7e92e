from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget

from offers.admin import ready_to_copy
from offers.admin.configured import ConfiguredAdmin
from offers.admin.offer_page import FIELDSETS, cap_warnings, warnings_of
from offers.admin_parts import badge, mono
from offers.forms import EventRuleForm, EventRuleFormSet, OfferForm
from offers.models import EventRule, Offer
from offers.vocabulary import StandardEvent

MODE_TONES = {"both": "good", "server": "busy", "pixel": "warn"}


class EventRuleInline(TabularInline):  # type: ignore[misc]
    model = EventRule
    form = EventRuleForm
    formset = EventRuleFormSet
    extra = 0
    hide_title = True
    template_before = "admin/offers/event_rules_help.html"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """TikTok's standard events to choose from, unless this installation allows names of its own."""
        if db_field.name == "event_name" and not settings.ALLOW_CUSTOM_EVENT_NAMES:
            choices = [("", "Select value"), *StandardEvent.choices]
            kwargs["widget"] = UnfoldAdminSelectWidget(choices=choices)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Offer)
class OfferAdmin(ConfiguredAdmin):
    list_display = ["name", "network", "pixel_name", "mode", "money", "consent_required", "is_active"]
    list_filter = [
        "is_active",
        ("network", RelatedDropdownFilter),
        ("pixel", RelatedDropdownFilter),
        ("tracking_mode", ChoicesDropdownFilter),
    ]
    list_select_related = ["network", "pixel"]
    search_fields = ["name", "slug", "notes"]
    search_help_text = "Search by name, slug or notes."
    form = OfferForm
    fieldsets = FIELDSETS
    inlines = [EventRuleInline]
    prepopulated_fields = {"slug": ["name"]}
    actions = ["copy_offers"]
    empty_sentence = (
        "There are no offers yet. Add a network and a pixel first, then an offer: its page gives you the tracking "
        "link, the landing snippet and the postback URL to copy."
    )
    instead_of_deleting = "Untick “Active” instead: its links stop working and its history stays."
    fields_in_links = {
        "slug": "The slug has changed, and the tracking link with it: links already in use get a 404.",
        "network": "The network has changed: postbacks for this offer's clicks are now taken from the new one only.",
    }

    class Media:
        js = ["offers/event_rules.js", "offers/offer_form.js"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        offer: Offer | None = kwargs.get("obj")
        if offer:
            context.update(self.facts_of(offer, request))
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def facts_of(self, offer: Offer, request: HttpRequest) -> dict[str, Any]:
        """What the page of a stored offer says above its fields."""
        rules = list(offer.event_rules.select_related("offer"))
        groups = ready_to_copy.of_offer(offer, rules, request)
        return {"copy_groups": groups, "copy_warnings": warnings_of(offer, rules)}

    def save_model(self, request: HttpRequest, obj: Offer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"daily_cap", "total_cap", "fallback_offer"} & set(form.changed_data):
            for warning in cap_warnings(obj):
                self.message_user(request, warning, messages.WARNING)

    @admin.display(description="pixel", ordering="pixel__name")
    def pixel_name(self, offer: Offer) -> str:
        return offer.pixel.name

    @admin.display(description="tracking", ordering="tracking_mode")
    def mode(self, offer: Offer) -> SafeString:
        return badge(offer.get_tracking_mode_display(), MODE_TONES[offer.tracking_mode])

    @admin.display(description="payout", ordering="payout")
    def money(self, offer: Offer) -> SafeString:
        return mono(f"{offer.payout} {offer.currency}")

    @admin.action(description="Copy the selected offers with their event rules", permissions=["add"])
    def copy_offers(self, request: HttpRequest, queryset: QuerySet[Offer]) -> None:
        copies = [copy_offer(offer) for offer in queryset]
        for copy in copies:
            self.log_addition(request, copy, "Copied from another offer.")
        names = ", ".join(copy.slug for copy in copies)
        words = f"Made {names}. A copy is inactive until you tick “Active” on its page."
        self.message_user(request, words, messages.SUCCESS)


def copy_offer(offer: Offer) -> Offer:
    """An inactive duplicate with its rules, under a slug of its own."""
    rules = list(offer.event_rules.all())
    with transaction.atomic():
        copy = Offer.objects.get(pk=offer.pk)
        copy.pk, copy._state.adding = None, True
        copy.slug, copy.name, copy.is_active = free_slug(offer.slug), f"Copy of {offer.name}"[:100], False
        copy.save()
        for rule in rules:
            rule.pk, rule.offer = None, copy
        EventRule.objects.bulk_create(rules)
    return copy


def free_slug(slug: str) -> str:
    """`<slug>-copy`, or the next number of it that no offer has."""
    taken = set(Offer.objects.filter(slug__contains="-copy").values_list("slug", flat=True))
    names = (f"{slug[:40]}-copy{number}" for number in ["", *(f"-{n}" for n in range(2, len(taken) + 3))])
    return next(name for name in names if name not in taken)
