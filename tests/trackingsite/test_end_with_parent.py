"""A process that follows its parent, and settings that are wrong: both seen from outside."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from trackingsite.environment import BASE_DIR

FOLLOWER = """
import os, time
from trackingsite.supervision import end_with
end_with(os.getppid())
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_it_ends_when_its_parent_is_killed_outright():
    parent = subprocess.Popen([sys.executable, "-c", PARENT, FOLLOWER], cwd=BASE_DIR, stdout=subprocess.PIPE)
    assert parent.stdout
    follower = int(parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    ends_at = time.monotonic() + 5
    while psutil.pid_exists(follower) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert not psutil.pid_exists(follower) or psutil.Process(follower).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("WEB_PORT", "abc", "WEB_PORT must be a number up to 65535, not 'abc'."),
        ("WEB_PORT", "99999", "WEB_PORT must be a number up to 65535, not '99999'."),
        ("DATABASE_URL", "nonsense", "DATABASE_URL must start with"),
        ("STATE_DIR", "/proc/nowhere", "STATE_DIR: the folder /proc/nowhere can't be made"),
    ],
)
def test_a_broken_setting_is_one_sentence(variable, value, words):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "trackingsite.settings", variable: value}

    done = subprocess.run(
        [sys.executable, "manage.py", "quickstart"], cwd=BASE_DIR, env=env, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
