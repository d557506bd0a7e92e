"""Make a key to the API for a person, or for the account of a program."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch import clock
from dispatch.api.tokens import make_token

LONGEST_DAYS = 3650


class Command(BaseCommand):
    help = "Make an API token that acts as this user, and write it to stdout, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--days", type=int, default=90, help="How long it is good; 90 unless said otherwise.")
        parser.add_argument("--name", default="Made on a terminal", help="What uses it.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}. Make one in the admin under People, Users.")
        if not user.is_active:
            raise CommandError(f"{user} is not active, so the token would be refused.")
        if not 1 <= options["days"] <= LONGEST_DAYS:
            raise CommandError(f"--days must be from 1 to {LONGEST_DAYS}.")
        token, key = make_token(user, options["name"][:100], options["days"], clock.now())
        self.stderr.write(f"Good until {token.expires_at:%Y-%m-%d %H:%M} UTC. It is not shown again.")
        self.stdout.write(key)
