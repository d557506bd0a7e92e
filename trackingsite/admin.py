"""People and their roles in the site's look; the queue's own tables out of reach."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

# Whoever may add a Schedule of django-q2 could have any function of the site run.
for model in [model for model in admin.site._registry if model._meta.app_label == "django_q"]:
    admin.site.unregister(model)
admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Access comes from roles; single permissions stay possible below them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "roles", "is_active", "is_superuser", "last_login"]
    list_filter = ["groups", "is_active", "is_superuser"]
    filter_horizontal = ["user_permissions"]
    fieldsets = [
        (None, {"fields": ["username", "password", ("first_name", "last_name"), "email"]}),
        (
            "What they may do",
            {
                "fields": ["is_active", "is_staff", "groups", "is_superuser"],
                "description": "Give staff status, or they can't log in here, and a role: Affiliate manager, "
                "Operations or Analyst. Several add up. A superuser may do everything and needs no role.",
            },
        ),
        ("Single permissions", {"fields": ["user_permissions"], "classes": ["collapse"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever could set a superuser's password would be one."""
        out_of_reach = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not out_of_reach and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Nobody makes a superuser, or hands out single permissions, without being one."""
        powers = [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
        return ["last_login", "date_joined", *powers]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="name", ordering="first_name")
    def full_name(self, person: User) -> str:
        return person.get_full_name() or "–"

    @admin.display(description="roles")
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all()) or "–"


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """The roles that a migration made, and others that staff add."""
