"""Room on the disks that this site writes to."""

import os
from pathlib import Path

from django.conf import settings


def folders() -> dict[str, Path]:
    """The folders of the state and of SQLite's database, as far as they are there."""
    known = {"state": Path(settings.STATE_DIR)}
    file = database_file()
    if file:
        known["database"] = file.parent
    return {name: folder for name, folder in known.items() if folder.is_dir()}


def database_file() -> Path | None:
    """SQLite's file; None where the database is a server or in memory."""
    name = str(settings.DATABASES["default"]["NAME"])
    return Path(name) if settings.IS_SQLITE and name.startswith("/") else None


def free_bytes(folder: Path) -> int:
    """What an ordinary user may still write there."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
