"""What offers, networks and pixels have in common: staff edit them, and history that points at them keeps them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from offers.admin_parts import FilteredList, ListedAdmin


class ConfiguredAdmin(ListedAdmin):
    """For rows that staff type in."""

    list_filter_submit = True
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})}}
    warn_unsaved_form = True
    empty_sentence = ""
    instead_of_deleting = ""
    fields_in_links: Mapping[str, str] = {}

    class Media:
        css = {"all": ["offers/admin.css"]}
        js = ["offers/copy.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FilteredList]:
        return FilteredList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deletion in bulk: it would load everything that points at the rows before it says no."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, object_id)
        holders = kept_by(row) if row else ""
        if holders and self.has_delete_permission(request, row):
            words = f"“{row}” can't be deleted, because there are {holders} of it. {self.instead_of_deleting}"
            self.message_user(request, words, messages.WARNING)
            return self.back_to(row)
        response: HttpResponse = super().delete_view(request, object_id, extra_context)
        return response

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what was edited and nothing else, so that a pause or a rotation made meanwhile stands."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)
        for name in set(form.changed_data) & set(self.fields_in_links) if change else ():
            self.message_user(request, self.fields_in_links[name], messages.WARNING)

    def back_to(self, row: models.Model | None) -> HttpResponseRedirect:
        """To the row's own page, or to the list."""
        if row is None:
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        )

    def guided_page(self, request: HttpRequest, row: models.Model, title: str, **context: Any) -> TemplateResponse:
        """A page that says what a step does before it is done."""
        known = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": title,
            "media": self.media,
            "back_url": self.back_to(row).url,
        }
        return TemplateResponse(request, f"admin/offers/{context.pop('page')}.html", {**known, **context})


def kept_by(row: models.Model) -> str:
    """The plural name of rows that point at this one and must not lose it; empty when there are none."""
    for relation in row._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.PROTECT:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: row.pk})
            if rows.exists():
                return str(relation.related_model._meta.verbose_name_plural)
    return ""
