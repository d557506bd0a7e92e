import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox

from dispatch.alerts import mail, webhook
from dispatch.alerts.sending import NO_END, SENDERS, claim, is_mine, send_due, send_test
from dispatch.models import AlertChannel, AlertMessage
from tests.dispatch.alerts.support import MINUTE, NOON, Hook, endless_mail_server, make_channel

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def mail_server(settings: Any) -> None:
    settings.HAS_MAIL_SERVER = True


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round takes no time."""
    monkeypatch.setattr("dispatch.alerts.sending.clock.now", lambda: now_of["round"])


now_of = {"round": NOON}


def send_at(now: Any) -> int:
    now_of["round"] = now
    return send_due(now)


def make_message(channel: AlertChannel, **fields: Any) -> AlertMessage:
    defaults = {"subject": "Something", "body": "is wrong", "created_at": NOON, "due_at": NOON}
    return AlertMessage.objects.create(channel=channel, **{**defaults, **fields})


def hook_channel(url: str, **fields: Any) -> AlertChannel:
    return make_channel(name="Chat", kind="webhook", webhook_url=url, **fields)


def test_mail_goes_to_every_address_of_the_channel_once():
    make_message(make_channel(addresses="a@example.com, b@example.com\nc@example.com"))

    assert [send_at(NOON), send_at(NOON + HOUR)] == [1, 0]
    assert outbox.outbox[0].to == ["a@example.com", "b@example.com", "c@example.com"]
    assert len(outbox.outbox) == 1


def test_without_a_mail_server_the_message_says_so(settings):
    settings.HAS_MAIL_SERVER = False
    message = make_message(make_channel())

    send_at(NOON)

    message.refresh_from_db()
    assert message.error == "No mail server is set: enter one in the settings as EMAIL_URL."


def test_a_webhook_gets_the_text_as_slack_takes_it():
    with Hook.running() as hook:
        message = make_message(hook_channel(hook.url), subject="<Something>")

        assert send_at(NOON) == 1

    message.refresh_from_db()
    assert hook.texts == ["*&lt;Something&gt;*\nis wrong"]
    assert (message.sent_at, message.due_at, message.error) == (NOON, None, "")


def test_a_failure_is_tried_again_later_and_later_and_given_up_after_a_day(caplog):
    with Hook.running() as hook:
        hook.answer = (500, f"no luck at {hook.url} {'x' * 1000}")
        message = make_message(hook_channel(hook.url))
        waits = []
        while message.due_at:
            due = message.due_at
            send_at(due)
            message.refresh_from_db()
            waits.append((message.due_at or due) - due)

    assert waits[:5] == [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, HOUR]
    assert sum(waits, timedelta()) >= 24 * HOUR
    assert message.error.startswith("HTTP 500: no luck at …")
    assert "secretsecret" not in message.error + caplog.text
    assert len(message.error) <= 300


def test_a_channel_that_fails_holds_up_no_other():
    with Hook.running() as hook:
        make_message(hook_channel("http://127.0.0.1:9/services/secretsecret"))
        make_message(hook_channel(hook.url))
        make_message(make_channel())

        assert send_at(NOON) == 2

    failed = AlertMessage.objects.get(sent_at=None)
    assert failed.error.startswith("It could not be reached")
    assert "secret" not in failed.error


def test_what_another_process_sends_is_left_alone():
    message = make_message(make_channel())
    same = AlertMessage.objects.get(pk=message.pk)

    assert [is_mine(message, NOON), is_mine(same, NOON)] == [True, False]
    assert claim(NOON) == []
    assert claim(NOON + 3 * MINUTE) == [message]


def test_a_mail_server_that_never_comes_to_an_end_is_cut_off(settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mail, "DEADLINE_SECONDS", 0.1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with endless_mail_server() as settings.EMAIL_PORT:
        settings.EMAIL_HOST = "127.0.0.1"

        error = send_test(make_channel(), NOON)

    assert error == mail.TOO_SLOW


def test_what_cannot_be_cut_off_is_left_to_itself(monkeypatch: pytest.MonkeyPatch):
    release = threading.Event()
    monkeypatch.setattr("dispatch.alerts.sending.MOST_SECONDS", 0.0)
    monkeypatch.setitem(SENDERS, "email", lambda *message: release.wait())
    message = make_message(make_channel())

    sent = send_at(NOON)

    release.set()
    message.refresh_from_db()
    assert (sent, message.error, message.due_at) == (0, NO_END, NOON + MINUTE)


def test_a_fault_of_ours_names_no_address(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def fail(*message: Any) -> None:
        raise KeyError("https://hooks.example/secretsecret")

    monkeypatch.setitem(SENDERS, "email", fail)

    error = send_test(make_channel(), NOON)

    assert error == "Sending it failed through a fault of ours (KeyError)."
    assert "secret" not in caplog.text


def test_a_redirect_is_not_followed():
    with Hook.running() as hook:
        hook.answer = (302, "")
        error = send_test(hook_channel(hook.url), NOON)

    assert error == "HTTP 302: a redirect, which is not followed."
    assert len(hook.texts) == 1


def test_a_hanging_webhook_is_cut(monkeypatch):
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:  # it takes the connection and says nothing
        error = send_test(hook_channel(f"http://127.0.0.1:{server.getsockname()[1]}/x"), NOON)

    assert error == "No answer within 0.2 seconds."


class TestAddresses:
    @pytest.fixture(autouse=True)
    def public_site(self, settings: Any) -> None:
        settings.PUBLIC_BASE_URL = "https://track.example.com"

    @pytest.mark.parametrize(
        "url",
        [
            "https://169.254.169.254/latest",
            "https://127.0.0.1/x",
            "https://10.0.0.8/x",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.8]/x",
            "https://localhost/x",
        ],
    )
    def test_nothing_is_sent_inside(self, url):
        assert webhook.what_is_wrong(url) == webhook.INTERNAL

    @pytest.mark.parametrize(
        "url", ["http://hooks.example.com/x", "ftp://a/", "https://", "https://a:b/", "x", "https://[/"]
    )
    def test_only_https_is_taken(self, url):
        assert webhook.what_is_wrong(url)

    def test_a_name_that_leads_inside_is_found_out_before_anything_is_sent(self, monkeypatch):
        with Hook.running() as hook:
            monkeypatch.setattr(webhook, "what_is_wrong", lambda url: "")

            error = send_test(hook_channel(hook.url.replace("127.0.0.1", "localhost")), NOON)

        assert error == webhook.INTERNAL
        assert hook.texts == []
