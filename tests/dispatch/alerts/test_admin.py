import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dispatch.admin.runbook import FOLDER, rendered
from dispatch.findings.finding import Code
from dispatch.models import Alert, AlertChannel
from tests.dispatch.alerts.support import Hook, make_channel, rounds, wrong
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
CHANNELS = reverse("admin:dispatch_alertchannel_changelist")
ALERTS = reverse("admin:dispatch_alert_changelist")
ADD = reverse("admin:dispatch_alertchannel_add")
MAY = tuple(f"dispatch.{verb}_alertchannel" for verb in ("view", "add", "change"))
SECRET = "https://hooks.example.com/services/T0/B0/secretsecret"


def page_of(channel: AlertChannel) -> str:
    return reverse("admin:dispatch_alertchannel_change", args=[channel.pk])


def given(**fields: str) -> dict[str, str]:
    return {"name": "Team", "kind": "email", "least_tone": "warn", "is_active": "on", "addresses": "", **fields}


class TestChannels:
    def test_a_webhooks_address_is_taken_encrypted_and_never_shown(self):
        client = staff_client(*MAY)

        client.post(ADD, given(kind="webhook", new_webhook_url=SECRET))

        channel = AlertChannel.objects.get()
        assert channel.webhook_url.reveal() == SECRET
        assert "secretsecret" not in client.get(page_of(channel)).content.decode()

    def test_an_empty_address_keeps_the_stored_one(self):
        channel = make_channel(kind="webhook", webhook_url=SECRET)

        staff_client(*MAY).post(page_of(channel), given(name="Chat", kind="webhook"))

        channel.refresh_from_db()
        assert (channel.name, channel.webhook_url.reveal()) == ("Chat", SECRET)

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"addresses": ""}, "Enter at least one e-mail address"),
            ({"addresses": "a@example.com, nonsense"}, "This is no e-mail address: nonsense"),
            ({"kind": "webhook"}, "The channel has no webhook address."),
            ({"kind": "webhook", "new_webhook_url": "ftp://secretsecret"}, "must begin with https://"),
        ],
    )
    def test_what_could_not_work_is_refused_in_words(self, fields, words):
        page = staff_client(*MAY).post(ADD, given(**fields)).content.decode()

        assert words in page
        assert "secretsecret" not in page
        assert not AlertChannel.objects.exists()

    def test_the_test_button_sends_and_says_what_came_of_it(self):
        with Hook.running() as hook:
            channel = make_channel(kind="webhook", webhook_url=hook.url)
            client, url = staff_client(*MAY), reverse("admin:dispatch_channel_test", args=[channel.pk])

            worked = client.post(url, follow=True).content.decode()
            hook.answer = (410, "gone")
            failed = client.post(url, follow=True).content.decode()

        assert "The test message was delivered." in worked
        assert "The test message was not delivered. HTTP 410: gone" in failed
        assert len(hook.texts) == 2
        assert staff_client("dispatch.view_alertchannel").post(url).status_code == 403

    def test_the_page_shows_what_was_told_and_that_there_is_no_mail_server(self, settings):
        settings.HAS_MAIL_SERVER = False
        channel = make_channel()
        rounds(range(2), wrong())

        page = staff_client("dispatch.view_alertchannel").get(page_of(channel)).content.decode()

        assert "No mail server is set" in page
        assert "TikTok fails: Pixel 1" in page
        assert "new_webhook_url" not in page

    def test_an_empty_list_says_that_nobody_is_told(self):
        assert "Nobody is told of anything yet: add a channel." in staff_client(*MAY).get(CHANNELS).content.decode()


class TestAlerts:
    def test_the_list_says_what_stands_since_when_and_what_is_over(self):
        rounds(range(2), wrong(), wrong(Code.DIGEST_LATE, subject_id=2))
        rounds(range(2, 6), wrong())
        client = staff_client("dispatch.view_alert")

        everything, still, over = (
            client.get(ALERTS + query).content.decode() for query in ("", "?state=open", "?state=ended")
        )

        assert "TikTok fails: Pixel 1" in everything
        assert "TikTok fails: Pixel 1" in still
        assert "TikTok fails: Pixel 1" not in over
        assert "Postbacks are not digested: Pixel 2" in over
        assert "Nobody is told of anything yet" in everything

    def test_an_alerts_page_opens_and_nobody_edits_it(self):
        rounds(range(2), wrong())
        alert = Alert.objects.get()
        client = staff_client("dispatch.view_alert")
        url = reverse("admin:dispatch_alert_change", args=[alert.pk])

        assert "These are the words." in client.get(url).content.decode()
        assert client.post(url, {"title": "x"}).status_code == 403
        assert staff_client().get(ALERTS).status_code == 403


class TestRunbook:
    URL = reverse("admin:dispatch_runbook")

    def test_has_a_section_for_every_code(self):
        page = staff_client().get(self.URL).content.decode()

        assert set(Code.values) <= set(re.findall(r' id="([a-z_]+)"', page))

    def test_what_it_refers_to_opens(self):
        links = re.findall(r"\]\((?!http)([a-z-]+\.md)", (FOLDER / "runbook.md").read_text())

        assert links
        assert {staff_client().get(self.URL + link).status_code for link in links} == {200}
        assert staff_client().get(self.URL + "nothing.md").status_code == 404

    def test_is_for_staff_alone(self):
        visitor = Client()
        visitor.force_login(User.objects.create_user("visitor"))

        assert visitor.get(self.URL).status_code == 302

    def test_runs_nothing_that_stands_in_it(self):
        page = rendered("## `no_rate` <script>alert(1)</script>\n[x](javascript:alert(1))")

        assert '<h2 id="no_rate">' in page
        assert "<script>" not in page
        assert "href" not in page


def test_the_clock_of_the_list_is_the_sites():
    rounds(range(1), wrong(Code.NETWORK_SILENT, tone="warn"))
    Alert.objects.update(began_at=timezone.now())

    assert "1 min so far" in staff_client("dispatch.view_alert").get(ALERTS).content.decode()
