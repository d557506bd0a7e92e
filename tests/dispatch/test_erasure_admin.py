"""The guided page “Erase a visitor” and its command: asked twice, done once, nothing typed is shown or kept."""

import io
import logging
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.urls import reverse

from conversions.identity import sha256
from conversions.models import Click, Erasure
from tests.conversions.support import database_text
from tests.factories import make_click, make_conversion, make_delivery
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:conversions_erasure_erase")
LIST = reverse("admin:conversions_erasure_changelist")
EMAIL = "jane.roe@example.com"
ERASE, VIEW = "conversions.erase_visitor", "conversions.view_erasure"


@pytest.fixture
def click() -> Click:
    """A visitor of whom TikTok was told once, and will be again."""
    click = make_click()
    for status in ("accepted", "waiting"):
        make_delivery(make_conversion(click, email_sha256=sha256(EMAIL)), status=status)
    return click


def test_looking_tells_how_much_there_is_and_erases_nothing(click: Click):
    before = database_text()

    page = staff_client(ERASE).post(PAGE, {"subject": "email", "value": EMAIL})

    text = page.content.decode()
    assert "1 click, 2 conversions" in text
    assert "TikTok has accepted 1 event of this person already" in text
    assert EMAIL not in text
    assert set(database_text().split("\n")) >= set(before.split("\n"))


def test_erasing_leads_to_its_record_and_names_nobody(click: Click, caplog: pytest.LogCaptureFixture):
    client = staff_client(ERASE, VIEW)
    person = {"subject": "email", "value": sha256(EMAIL)}  # as the page with the counts sends it on

    with caplog.at_level(logging.DEBUG):
        response = client.post(PAGE, {**person, "confirmed": "yes"}, follow=True)

    (url, _), text = response.redirect_chain[-1], response.content.decode()
    assert url == reverse("admin:conversions_erasure_change", args=[Erasure.objects.get().pk])
    assert "TikTok had accepted 1 event of this person before" in text
    assert "Wiped: 1 click, 2 conversions" in text
    assert LogEntry.objects.get().change_message.startswith("Named by e-mail. Wiped: 1 click")
    for place in (text, caplog.text, database_text()):
        assert sha256(EMAIL) not in place


@pytest.mark.parametrize(
    ("subject", "typed", "words"),
    [
        ("email", "nobody-at-all", "neither an e-mail address"),
        ("phone", "030 1234567", "country code"),
        ("click", "jane's", "26 lower-case"),
    ],
)
def test_what_names_nobody_is_refused_and_not_shown_again(subject: str, typed: str, words: str):
    text = staff_client(ERASE).post(PAGE, {"subject": subject, "value": typed}).content.decode()

    assert words in text
    assert f'value="{typed}"' not in text
    assert not Erasure.objects.exists()


def test_a_busy_database_erases_nothing_and_says_so(click: Click, monkeypatch: pytest.MonkeyPatch):
    def busy(*arguments: Any) -> Any:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr("dispatch.admin.erasure.erase", busy)
    person = {"subject": "click", "value": click.pk, "confirmed": "yes"}

    text = staff_client(ERASE).post(PAGE, person, follow=True).content.decode()

    assert "nothing was erased" in text


def test_only_who_may_erase_sees_the_page():
    assert staff_client(VIEW).get(PAGE).status_code == 403
    assert staff_client(VIEW).post(PAGE, {"subject": "email", "value": EMAIL}).status_code == 403
    assert "Erase a visitor</" not in staff_client(VIEW).get(LIST).content.decode()
    assert staff_client(VIEW, ERASE).get(LIST + "erase-a-visitor", follow=True).redirect_chain[-1][0] == PAGE


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch, typed: str = "") -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    call_command("erase_visitor", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_counts_then_erases(click: Click, monkeypatch: pytest.MonkeyPatch):
    dry = run("--stdin", "email", "--dry-run", monkeypatch=monkeypatch, typed=f"{EMAIL}\n")
    assert not Erasure.objects.exists()

    done = run("--stdin", "email", monkeypatch=monkeypatch, typed=f"{EMAIL}\n")

    counts = "clicks 1, conversions 2, postbacks 0, rows of uploads 0; events cancelled 1, being sent 0."
    assert f"Would wipe: {counts}" in dry
    assert f"Wiped: {counts}" in done
    assert EMAIL not in dry + done
    assert "events 1." in done


def test_the_command_takes_a_click_id_as_an_argument(click: Click, monkeypatch: pytest.MonkeyPatch):
    run("--click", click.pk, monkeypatch=monkeypatch)

    click.refresh_from_db()
    assert click.erased_at


def test_the_command_says_what_to_type_instead(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(CommandError, match="country code"):
        run("--stdin", "phone", monkeypatch=monkeypatch, typed="123\n")
    with pytest.raises(CommandError, match="required"):
        run(monkeypatch=monkeypatch)
