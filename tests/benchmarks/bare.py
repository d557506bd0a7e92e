"""What the baselines are besides their one view: Django without any middleware, that prepares its statements."""

import os

import django
import orjson
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from trackingsite.environment import read_database, read_environment

ROW = orjson.loads(os.environ["BARE_ROW"])  # what every row has, by column


def insert_into(table: str) -> str:
    """The INSERT of such a row."""
    return f"INSERT INTO {table} ({', '.join(ROW)}) VALUES ({', '.join('%s' for _ in ROW)})"


def application_of(urlconf: str) -> WSGIHandler:
    database = read_database(read_environment())
    database |= {"CONN_MAX_AGE": None, "OPTIONS": {"server_side_binding": True, "prepare_threshold": 0}}
    settings.configure(
        DATABASES={"default": database},
        ROOT_URLCONF=urlconf,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        SECRET_KEY=os.environ["DJANGO_SECRET_KEY"],
    )
    django.setup()
    return get_wsgi_application()
