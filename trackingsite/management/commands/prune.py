"""Prune what is older than the settings say, now and to the end."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch import clock
from trackingsite.housekeeping import Rule, gently, rules
from trackingsite.supervision import StopSignal

LOG_EVERY_SECONDS = 10.0


class Command(BaseCommand):
    help = (
        "Delete old attempts and postbacks, and forget visitors' addresses, as the RETENTION_…_DAYS settings say. The "
        "site may run meanwhile. It may be stopped at any time, and goes on with what is left when it is called again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        now, dry_run = clock.now(), options["dry_run"]
        with StopSignal() as stop:
            for rule in rules():
                counter = Counter(self, rule, dry_run)
                batches = rule.batches(now, dry_run)
                for count in batches if dry_run else gently(batches, stop.wait):
                    counter.add(count)
                    if stop.received:
                        break
                counter.close()
                if stop.received:
                    raise CommandError("Stopped. Call it again for the rest.", returncode=130)


class Counter:
    """Tells how many rows of one rule went so far: in place on a terminal, every ten seconds in a log."""

    def __init__(self, command: BaseCommand, rule: Rule, dry_run: bool) -> None:
        self.out = command.stdout
        self.rule = rule
        self.verb = "would go" if dry_run else "gone"
        self.count = 0
        self.told_at = time.monotonic()

    def add(self, count: int) -> None:
        self.count += count
        if self.out.isatty():
            self.out.write(f"\r{self.line()} so far", ending="")
        elif time.monotonic() - self.told_at >= LOG_EVERY_SECONDS:
            self.out.write(f"{self.line()} so far")
            self.told_at = time.monotonic()
        self.out.flush()

    def close(self) -> None:
        """The last word on this rule."""
        self.out.write(f"\r{self.line()}       " if self.out.isatty() else self.line())

    def line(self) -> str:
        if not self.rule.days:
            return f"{self.rule.what:<34} kept for ever ({self.rule.setting}=0)"
        age = f"older than {self.rule.days:g} days ({self.rule.setting})"
        return f"{self.rule.what:<34} {age:<46} {self.count:>10,} {self.verb}"
