"""Erase a person's data. What names them comes over stdin: it stands in no process list and no shell history."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from conversions.models import Erasure
from conversions.traces import Person, UnnamedError, read_person
from dispatch import clock
from dispatch.erasure import Extent, erase, look

BY_STDIN = [Erasure.Subject.EMAIL.value, Erasure.Subject.PHONE.value, Erasure.Subject.EXTERNAL_ID.value]
LONGEST = 1000


class Command(BaseCommand):
    help = (
        "Wipe what tells who a visitor is, and keep them from being taken in again. Name them by --click, or by "
        "--stdin with the value on stdin, such as: manage.py erase_visitor --stdin email < file"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        named = parser.add_mutually_exclusive_group(required=True)
        named.add_argument("--click", metavar="ID", help="a click id")
        named.add_argument("--stdin", choices=BY_STDIN, help="what the line on stdin is, in clear or as SHA-256")
        parser.add_argument("--dry-run", action="store_true", help="only count what would be wiped")

    def handle(self, *args: Any, **options: Any) -> None:
        person = self.read(options)
        if options["dry_run"]:
            self.tell(look(person), "Would wipe")
            return
        try:
            erasure, found = erase(person, None, clock.now())
        except OperationalError as error:
            raise CommandError("The database was away or busy, so nothing was erased. Call it again.") from error
        self.tell(found, "Wiped")
        self.stdout.write(f"On record as erasure No. {erasure.pk}.")

    def read(self, options: dict[str, Any]) -> Person:
        subject = options["stdin"] or Erasure.Subject.CLICK.value
        if options["stdin"] and sys.stdin.isatty():
            self.stderr.write("Type it and press Enter:")
        typed = options["click"] or sys.stdin.readline(LONGEST)
        try:
            return read_person(subject, typed)
        except UnnamedError as error:
            raise CommandError(str(error)) from None

    def tell(self, found: Extent, verb: str) -> None:
        self.stdout.write(
            f"{verb}: clicks {found.clicks:,}, conversions {found.conversions:,}, postbacks {found.postbacks:,}, "
            f"rows of uploads {found.rows:,}; events cancelled {found.unsent:,}, being sent {found.sending:,}."
        )
        self.stdout.write(f"TikTok had accepted before, and nothing calls it back: events {found.told_before:,}.")
