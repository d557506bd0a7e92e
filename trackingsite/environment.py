"""Reading settings from the environment, strictly: a misspelt value is an error, never a silent default."""

import base64
import math
import os
import secrets
from pathlib import Path
from typing import Any

import environ
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent


def state_dir() -> Path:
    """The folder that holds everything this installation writes: database, secrets, logs."""
    return Path(os.environ.get("STATE_DIR") or BASE_DIR / "var").resolve()


def read_environment() -> environ.Env:
    """The process environment, completed by `.env`, by generated secrets, and by what a running quickstart uses."""
    read_env_file()
    complete_from(state_dir() / "secrets.env")
    complete_from(running_file())
    return environ.Env()


def running_file() -> Path:
    """Where a running quickstart notes its port and its TikTok, for commands in another shell."""
    return state_dir() / "running.env"


def read_env_file() -> None:
    """Take `.env` or the file that ENV_FILE names; none when that is empty. It may set STATE_DIR."""
    complete_from(BASE_DIR / os.environ.get("ENV_FILE", ".env"))


def complete_from(file: Path) -> None:
    """Take what the file sets and the environment does not."""
    if file.is_file():
        environ.Env.read_env(str(file))


def strict_bool(env: environ.Env, name: str, default: bool) -> bool:
    """A yes-or-no setting. Raises ImproperlyConfigured for anything but true/false/1/0/yes/no/on/off."""
    text = env.str(name, default=str(default)).strip().lower()
    if text in {"true", "1", "yes", "on"}:
        return True
    if text in {"false", "0", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")


def read_database(env: environ.Env) -> dict[str, Any]:
    """The database that DATABASE_URL names, or a SQLite file in the state folder."""
    if not env.str("DATABASE_URL", default=""):
        # Not as a URL, in which some characters that a folder may have mean something else.
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(state_dir() / "db.sqlite3")}
    database: dict[str, Any] = env.db("DATABASE_URL")
    if not database.get("ENGINE", "").endswith(("sqlite3", "postgresql")):
        raise ImproperlyConfigured("DATABASE_URL must start with postgres:// or sqlite:///")
    return database


def read_mail(env: environ.Env) -> dict[str, Any]:
    """Django's settings for the mail server that EMAIL_URL names; without one mail goes nowhere."""
    if not env.str("EMAIL_URL", default=""):
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    settings: dict[str, Any] = env.email("EMAIL_URL")
    return settings


def strict_number(env: environ.Env, name: str, default: float, most: float = math.inf) -> float:
    """A number from 0 to `most`. Raises ImproperlyConfigured for anything else."""
    text = env.str(name, default=str(default)).strip()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise ImproperlyConfigured(
            f"{name} must be a number{f' up to {most:g}' if most < math.inf else ''}, not {text!r}."
        )
    return number


def new_field_key() -> str:
    """A fresh 256-bit key for FIELD_ENCRYPTION_KEYS, URL-safe base64."""
    return base64.urlsafe_b64encode(AESGCM.generate_key(256)).decode()


def create_state() -> Path:
    """Make the state folder with generated secrets, once; an existing one is left as it is.

    Quickstart calls this before settings are read. In production the same values come from the environment. What an
    earlier quickstart noted that was killed outright is forgotten.
    """
    read_env_file()
    running_file().unlink(missing_ok=True)
    folder = state_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"STATE_DIR: the folder {folder} can't be made ({error.strerror}).") from error
    file = folder / "secrets.env"
    if not file.exists():
        lines = [
            f"DJANGO_SECRET_KEY='{get_random_secret_key().replace('$', 'x').replace(chr(39), 'x')}'",
            f"FIELD_ENCRYPTION_KEYS='{new_field_key()}'",
            f"DEMO_ADMIN_PASSWORD='{secrets.token_urlsafe(12)}'",
        ]
        # Whole or not at all: half a file would lock everybody out for good.
        half = folder / "secrets.env.new"
        half.touch(mode=0o600)
        half.write_text("\n".join(lines) + "\n")
        half.replace(file)
    return folder
