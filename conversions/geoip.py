"""A database of places by address, in MaxMind's format: read from a file that the operator keeps up to date."""

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import maxminddb
from django.conf import settings

logger = logging.getLogger(__name__)

Stamp = tuple[Any, ...]


@dataclass
class Opened:
    """The database that this process has open, and which state of which file it is."""

    stamp: Stamp = ()
    reader: maxminddb.Reader | None = None


opened = Opened()
lock = threading.Lock()


def place_of(ip: str) -> Mapping[str, Any]:
    """What the database says of an address; nothing where there is no database or it does not know."""
    reader = current()
    try:
        found = reader.get(ip) if reader and ip else None
    except (ValueError, maxminddb.InvalidDatabaseError):  # IPv6 in a database of IPv4; a damaged record
        return {}
    return found if isinstance(found, Mapping) else {}


def current() -> maxminddb.Reader | None:
    """The database as it is now: read once, and anew when its file has changed."""
    path = settings.GEOIP_PATH
    if not path:
        return None
    stamp = stamp_of(path)
    if stamp != opened.stamp:
        with lock:
            if stamp != opened.stamp:
                opened.reader, opened.stamp = try_to_open(path), stamp
    return opened.reader


def stamp_of(path: str) -> Stamp:
    try:
        stat = os.stat(path)
    except OSError:
        return (path,)
    return path, stat.st_mtime_ns, stat.st_size, stat.st_ino


def try_to_open(path: str) -> maxminddb.Reader | None:
    try:
        return open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        logger.warning("%s can't be read as a database of places (%s): countries are unknown.", path, error)
        return None


def open_database(path: str) -> maxminddb.Reader:
    """Raises OSError, ValueError or InvalidDatabaseError for what can't be read."""
    return maxminddb.open_database(path)
