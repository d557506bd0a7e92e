"""Who may take the answers about consent away as a file."""

from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

ADDED = dict.fromkeys(["Analyst", "Affiliate manager", "Operations"], {"export_consentrecord"})


def add(apps, schema_editor):
    roles.give(apps, schema_editor, ADDED)


def take(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=ADDED):
        group.permissions.remove(*permissions.filter(codename__in=ADDED[group.name]))


class Migration(migrations.Migration):
    dependencies = [
        ("conversions", "0014_consent_newest_first"),
        ("dispatch", "0014_held_in_order"),
    ]

    operations = [migrations.RunPython(add, take)]
