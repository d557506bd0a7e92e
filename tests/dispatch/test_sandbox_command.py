"""`manage.py tiktok_sandbox` starts with one command, keeps its state, and ends when told."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.run import environment

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@pytest.fixture
def surroundings(tmp_path):
    """It keeps what arrived in a file of its own; a database of the site's is nowhere."""
    env = environment(tmp_path / "state", "postgres://nobody@127.0.0.1:9/nowhere")
    del env["DJANGO_SETTINGS_MODULE"]
    return env


@contextmanager
def started(surroundings, *options):
    """The process, and the URL that it says."""
    command = [sys.executable, str(MANAGE), "tiktok_sandbox", *options]
    process = subprocess.Popen(
        command, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=MANAGE.parent
    )
    try:
        yield process, re.search(r"http://\S+", process.stdout.readline() or process.stderr.read())[0]
    finally:
        process.kill()
        process.communicate()


def healthy(url):
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
        return answer.status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told(surroundings, tmp_path, number):
    state = tmp_path / "sandbox.sqlite3"
    with started(surroundings, "--port", "0", "--state", str(state)) as (process, url):
        assert healthy(url)

        process.send_signal(number)

        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert state.exists()


def test_explains_a_port_that_is_taken(surroundings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, str(MANAGE), "tiktok_sandbox", "--port", port]
        result = subprocess.run(command, env=surroundings, capture_output=True, text=True, cwd=MANAGE.parent)

    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "Traceback" not in result.stderr
