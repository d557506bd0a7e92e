"""A test conversion for cron: every stage as it passes; 0 when the test passed, 1 when it failed, 2 when none ran."""

import json
import sys
import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from conversions.tasks import digest
from dispatch import clock
from dispatch.models import Heartbeat, TestConversion
from dispatch.tasks import deliver
from dispatch.test_conversions.running import CannotTestError, advance, start
from dispatch.test_conversions.stages import LABELS, OPEN, verdict_of
from offers.models import Offer

FAILED, CANNOT_TEST = 1, 2
LOOK_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Play a click, the landing page and a postback of an offer through to TikTok's test events. Exit code 0: the "
        "test passed, 1: it failed, 2: it could not be run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("offer", help="the offer's slug")
        parser.add_argument(
            "--timeout", type=float, default=60.0, help="seconds that the workers have, 60 unless given"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON, when it is there")
        parser.add_argument(
            "--without-workers", action="store_true", help="do the workers' part here, if no worker is running"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self.begin(options["offer"], options["timeout"])
        except CannotTestError as error:
            self.say_nothing_ran(str(error), options["json"])
            sys.exit(CANNOT_TEST)
        run = self.follow(run, options["without_workers"], quiet=options["json"])
        self.stdout.write(json.dumps(as_json(run)) if options["json"] else verdict_of(run))
        if not run.passed:
            sys.exit(FAILED)

    def begin(self, slug: str, timeout: float) -> TestConversion:
        """Raises CannotTestError."""
        offer = Offer.objects.select_related("network", "pixel").filter(slug=slug).first()
        if offer is None:
            raise CannotTestError(f"There is no offer “{slug}”. Its slug stands on the offer's page.")
        if not 0 < timeout <= 3600:
            raise CannotTestError("The timeout is a number of seconds between 1 and 3600.")
        return start(offer, None, clock.now(), timedelta(seconds=timeout))

    def say_nothing_ran(self, words: str, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps({"passed": None, "verdict": words, "stages": []}))
        else:
            self.stderr.write(f"No test was run. {words}")

    def follow(self, run: TestConversion, without_workers: bool, quiet: bool) -> TestConversion:
        """The run at its end; each stage is told when it is settled."""
        told: set[str] = set()
        while True:
            if not quiet:
                self.tell(run, told)
            if run.ended_at:
                return run
            if without_workers and not Heartbeat.objects.any_alive(clock.now()):
                digest()
                deliver()
            run = advance(run.pk, clock.now())
            if not run.ended_at:
                time.sleep(LOOK_SECONDS)

    def tell(self, run: TestConversion, told: set[str]) -> None:
        for stage in run.stages:
            if stage["state"] not in OPEN and stage["name"] not in told:
                told.add(stage["name"])
                self.stdout.write(f"{stage['state']:8} {LABELS[stage['name']]}: {stage['words']}")


def as_json(run: TestConversion) -> dict[str, Any]:
    """The run for programs."""
    return {
        "offer": run.offer.slug,
        "click_id": run.click_id,
        "passed": run.passed,
        "verdict": verdict_of(run),
        "stages": run.stages,
    }
