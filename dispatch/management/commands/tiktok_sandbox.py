"""Run the local stand-in for TikTok."""

import signal
import sqlite3
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch.tiktok.sandbox import Sandbox


class Command(BaseCommand):
    help = "Run a strict local stand-in for TikTok's Events API and Pixel, with pages that show what arrived."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8081, help="port to listen on (default: %(default)s)")
        parser.add_argument("--state", default=":memory:", help="SQLite file to keep what arrived in")
        parser.add_argument(
            "--accept-any-token",
            action="store_true",
            help="take a token that was never seen, for the pixel that it first comes with",
        )
        parser.add_argument(
            "--allowed-host",
            action="append",
            default=[],
            help="a further host name under which the pages may be opened; repeatable",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sandbox = open_sandbox(options)
        stop_on_signal(sandbox)
        self.stdout.write(f"TikTok sandbox: {sandbox.url}")
        self.stdout.flush()
        sandbox.serve()
        sandbox.close()


def open_sandbox(options: dict[str, Any]) -> Sandbox:
    host, port = options["host"], options["port"]
    try:
        return Sandbox(
            host,
            port,
            state=options["state"],
            accept_any_token=options["accept_any_token"],
            allowed_hosts=options["allowed_host"],
        )
    except OSError as error:
        raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise CommandError(f"Cannot keep state in {options['state']}: {error}") from error


def stop_on_signal(sandbox: Sandbox) -> None:
    """`stop` waits for `serve`, which the signal has interrupted, so it needs a thread of its own."""

    def stop(signum: int, frame: object) -> None:
        threading.Thread(target=sandbox.stop).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
