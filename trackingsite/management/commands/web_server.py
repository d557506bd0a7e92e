"""The web server of one machine; `quickstart` starts it and keeps it running."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from trackingsite.supervision import tie_to_parents

SECONDS_TO_STOP = 5


class Command(BaseCommand):
    help = "Granian, whose processes all die when the first one is killed. Use quickstart, which starts this."
    requires_system_checks = []  # quickstart has made them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host")
        parser.add_argument("port", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        tie_to_parents()
        server(options["host"], options["port"]).serve()


def server(host: str, port: int) -> MPServer:
    """Without an access log, as addresses of postbacks hold secrets."""
    return MPServer(
        "trackingsite.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        # Two processes that write to one SQLite starve each other; threads of one process take turns.
        workers=1 if settings.IS_SQLITE else 2,
        blocking_threads=4,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=SECONDS_TO_STOP,
    )
