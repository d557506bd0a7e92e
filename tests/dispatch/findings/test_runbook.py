"""Whoever is told of something can read what to do."""

import re

from django.conf import settings

from dispatch.findings.finding import Code

RUNBOOK = (settings.BASE_DIR / "docs" / "runbook.md").read_text()


def test_every_code_has_its_section_and_each_section_its_code():
    assert sorted(re.findall(r"^### `(\w+)`$", RUNBOOK, re.MULTILINE)) == sorted(Code.values)


def test_every_section_says_how_to_see_it_what_to_do_and_when_it_ends():
    sections = re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]

    incomplete = [section.splitlines()[0] for section in sections for part in PARTS if part not in section]

    assert incomplete == []


PARTS = ("**See it:**", "**Do:**", "**Ends**")
