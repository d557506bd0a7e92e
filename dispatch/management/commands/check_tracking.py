"""May spend be raised, and what is wrong: the first page's answer on a terminal, for cron and for scripts."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dispatch import clock
from dispatch.findings.current import concerning, current
from dispatch.findings.finding import Finding
from dispatch.models import ScaleDecision
from dispatch.rollups.keeping import roll_up
from dispatch.scaling.deciding import decide_all, decision_of
from offers.models import Offer

TOLD = ("code", "scope", "subject", "tone", "title", "words", "value", "target")
SECONDS = 60.0


class Command(BaseCommand):
    help = (
        "Bring the figures up to date, then print what is wrong now and whether spend on each offer may be raised. "
        "Exit code 1 when anything is bad, else 0."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--offer", metavar="SLUG", help="only this offer, its network, its pixel and the site")
        parser.add_argument("--json", action="store_true", help="for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        offers = self.offers(options["offer"])
        roll_up(clock.now(), SECONDS)
        found = current(clock.now())
        decide_all(clock.now(), found)
        decisions = decision_of([offer.pk for offer in offers])
        shown = concerning(offers[0], found) if options["offer"] else found
        (self.print_json if options["json"] else self.print_words)(offers, decisions, shown)
        if any(each.tone == "bad" for each in shown):
            sys.exit(1)

    def offers(self, slug: str | None) -> list[Offer]:
        """The one named, else all active ones. Raises CommandError."""
        offers = Offer.objects.filter(slug=slug) if slug else Offer.objects.live()
        if slug and not offers:
            raise CommandError(f"There is no offer with the slug {slug}.")
        return list(offers)

    def print_words(self, offers: list[Offer], decisions: dict[int, ScaleDecision], found: list[Finding]) -> None:
        for each in found:
            self.stdout.write(f"{each.tone.upper():5}{each.title}\n     {each.words}")
        if not found:
            self.stdout.write("Nothing is wrong.")
        for offer in offers:
            self.stdout.write(f"\n{offer.slug}: {verdict(decisions.get(offer.pk))}")
            for reason in reasons(decisions.get(offer.pk)):
                self.stdout.write(f"  {reason['code']}: {reason['words']}")

    def print_json(self, offers: list[Offer], decisions: dict[int, ScaleDecision], found: list[Finding]) -> None:
        told = {
            "findings": [{name: getattr(each, name) for name in TOLD} for each in found],
            "decisions": [
                {
                    "offer": offer.slug,
                    "verdict": verdict(decisions.get(offer.pk)),
                    "reasons": reasons(decisions.get(offer.pk)),
                }
                for offer in offers
            ],
        }
        self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))


def verdict(decision: ScaleDecision | None) -> str:
    return decision.verdict if decision else "undecided"


def reasons(decision: ScaleDecision | None) -> list[dict[str, Any]]:
    return decision.reasons if decision else []
