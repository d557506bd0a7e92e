"""What an erasure leaves in SQLite's own files; those of PostgreSQL are vacuumed by PostgreSQL."""

from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from conversions.identity import sha256
from conversions.models import Erasure
from conversions.traces import read_person
from dispatch.erasure import erase
from tests.factories import make_click, make_conversion

EMAIL = "jane.roe@example.com"


@pytest.mark.django_db(transaction=True)
def test_sqlites_files_hold_nothing_of_the_person_afterwards():
    click = make_click(ttclid="E.C.P.roe-ttclid-in-the-file")
    make_conversion(click, email_sha256=sha256(EMAIL))

    erase(read_person(Erasure.Subject.EMAIL, EMAIL), None, timezone.now())

    files = [Path(f"{connection.settings_dict['NAME']}{end}") for end in ("", "-wal")]
    content = b"".join(file.read_bytes() for file in files)
    assert len(content) > 10_000
    assert b"roe-ttclid-in-the-file" not in content
    assert sha256(EMAIL).encode() not in content
