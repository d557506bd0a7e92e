"""The runner's own judgement: what counts as passed, and what a skip means."""

import socket
from pathlib import Path

import pytest
from django.db import connection

from tests.conftest import OutsideConnectionError, may_use_database
from tests.run import APART, UNSHRUNK, WITH_DATABASE_ONLY, Result, environment, read, report, suites

RECORD = """<?xml version="1.0"?><testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure message="no"/></testcase>
<testcase name="d"><error message="broken fixture"/></testcase>
<testcase name="e"><skipped message="no Chromium"/></testcase>
</testsuite></testsuites>"""


def test_counts_what_pytest_wrote_down(tmp_path: Path) -> None:
    record = tmp_path / "record.xml"
    record.write_text(RECORD)

    assert read("SQLite", record) == Result("SQLite", passed=2, failed=2, skipped=["no Chromium"])


def test_tells_every_reason_and_ends_with_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    report([Result("SQLite", 10, skipped=["no Chromium"] * 2), Result("PostgreSQL", skipped=["no PostgreSQL"])], False)

    lines = capsys.readouterr().out.splitlines()
    assert "skipped on SQLite, 2 x: no Chromium" in lines
    assert "skipped on PostgreSQL, 1 x: no PostgreSQL" in lines
    assert lines[-1] == "10 passed, 0 failed, 3 skipped"


@pytest.mark.parametrize(
    ("result", "strict", "code"),
    [
        (Result("SQLite", passed=1), True, 0),
        (Result("SQLite", passed=1, failed=1), False, 1),
        (Result("SQLite", passed=1, skipped=["why"]), False, 0),
        (Result("SQLite", passed=1, skipped=["why"]), True, 1),
        (Result("SQLite"), False, 1),
    ],
)
def test_fails_on_failures_on_no_test_at_all_and_where_it_is_strict_on_skips(
    result: Result, strict: bool, code: int
) -> None:
    assert report([result], strict) == code


def test_a_whole_run_has_every_test_of_a_database_once_on_each_and_any_other_test_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)

    whole = {suite.name: suite.arguments for suite in suites([])}
    chosen = {suite.name: suite.arguments for suite in suites(["-k", "postback"])}

    profile = f"--hypothesis-profile={UNSHRUNK}"
    others, apart = [*(f"--ignore={folder}" for folder in APART), profile], [*APART, profile]
    assert (whole["SQLite"], whole["PostgreSQL"]) == (others, [*others, WITH_DATABASE_ONLY])
    assert (whole["SQLite, apart"], whole["PostgreSQL, apart"]) == (apart, [*apart, WITH_DATABASE_ONLY])
    assert chosen == {"SQLite": ["-k", "postback"], "PostgreSQL": ["-k", "postback"]}


@pytest.mark.django_db
def test_knows_a_test_of_a_database(request: pytest.FixtureRequest) -> None:
    assert may_use_database(request.node)


def test_knows_a_test_of_none(request: pytest.FixtureRequest) -> None:
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        connection.ensure_connection()

    assert not may_use_database(request.node)


def test_takes_no_setting_of_this_project_into_the_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIKTOK_API_URL", "https://business-api.tiktok.com")
    monkeypatch.setenv("UNRELATED", "stays")

    env = environment(tmp_path, "sqlite:///x")

    assert "TIKTOK_API_URL" not in env
    assert env["UNRELATED"] == "stays"
    assert env["ENV_FILE"] == ""


def test_lets_processes_keep_their_bytecode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    env = environment(tmp_path, "sqlite:///x")

    assert "PYTHONDONTWRITEBYTECODE" not in env


class TestNoWayOut:
    def test_refuses_to_connect(self) -> None:
        with socket.socket() as client, pytest.raises(OutsideConnectionError):
            client.connect(("192.0.2.1", 80))

    def test_refuses_to_look_names_up(self) -> None:
        with pytest.raises(OutsideConnectionError):
            socket.create_connection(("business-api.tiktok.com", 443))

    def test_lets_tests_talk_to_themselves(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(("localhost", server.getsockname()[1])).close()
