"""Every role may make keys to the API: a key may do what its owner may do, and no more."""

from functools import partial
from importlib import import_module

from django.db import migrations

roles = import_module("dispatch.migrations.0002_roles")

ADDED = dict.fromkeys(("Analyst", "Affiliate manager", "Operations"), {"view_apitoken", "add_apitoken"})


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0017_watch_and_tokens")]

    operations = [migrations.RunPython(partial(roles.give, roles=ADDED), partial(roles.take, roles=ADDED))]
