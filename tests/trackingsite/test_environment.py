"""Settings come from the environment, strictly."""

import os
import re
import stat
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from trackingsite import environment
from trackingsite.environment import (
    BASE_DIR,
    create_state,
    read_database,
    read_environment,
    state_dir,
    strict_bool,
    strict_number,
)

READ = re.compile(r"(?:\benv(?:\.\w+)?\(|\benv, |environ\.get\(|environ\[)\s*\"([A-Z_]+)\"")
LISTED = re.compile(r"^#([A-Z_]+)=", re.MULTILINE)


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The process environment of a test: nothing but a state folder."""
    variables = {"STATE_DIR": str(tmp_path / "state"), "ENV_FILE": str(tmp_path / ".env")}
    monkeypatch.setattr(os, "environ", variables)
    monkeypatch.setattr(environ.Env, "ENVIRON", variables)
    return variables


class TestState:
    def test_makes_secrets_that_settings_read(self) -> None:
        create_state()

        env = read_environment()

        assert len(env.str("DJANGO_SECRET_KEY")) >= 50
        assert len(env.str("FIELD_ENCRYPTION_KEYS")) == 44
        assert env.str("DEMO_ADMIN_PASSWORD")

    def test_keeps_the_secrets_it_has(self) -> None:
        file = create_state() / "secrets.env"
        first = file.read_text()

        create_state()

        assert file.read_text() == first

    def test_makes_other_secrets_for_another_installation(self, variables: dict[str, str], tmp_path: Path) -> None:
        first = (create_state() / "secrets.env").read_text()
        variables["STATE_DIR"] = str(tmp_path / "other")

        assert (create_state() / "secrets.env").read_text() != first

    def test_lets_nobody_else_read_them(self) -> None:
        folder = create_state()

        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "secrets.env").stat().st_mode) == 0o600

    def test_leaves_nothing_half_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(path: Path, text: str) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", crash)
            with pytest.raises(KeyboardInterrupt):
                create_state()

        assert not (state_dir() / "secrets.env").exists()
        assert (create_state() / "secrets.env").stat().st_size > 100

    def test_survives_every_character_a_key_can_have(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nasty = "abc$(1'#= &*^%@!-_+"
        monkeypatch.setattr(environment, "get_random_secret_key", lambda: nasty)

        create_state()

        assert read_environment().str("DJANGO_SECRET_KEY") == nasty.replace("$", "x").replace("'", "x")


class TestEnvFile:
    def test_completes_the_environment(self, variables: dict[str, str]) -> None:
        Path(variables["ENV_FILE"]).write_text("WEB_PORT=8123\n")

        assert read_environment().int("WEB_PORT") == 8123

    def test_gives_way_to_the_environment(self, variables: dict[str, str]) -> None:
        variables["WEB_PORT"] = "8124"
        Path(variables["ENV_FILE"]).write_text("WEB_PORT=8123\n")

        assert read_environment().int("WEB_PORT") == 8124

    def test_may_say_where_the_state_is(self, variables: dict[str, str], tmp_path: Path) -> None:
        del variables["STATE_DIR"]
        Path(variables["ENV_FILE"]).write_text(f"STATE_DIR={tmp_path}/elsewhere\n")

        assert create_state() == tmp_path / "elsewhere"

    def test_can_be_turned_off(self, variables: dict[str, str]) -> None:
        Path(variables["ENV_FILE"]).write_text("WEB_PORT=8123\n")
        variables["ENV_FILE"] = ""

        assert read_environment().int("WEB_PORT", default=8000) == 8000


class TestDatabase:
    def test_is_a_file_in_the_state_folder_whatever_that_is_called(self, variables: dict[str, str]) -> None:
        variables["STATE_DIR"] = "/tmp/a+b c%41?"

        assert read_database(environ.Env())["NAME"] == "/tmp/a+b c%41?/db.sqlite3"

    def test_keeps_the_options_of_the_url(self, variables: dict[str, str]) -> None:
        variables["DATABASE_URL"] = "postgres://me@db.example.com/site?sslmode=require"

        assert read_database(environ.Env())["OPTIONS"] == {"sslmode": "require"}

    @pytest.mark.filterwarnings("ignore:Engine not recognized")
    @pytest.mark.parametrize("url", ["nonsense", "mysql://me@db.example.com/site"])
    def test_must_be_one_that_the_site_is_tested_on(self, variables: dict[str, str], url: str) -> None:
        variables["DATABASE_URL"] = url

        with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
            read_database(environ.Env())


class TestStrictBool:
    @pytest.mark.parametrize("text", ["true", "True", "1", "yes", "ON"])
    def test_reads_yes(self, variables: dict[str, str], text: str) -> None:
        variables["DJANGO_DEBUG"] = text

        assert strict_bool(environ.Env(), "DJANGO_DEBUG", False)

    @pytest.mark.parametrize("text", ["false", "0", "No", "off"])
    def test_reads_no(self, variables: dict[str, str], text: str) -> None:
        variables["DJANGO_DEBUG"] = text

        assert not strict_bool(environ.Env(), "DJANGO_DEBUG", True)

    @pytest.mark.parametrize("text", ["", "tru", "2", "off, please"])
    def test_refuses_what_it_does_not_understand(self, variables: dict[str, str], text: str) -> None:
        variables["DJANGO_DEBUG"] = text

        with pytest.raises(ImproperlyConfigured, match="DJANGO_DEBUG"):
            strict_bool(environ.Env(), "DJANGO_DEBUG", False)

    def test_falls_back_when_nothing_is_said(self) -> None:
        assert strict_bool(environ.Env(), "DJANGO_DEBUG", True)


def test_a_number_must_be_one(variables: dict[str, str]) -> None:
    variables["WEB_PORT"] = "80a"

    with pytest.raises(ImproperlyConfigured, match="WEB_PORT must be a number"):
        strict_number(environ.Env(), "WEB_PORT", 8000)


def test_example_lists_every_variable_and_no_other() -> None:
    sources = [*(BASE_DIR / "trackingsite").rglob("*.py"), BASE_DIR / "tests" / "run.py"]
    read = {name for source in sources for name in READ.findall(source.read_text())}

    listed = set(LISTED.findall((BASE_DIR / ".env.example").read_text()))

    assert listed == read - {"CI"}


def test_a_quickstart_that_was_killed_outright_is_forgotten_by_the_next() -> None:
    create_state()
    environment.running_file().write_text("TIKTOK_API_URL=http://127.0.0.1:9\n")

    create_state()

    assert not environment.running_file().exists()
