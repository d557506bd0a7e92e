"""What the roles may see of health, reports, tests and alerts; who may run tests, make tokens, say where alerts go."""

from functools import partial
from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

EVERYBODY = {
    "view_report", "view_health", "trace",
    "view_scaledecision", "view_testconversion", "view_alert", "view_enrichment",
    "view_apitoken", "add_apitoken",  # a token may do what its owner may do, and no more
}
CHANNELS = {"view_alertchannel", "add_alertchannel", "change_alertchannel", "delete_alertchannel"}
ADDED = {
    "Analyst": EVERYBODY,
    "Affiliate manager": EVERYBODY | {"run_testconversion", "view_alertchannel"},
    "Operations": EVERYBODY | {"run_testconversion"} | CHANNELS,
}


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0006_enrichments"),
        ("conversions", "0012_tests_and_enrichments"),
        ("dispatch", "0014_health"),
    ]

    operations = [migrations.RunPython(partial(roles.give, roles=ADDED), partial(roles.take, roles=ADDED))]
