"""Why something is or is not in TikTok, on the command line."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from dispatch import clock
from dispatch.diagnosis.finding import NothingFoundError
from dispatch.diagnosis.report import Subject
from dispatch.diagnosis.tracing import trace


class Command(BaseCommand):
    help = "Say what became of a click id, event_id, transaction id or “conversion 12”. Exits with 1 if nothing has it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", nargs="+", help="any id; several words are taken for one, as in: conversion 12")
        parser.add_argument("--json", action="store_true", help="the answer of GET /api/v1/trace/")

    def handle(self, *args: Any, **options: Any) -> None:
        text = " ".join(options["id"])
        try:
            found = trace(text, clock.now())
        except NothingFoundError as error:
            nothing = {"query": text, "code": "not_found", "message": error.advice}
            self.stdout.write(json.dumps(nothing, indent=2) if options["json"] else error.advice)
            sys.exit(1)
        if options["json"]:
            self.stdout.write(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
            return
        for number, subject in enumerate(found.subjects):
            self.stdout.write("\n" if number else "", ending="")
            self.tell(subject)

    def tell(self, subject: Subject) -> None:
        ruling, offer = subject.ruling, subject.case.offer
        self.stdout.write(f"{subject.title}{f' of “{offer}”' if offer else ''}")
        self.stdout.write(f"{ruling.verdict.label}: {ruling.cause.label} ({ruling.verdict}/{ruling.cause})")
        for words in (ruling.words, *subject.notes, f"Next step: {subject.next_step.text}"):
            self.stdout.write(f"  {words}")
        self.stdout.write(f"  See {subject.next_step.runbook}")
        for moment in subject.timeline:
            self.stdout.write(f"{moment.at:%Y-%m-%d %H:%M:%S}  {moment.stage.label:<10}  {moment.title}")
            if moment.words:
                self.stdout.write(f"{'':33}{moment.words}")
