"""The three roles that come with the site. People are put into them under People, Users."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ["offers", "conversions", "dispatch"]

SENT_AND_RECORDED = {
    "view_network", "view_offer", "view_eventrule", "view_pixel",
    "view_click", "view_postback", "view_conversion", "view_ledgerentry",
    "view_delivery", "view_deliveryattempt", "view_deadletter",
}
ROLES = {
    "Analyst": SENT_AND_RECORDED,
    "Affiliate manager": SENT_AND_RECORDED | {
        "view_credential", "view_network_secret",
        "add_network", "change_network",
        "add_offer", "change_offer",
        "add_eventrule", "change_eventrule", "delete_eventrule",
    },
    "Operations": SENT_AND_RECORDED | {
        "view_credential", "rotate_credential",
        "view_network_secret", "rotate_network_secret", "change_network",
        "add_pixel", "change_pixel", "pause_pixel",
        "replay_postback",
        "requeue_deadletter", "discard_deadletter",
    },
}


def create_roles(apps, schema_editor):
    give(apps, schema_editor, ROLES)


def give(apps, schema_editor, roles):
    """Django makes permissions after the last migration only, so on a fresh database they are made here."""
    alias = schema_editor.connection.alias
    for label in APPS:
        create_permissions(installed.get_app_config(label), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for name, codenames in roles.items():
        group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=name)
        found = permissions.filter(content_type__app_label__in=APPS, codename__in=codenames)
        missing = codenames - set(found.values_list("codename", flat=True))
        if missing:
            raise LookupError(f"There are no permissions {', '.join(sorted(missing))} for the role {name}.")
        group.permissions.add(*found)


def take(apps, schema_editor, roles):
    """Give's way back."""
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=roles):
        group.permissions.remove(*permissions.filter(codename__in=roles[group.name]))


def remove_roles(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("auth", "Group").objects.using(alias).filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("offers", "0001_initial"),
        ("conversions", "0001_initial"),
        ("dispatch", "0001_initial"),
    ]

    operations = [migrations.RunPython(create_roles, remove_roles)]
