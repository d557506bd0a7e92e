from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch import clock
from dispatch.rollups.making import check_day, make_day
from dispatch.rollups.slots import day_of, slot_of
from dispatch.rollups.storing import Difference
from dispatch.rollups.walking import Walk
from offers.models import Offer


class Command(BaseCommand):
    help = (
        "Make the sums of health and reports anew from the rows, the newest half-hour first, while the site works. "
        "What retention has pruned meanwhile stays as it was counted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=day, help="the first day (UTC), such as 2026-11-01; everything without it")
        parser.add_argument("--offer", help="the slug of one offer; without it all offers and networks")
        parser.add_argument("--check", action="store_true", help="change nothing, print what differs, and exit with 1")

    def handle(self, *args: Any, **options: Any) -> None:
        walk, check = Walk(offer_of(options["offer"])), options["check"]
        slots = count = 0
        for starts_at, differences in found(walk, options["since"], check):
            slots += starts_at is not None
            count += len(differences)
            for difference in differences if check else ():
                self.stdout.write(str(difference))
            self.show_progress(starts_at, slots)
        self.show_progress(None, slots)
        if check and count:
            raise CommandError(f"{count} sums differ from the rows. Run it without --check to make them anew.")
        words = "checked, nothing differs" if check else f"made anew, {count} sums were not so before"
        self.stdout.write(f"{slots} half-hours {words}.")

    def show_progress(self, starts_at: datetime | None, slots: int) -> None:
        """A line that is overwritten, on a terminal only."""
        if self.stderr.isatty():
            where = f"{starts_at:%Y-%m-%d %H:%M} · {slots} half-hours" if starts_at else ""
            self.stderr.write(f"\r{where:60}", ending="" if starts_at else "\r")


def found(walk: Walk, since: datetime | None, check: bool) -> Iterator[tuple[datetime | None, list[Difference]]]:
    """Each half-hour that has anything, newest first, with what was not so in it; without one, what was not in a day.

    A day is added up when its half-hours are done.
    """
    now = clock.now()
    at = walk.before(slot_of(now) + timedelta(days=2))
    while at is not None and (since is None or at >= since):
        yield at, walk.check(at, now) if check else walk.make(at, now)
        earlier = walk.before(at)
        if earlier is None or day_of(earlier) != day_of(at):
            for offer_id, day in walk.days(at):
                yield None, check_day(offer_id, day) if check else make_day(offer_id, day)
        at = earlier


def offer_of(slug: str | None) -> Offer | None:
    """The offer. Raises CommandError where there is none."""
    if not slug:
        return None
    offer = Offer.objects.filter(slug=slug).first()
    if offer is None:
        raise CommandError(f"There is no offer with the slug “{slug}”.")
    return offer


def day(text: str) -> datetime:
    """The beginning of a day in UTC. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
