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
    return {name: folder for name, folder in known.items() if os.path.isdir(folder)}


def database_file() -> Path | None:
    """SQLite's file; None where the database is a server or in memory."""
    name = str(settings.DATABASES["default"]["NAME"])
    return Path(name) if settings.IS_SQLITE and name.startswith("/") else None


def unwritable_state() -> Path | None:
    """What keeps a worker from taking its seat, as it needs its lock in the state folder; None when nothing does.

    A folder that is not there yet will be made.
    """
    folder = Path(settings.STATE_DIR)
    nearest = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    if not (os.path.isdir(nearest) and os.access(nearest, os.W_OK | os.X_OK)):
        return nearest
    return next((lock for lock in folder.glob("*.lock") if not os.access(lock, os.W_OK)), None)


def free_bytes(folder: Path) -> int | None:
    """What an ordinary user may still write there; None when the disk does not tell."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize
