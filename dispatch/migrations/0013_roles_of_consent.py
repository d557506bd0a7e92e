"""What the roles may see and take away of consent, sightings and strange pages, and who may erase a visitor."""

from functools import partial
from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

EVERYBODY = {
    "view_consentrecord", "export_consentrecord", "view_sighting", "view_strangepage", "view_erasure",
}
ADDED = {
    "Analyst": EVERYBODY,
    "Affiliate manager": EVERYBODY,
    "Operations": EVERYBODY | {"erase_visitor"},
}


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0005_pages_and_consent"),
        ("conversions", "0009_pages_and_consent"),
        ("dispatch", "0012_held_in_order"),
    ]

    operations = [migrations.RunPython(partial(roles.give, roles=ADDED), partial(roles.take, roles=ADDED))]
