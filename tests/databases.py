"""Databases that are cheap to make and break, for tests with processes or migrations of their own."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg
from django.conf import settings
from django.db import connection


@contextmanager
def copy_of(tables: str, folder: Path) -> Iterator[str]:
    """The URL of a copy of that database, which nobody may be using."""
    if settings.IS_SQLITE:
        yield f"sqlite:///{shutil.copy(urlsplit(tables).path, folder / 'db.sqlite3')}"
        return
    url, name = create_database(f"TEMPLATE {urlsplit(tables).path.strip('/')}")
    try:
        yield url
    finally:
        drop_database(name)


def create_database(manner: str) -> tuple[str, str]:
    """Its URL and its name."""
    server, name = os.environ["DATABASE_URL"], f"own_{secrets.token_hex(8)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {manner}")
    return urlsplit(server)._replace(path=f"/{name}").geturl(), name


def drop_database(name: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def url_of_database() -> str:
    """Where the ORM of this process works."""
    name = connection.settings_dict["NAME"]
    if settings.IS_SQLITE:
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@contextmanager
def at_home_in(url: str) -> Iterator[None]:
    """This process's ORM works on that database meanwhile."""
    before = connection.settings_dict
    connection.close()
    connection.settings_dict = before | environ.Env.db_url_config(url) | {"OPTIONS": before["OPTIONS"]}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = before
