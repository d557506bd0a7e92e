"""What the roles may do with networks' keys, the inbox, uploads, exports and exchange rates."""

from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

EVERYBODY = {"view_upload", "view_exchangerate", "export_conversion", "export_click", "export_delivery"}
INBOX = {
    "change_network_key", "replay_postback", "attach_postback", "add_upload", "import_upload",
    "add_exchangerate", "change_exchangerate", "delete_exchangerate",
}
ADDED = {
    "Analyst": EVERYBODY,
    "Affiliate manager": EVERYBODY | INBOX,
    "Operations": EVERYBODY | INBOX,
}
KEPT = {"replay_postback"}  # Operations had it before


def add(apps, schema_editor):
    roles.give(apps, schema_editor, ADDED)


def take(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=ADDED):
        taken = ADDED[group.name] - (KEPT if group.name == "Operations" else set())
        group.permissions.remove(*permissions.filter(codename__in=taken))


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0004_exchange_rates"),
        ("conversions", "0008_export_permissions"),
        ("dispatch", "0009_no_rate_indexed"),
    ]

    operations = [migrations.RunPython(add, take)]
