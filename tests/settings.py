"""Settings of the test suite: fixed throw-away secrets, a fast hasher, the database that DATABASE_URL names."""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("DJANGO_SECRET_KEY", "only-for-tests")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdDE=")
os.environ["ENV_FILE"] = ""  # a developer's own `.env` is no part of a test
if "STATE_DIR" not in os.environ:
    os.environ["STATE_DIR"] = tempfile.mkdtemp(prefix="trackingsite-tests-")
    atexit.register(shutil.rmtree, os.environ["STATE_DIR"], ignore_errors=True)

from trackingsite.settings import *  # noqa: F403
from trackingsite.settings import DATABASES, IS_SQLITE, STATE_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if IS_SQLITE:
    # A file, as in production: threads and processes of a test must see the same database.
    # Nothing of it need outlive a power cut, so it is not written through.
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / "test.sqlite3")}
# Static files are looked for when they are asked for: each test client would look all of them up when it is made.
WHITENOISE_AUTOREFRESH = True
