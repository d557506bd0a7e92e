from datetime import timedelta

import pytest

from dispatch.alerts.wording import span
from dispatch.findings.finding import Code, Scope
from dispatch.models import AlertMessage
from tests.dispatch.alerts.support import make_channel, rounds, wrong

pytestmark = pytest.mark.django_db


def told(kind: str, *findings: object) -> AlertMessage:
    make_channel(kind=kind)
    rounds(range(2), *findings)
    return AlertMessage.objects.get()


def test_one_cause_with_several_subjects_has_a_line_each_and_their_number():
    message = told("email", *(wrong(subject_id=number) for number in range(1, 6)))

    assert message.subject == "[127.0.0.1] TikTok fails: 5 pixels"
    assert message.body.splitlines()[0] == "TIKTOK FAILS: 5 PIXELS"
    assert message.body.count("• TikTok fails: Pixel") == 5
    assert message.body.count("What to do:") == 1


def test_each_subject_has_a_heading_and_each_alert_its_links(settings):
    settings.PUBLIC_BASE_URL = "https://track.example.com"

    body = told("email", wrong(), wrong(Code.DIGEST_LATE, scope=Scope.SITE, subject="", link="/admin/x/")).body

    assert "PIXEL PIXEL 1" in body
    assert "THE SITE" in body
    assert "See it: https://track.example.com/admin/offers/pixel/1/change/" in body
    assert "What to do: https://track.example.com/admin/dispatch/alert/runbook/#digest_late" in body


def test_a_webhook_gets_links_with_labels_and_nothing_that_slack_takes_for_markup():
    body = told("webhook", wrong(subject="A & <B>", title="<!channel> *now* | later", words="1 < 2\n<!here>")).body

    assert "*Pixel A &amp; &lt;B&gt;*" in body
    assert "&lt;!channel&gt;" in body
    assert "1 &lt; 2 &lt;!here&gt;" in body
    assert "|What to do>" in body
    assert "<!" not in body


def test_a_subject_is_one_line_of_bounded_length():
    message = told("email", wrong(title="a\r\nBcc: x@example.com " + "b" * 270))

    assert "\n" not in message.subject
    assert len(message.subject) <= 200


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0.2, "1 min"), (59.7, "1 h"), (129, "2 h 9 min"), (1445, "1 d 5 min"), (5057, "3 d 12 h")],
)
def test_a_span_is_told_in_its_two_largest_units(minutes: float, words: str):
    assert span(timedelta(minutes=minutes)) == words


def test_a_flood_is_cut_and_counted():
    message = told("webhook", *(wrong(subject_id=number) for number in range(200)))

    assert "TikTok fails: 200 pixels" in message.subject
    assert "… and 170 more." in message.body
    assert len(message.body) < 40_000
