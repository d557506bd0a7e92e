"""One cluster of workers; `run_workers` starts it and keeps it running."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from trackingsite import cluster


class Command(BaseCommand):
    help = "One django-q2 cluster, unattended. Use run_workers, which starts this and keeps it running."
    requires_system_checks = []  # run_workers has made them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what its heartbeat is kept under")

    def handle(self, *args: Any, **options: Any) -> None:
        cluster.run(options["name"])
