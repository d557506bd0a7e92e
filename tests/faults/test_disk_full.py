"""A full disk: no postback is confirmed that is not stored, and everything goes on when there is room again."""

import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from conversions.models import Click, Postback
from offers.models import Network
from tests.databases import at_home_in, copy_of
from tests.factories import make_network, make_offer
from tests.faults.disks import SmallDisk, copied, end, postgresql_on, small_disk
from tests.faults.hosts import environment_of_host, migrate, wait_for
from tests.postgresql import free_port
from trackingsite.management.commands.quickstart import web_command
from trackingsite.supervision.ports import answers

MOST_POSTBACKS = 500
REFUSALS = 5


@dataclass
class SmallSite:
    """A web process whose database lives on a small disk."""

    disk: SmallDisk
    url: str
    port: int
    network: Network
    stored: set[str] = field(default_factory=set)
    """The transactions whose postback was answered with 200."""
    sent: int = 0

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, Retry-After and body of an answer."""
        try:
            answer = urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers.get("Retry-After", ""), answer.read().decode()

    def report(self) -> tuple[int, str]:
        """Send one more postback; status and Retry-After."""
        self.sent += 1
        txid = f"T-{self.sent}"
        query = urlencode({"click_id": "unknown", "txid": txid, "padding": "x" * 1500})
        status, retry_after, _ = self.get(f"/postback/{self.network.slug}/{self.network.secret.reveal()}/?{query}")
        if status == 200:
            self.stored.add(txid)
        return status, retry_after

    def refusals(self) -> list[tuple[int, str]]:
        """Send postbacks until some were refused; those answers. What is allocated already may hold a few more."""
        found: list[tuple[int, str]] = []
        while len(found) < REFUSALS and self.sent < MOST_POSTBACKS:
            answer = self.report()
            found += [answer] if answer[0] != 200 else []
        return found


@contextmanager
def database_on(disk: SmallDisk) -> Iterator[str]:
    if settings.IS_SQLITE:
        yield f"sqlite:///{disk.path}/db.sqlite3"
        return
    with postgresql_on(disk) as url:
        yield url


@pytest.fixture
def site(tmp_path: Path, tables: str, django_db_blocker: Any) -> Iterator[SmallSite]:
    with small_disk(megabytes=80 if settings.IS_SQLITE else 500) as disk, database_on(disk) as url:
        with django_db_blocker.unblock():
            network = prepared_from(tables, disk, tmp_path) if settings.IS_SQLITE else prepared(url, tmp_path)
        port = free_port()
        env = environment_of_host(tmp_path / "state", url)
        with (tmp_path / "web.log").open("wb") as log:
            web = disk.start(web_command("127.0.0.1", port), env=env, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: answers("127.0.0.1", port, "/healthz"), (tmp_path / "web.log").read_text)
            yield SmallSite(disk, url, port, network)
        finally:
            end(web)


def prepared_from(tables: str, disk: SmallDisk, folder: Path) -> Network:
    """Put SQLite's tables and a network on the disk."""
    with copy_of(tables, folder) as here, at_home_in(here):
        network = make_network()
    copied(folder / "db.sqlite3", disk.folder)
    return network


def prepared(url: str, folder: Path) -> Network:
    """Make the tables and a network in the server on the disk."""
    migrate(url, folder)
    with at_home_in(url):
        return make_network()


def stored_in(site: SmallSite, folder: Path) -> set[str]:
    """The transactions of the stored postbacks, each of them whole."""
    if not settings.IS_SQLITE:
        with psycopg.connect(site.url) as database:
            rows = database.execute("SELECT params->>'txid', length(params->>'padding') FROM conversions_postback")
            found = dict(rows.fetchall())
    else:
        with sqlite3.connect(copied(site.disk.folder / "db.sqlite3", folder)) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            columns = "json_extract(params, '$.txid'), length(json_extract(params, '$.padding'))"
            found = dict(file.execute(f"SELECT {columns} FROM conversions_postback").fetchall())
    assert set(found.values()) <= {1500}
    return set(found)


def test_a_real_full_disk_refuses_and_recovers(site: SmallSite, tmp_path: Path):
    assert site.report()[0] == site.get("/readyz")[0] == 200

    site.disk.fill()
    refusals, ready = site.refusals(), site.get("/readyz")
    site.disk.free()

    assert refusals == [(503, "5")] * REFUSALS
    if settings.IS_SQLITE:  # the disk of a PostgreSQL is its server's to watch
        assert (ready[0], "disk_full" in ready[2]) == (503, True)
    assert [site.report()[0], site.get("/readyz")[0]] == [200, 200]
    folder = tmp_path / "copy"
    folder.mkdir()
    assert stored_in(site, folder) == site.stored


@contextmanager
def no_room() -> Iterator[None]:
    """This process's own database has no room for another page, or for another postback at its commit."""
    with connection.cursor() as cursor:
        if settings.IS_SQLITE:
            cursor.execute("VACUUM")  # no page is empty
            cursor.execute("PRAGMA max_page_count = 1")  # as many as there are, says SQLite
        else:
            cursor.execute(DISK_FULL_AT_COMMIT)
        try:
            yield
        finally:
            cursor.execute("PRAGMA max_page_count = 1000000000" if settings.IS_SQLITE else ROOM_AGAIN)


DISK_FULL_AT_COMMIT = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER disk_full AFTER INSERT ON conversions_postback
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION disk_full();
CREATE CONSTRAINT TRIGGER disk_full AFTER INSERT ON conversions_click
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION disk_full();
"""
ROOM_AGAIN = "DROP FUNCTION disk_full CASCADE"


def postback(network: Network, **params: str) -> Any:
    query = {"click_id": "unknown", "padding": "x" * 4000, "more": "y" * 3000, **params}
    return Client().get(f"/postback/{network.slug}/{network.secret.reveal()}/", query)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wait", [{}, {"wait": "1"}])
def test_a_failed_commit_is_never_a_200(wait: dict[str, str]):
    network = make_network()

    with no_room():
        answers_ = [postback(network, **wait) for _ in range(3)]

    assert [(answer.status_code, answer["Retry-After"]) for answer in answers_] == [(503, "5")] * 3
    assert not Postback.objects.exists()
    assert postback(network).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_click_that_is_not_stored_is_named_to_nobody():
    offer = make_offer()
    url = f"/c/{offer.slug}/?ttclid={'x' * 2000}&utm_source={'y' * 5000}"

    with no_room():
        answer = Client().get(url)

    assert (answer.status_code, len(answer.cookies)) == (302, 0)
    assert "ttclid=xxx" in answer["Location"]
    assert "click_id" not in answer["Location"]
    assert not Click.objects.exists()
    assert Client().get(url)["Location"].endswith(Click.objects.get().pk)


@contextmanager
def read_only() -> Iterator[None]:
    """As a standby is, or a disk that was mounted anew after an error; a new connection leads to another one."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = on" if settings.IS_SQLITE else "SET default_transaction_read_only = on")
    try:
        yield
    finally:
        if settings.IS_SQLITE:
            connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_refuses_and_recovers():
    network = make_network()

    with read_only():
        answer = postback(network)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert not Postback.objects.exists()
    assert postback(network).status_code == 200
