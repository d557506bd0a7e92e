"""From nothing to a running site in one command; `make run` is this and an installation."""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from trackingsite.environment import BASE_DIR, running_file
from trackingsite.supervision import Child, Crew, GaveUpError, StopSignal, end_with
from trackingsite.supervision.ports import answers, first_free, is_free

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
WHEN_ORPHANED = {"web": signal.SIGKILL}
"""Linux asks once for each thread of ours that dies, and granian locks up when it is asked twice at the same time."""
SANDBOX_HOST = "127.0.0.1"
SANDBOX_PORT_OFFSET = 1000
"""Far enough away for copies with neighbouring WEB_PORTs to run side by side."""

READY = """
Ready. Ctrl-C stops everything and keeps the data.

  Admin       {admin}   login: {login}
  Demo        {ad_click}   what a visitor from TikTok clicks
  TikTok      {tiktok}
  Data, logs  {state}

Try next

  1. Open the demo's address in a browser, go on to checkout and buy. The TikTok page then shows the same event
     from both legs, browser and server, under one event_id.
  2. Do the same without a browser: a click, then the network's postback for it.
       CLICK=$(curl -s -o /dev/null -w '%{{redirect_url}}' '{ad_click}' |
         grep -o 'click_id=[a-z0-9]*' | cut -d= -f2)
       curl "{postback}"
  3. Send that postback again: it is a duplicate, and TikTok is not told twice.
  4. Follow the sale in the admin: Conversions, then Deliveries with every attempt.
"""

SAMPLE = {"click_id": "$CLICK", "payout": "42.50", "currency": "USD", "txid": "$CLICK", "status": "approved"}


class Command(BaseCommand):
    help = "Prepare everything, then run web, workers and the TikTok sandbox under this one process."
    requires_system_checks = []  # they ask for tables that this command makes; it runs them itself

    def handle(self, *args: Any, **options: Any) -> None:
        if "MAKELEVEL" in os.environ:
            end_with(os.getppid())  # a make that is killed outright could not tell us
        self.host, self.port = os.environ.get("WEB_HOST") or "127.0.0.1", settings.WEB_PORT
        refuse_taken(self.host, self.port, "WEB_PORT")
        self.sandbox = sandbox_address(self.port)
        try:
            demo = self.prepare()
            with StopSignal() as stop:
                self.run(demo, stop)
        except GaveUpError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:  # while preparing; afterwards it is a StopSignal
            pass
        running_file().unlink(missing_ok=True)
        self.say(f"Stopped. The data is kept in {settings.STATE_DIR}")

    def prepare(self) -> dict[str, Any]:
        """Everything that comes before the first process. Returns what the demo tells about itself."""
        self.say(f"State     {settings.STATE_DIR}")
        self.migrate()
        self.check()
        self.say("Demo      an offer, its network, its pixel and a login")
        told = io.StringIO()
        call_command("seed_demo", "--json", stdout=told)
        connections.close_all()
        return dict(json.loads(told.getvalue()))

    def migrate(self) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database can't be reached: {error}") from error
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self.say(f"Database  {connection.display_name}, {len(waiting) or 'no'} migrations to apply")
        call_command("migrate", verbosity=0, interactive=False)

    def run(self, demo: dict[str, Any], stop: StopSignal) -> None:
        """Run every process until told to stop."""
        processes = children(self.host, self.port, self.sandbox)
        note_running(self.port, self.sandbox)
        self.say(f"Start     {', '.join(process.name for process in processes)}")
        with Crew(processes, logs=settings.STATE_DIR / "logs", write=self.say, stop=stop) as crew:
            crew.start()
            while not stop.received and not answers(self.host, self.port, "/healthz"):
                crew.turn()
            if not stop.received:
                self.announce(demo)
                crew.is_settled = True
            while not stop.received:
                crew.turn()
            self.say("Stopping …")

    def announce(self, demo: dict[str, Any]) -> None:
        """Where to look, how to get in, what to try."""
        self.say(
            READY.format(
                admin=f"{settings.PUBLIC_BASE_URL}/admin/",
                login=f"{demo['admin']['username']} / {demo['admin']['password']}",
                ad_click=f"{demo['tracking_url']}?ttclid=demo",
                postback=sample_postback(demo["postback_url"]),
                tiktok=f"{self.sandbox}/" if self.sandbox else os.environ["TIKTOK_API_URL"],
                state=settings.STATE_DIR,
            )
        )

    def say(self, line: str) -> None:
        """Write at once. A console that has gone away is no reason to stop: the logs go on."""
        with suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()


def sample_postback(url: str) -> str:
    """The network's postback address with values in place of its macros; it answers with the outcome."""
    for macro, value in SAMPLE.items():
        url = url.replace(f"{{{macro}}}", value)
    return f"{url}&wait=1"


def note_running(port: int, sandbox: str) -> None:
    """Let commands in another shell speak of this site and to this TikTok."""
    tiktok = {"TIKTOK_API_URL": sandbox or os.environ["TIKTOK_API_URL"]}
    pixel = {"TIKTOK_PIXEL_URL": os.environ.get("TIKTOK_PIXEL_URL") or sandbox}
    noted = {"WEB_PORT": str(port), **tiktok, **(pixel if pixel["TIKTOK_PIXEL_URL"] else {})}
    running_file().write_text("".join(f"{name}={value}\n" for name, value in noted.items()))


def refuse_taken(host: str, port: int, setting: str) -> None:
    try:
        free = is_free(host, port)
    except OSError as error:
        raise CommandError(f"Can't listen on {host} port {port}: {error.strerror}.") from error
    if not free:
        raise CommandError(f"Port {port} is taken. Stop what runs there, or choose another one with {setting}.")


def sandbox_address(web_port: int) -> str:
    """Where the sandbox will listen; empty when the environment names the TikTok to use."""
    if os.environ.get("TIKTOK_API_URL"):
        return ""
    chosen = os.environ.get("SANDBOX_PORT")
    if not chosen:
        wanted = web_port + SANDBOX_PORT_OFFSET
        return f"http://{SANDBOX_HOST}:{first_free(SANDBOX_HOST, wanted if wanted < 65000 else 10000)}"
    if not chosen.isdecimal():
        raise CommandError(f"SANDBOX_PORT must be a number, not {chosen!r}.")
    refuse_taken(SANDBOX_HOST, int(chosen), "SANDBOX_PORT")
    return f"http://{SANDBOX_HOST}:{chosen}"


def children(host: str, port: int, sandbox: str) -> list[Child]:
    """Web, workers and, where it has an address, the sandbox."""
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    commands = {"web": web_command(host, port), "workers": [*MANAGE, "run_workers"]}
    if sandbox:
        env |= {"TIKTOK_API_URL": sandbox, "TIKTOK_PIXEL_URL": os.environ.get("TIKTOK_PIXEL_URL") or sandbox}
        commands["sandbox"] = sandbox_command(sandbox)
    return [
        Child(name, command, env=env, output=subprocess.PIPE, when_orphaned=WHEN_ORPHANED.get(name, signal.SIGTERM))
        for name, command in commands.items()
    ]


def web_command(host: str, port: int) -> list[str]:
    return [*MANAGE, "web_server", host, str(port)]


def sandbox_command(address: str) -> list[str]:
    state = str(settings.STATE_DIR / "sandbox.sqlite3")
    port = address.rpartition(":")[2]
    options = ["--host", SANDBOX_HOST, "--port", port, "--state", state, "--accept-any-token"]
    return [*MANAGE, "tiktok_sandbox", *options]
