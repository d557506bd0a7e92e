"""Runs a benchmark on SQLite and on PostgreSQL, each in a process of its own with an empty, migrated database.

`python -m tests.benchmarks delivery [arguments]`
"""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

from tests.postgresql import private_cluster
from tests.run import environment

IS_CHILD = "BENCHMARK_DATABASE"
SECRETS = {
    "DJANGO_SECRET_KEY": "only-for-benchmarks",
    "FIELD_ENCRYPTION_KEYS": "dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdDE=",
}


def run_on_each_database(arguments: list[str]) -> None:
    for name in ("SQLite", "PostgreSQL"):
        print(f"\n== {name} ==", flush=True)
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="trackingsite-bench-") as folder, database(name, Path(folder)) as url:
            own = {IS_CHILD: name, "DJANGO_SETTINGS_MODULE": "trackingsite.settings"}
            env = environment(Path(folder), url) | SECRETS | own
            subprocess.run([sys.executable, "-m", "tests.benchmarks", *arguments], env=env, check=True)
        print(f"took {time.monotonic() - started:.0f} s", flush=True)


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """An empty database that writes through, as in production."""
    if name == "SQLite":
        yield f"sqlite:///{folder}/bench.sqlite3"
    else:
        with private_cluster(durable=True) as url:
            yield url


def run_here(name: str, *arguments: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    importlib.import_module(f"tests.benchmarks.{name}").main(*map(int, arguments))


if __name__ == "__main__":
    if os.environ.get(IS_CHILD):
        run_here(*sys.argv[1:])
    else:
        run_on_each_database(sys.argv[1:])
