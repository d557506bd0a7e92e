"""A state folder that can't be written to: said before the workers start, as without their locks they send nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client

from tests.run import environment
from trackingsite.disks import unwritable_state

FILE = "a file where a folder should be"  # in the way of root, too, who may run the tests


@pytest.fixture(params=["the folder itself", "one above it"])
def _no_folder(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    settings.STATE_DIR = tmp_path / FILE / ("" if request.param == "the folder itself" else "state")


def test_a_folder_that_can_be_made_is_good(settings: Any, tmp_path: Path):
    settings.STATE_DIR = tmp_path / "not" / "there yet"

    assert unwritable_state() is None
    assert not settings.STATE_DIR.parent.exists()


def test_somebody_elses_lock_is_in_the_way(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings.STATE_DIR = tmp_path
    lock, real = tmp_path / "sender-0.lock", os.access
    lock.touch()
    assert unwritable_state() is None

    monkeypatch.setattr(os, "access", lambda path, mode: path != lock and real(path, mode))

    assert unwritable_state() == lock


@pytest.mark.usefixtures("_no_folder")
def test_the_checks_say_it_with_a_hint():
    (message,) = [message for message in run_checks() if message.id == "trackingsite.W003"]

    assert FILE in message.msg
    assert "set STATE_DIR" in message.hint


@pytest.mark.usefixtures("_no_folder")
def test_the_workers_do_not_start():
    with pytest.raises(CommandError, match=f"{FILE} can't be written to: workers on this host would send nothing"):
        call_command("run_workers")


def test_whoever_starts_them_reads_it(tmp_path: Path):
    (tmp_path / FILE).touch()
    command = [sys.executable, "manage.py", "run_workers"]
    env = environment(tmp_path / FILE, "postgres://nobody@127.0.0.1:9/nowhere")  # it is said before any is asked
    env |= {"DJANGO_SETTINGS_MODULE": "trackingsite.settings", "DJANGO_SECRET_KEY": "x", "FIELD_ENCRYPTION_KEYS": KEY}

    done = subprocess.run(command, cwd=site_settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"CommandError: {tmp_path / FILE} can't be written to" in done.stderr
    assert "Traceback" not in done.stderr


KEY = site_settings.FIELD_ENCRYPTION_KEYS[0]


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_folder")
def test_readyz_warns_and_takes_traffic():
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert FILE in {warning["code"]: warning["message"] for warning in answer.json()["warnings"]}["state_unwritable"]
