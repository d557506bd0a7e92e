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
    roles.take(apps, schema_editor, ADDED | {"Operations": ADDED["Operations"] - KEPT})


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0004_exchange_rates"),
        ("conversions", "0008_export_permissions"),
        ("dispatch", "0009_no_rate_indexed"),
    ]

    operations = [migrations.RunPython(add, take)]
