"""What the roles may see of consent, sightings and strange pages, and who may erase a visitor."""

from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

EVERYBODY = {"view_consentrecord", "view_sighting", "view_strangepage", "view_erasure"}
ADDED = {
    "Analyst": EVERYBODY,
    "Affiliate manager": EVERYBODY,
    "Operations": EVERYBODY | {"erase_visitor"},
}


def add(apps, schema_editor):
    roles.give(apps, schema_editor, ADDED)


def take(apps, schema_editor):
    alias = schema_editor.connection.alias
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=ADDED):
        group.permissions.remove(*permissions.filter(codename__in=ADDED[group.name]))


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0005_pages_and_consent"),
        ("conversions", "0010_conversions_of_an_offer"),
        ("dispatch", "0011_pages_and_consent"),
    ]

    operations = [migrations.RunPython(add, take)]
