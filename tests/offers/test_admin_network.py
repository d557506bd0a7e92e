from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from offers.models import Network
from tests.factories import make_network, make_offer, make_postback
from tests.staff import make_staff, staff_client

LIST = reverse("admin:offers_network_changelist")
EDIT = ("offers.view_network", "offers.change_network")
ROTATE = "offers.rotate_network_secret"
SEE = "offers.view_network_secret"


def page_of(network: Network) -> str:
    return reverse("admin:offers_network_change", args=[network.pk])


def rotation_page(network: Network) -> str:
    return reverse("admin:offers_network_rotate_secret", args=[network.pk])


class NetworkEditorTests(TestCase):
    def save(self, network: Network, **fields: Any) -> Any:
        data = {
            "name": network.name,
            "slug": network.slug,
            "adapter": "generic",
            "default_currency": "USD",
            "duplicate_mode": "ignore",
            "is_active": "on",
            **fields,
        }
        return staff_client(*EDIT).post(page_of(network), data, follow=True)

    def test_list_opens_and_finds(self) -> None:
        make_network(name="First house")
        make_network(name="Second house")

        response = staff_client("offers.view_network").get(LIST, {"q": "first"})

        self.assertContains(response, "First house")
        self.assertNotContains(response, "Second house")

    def test_reads_the_status_map_line_by_line(self) -> None:
        network = make_network()

        self.save(network, status_map="1 = approved\n\n a=b = Rejected ")

        network.refresh_from_db()
        assert network.status_map == {"1": "approved", "a=b": "rejected"}

    def test_shows_the_status_map_as_lines(self) -> None:
        network = make_network(status_map={"trash": "rejected", "<b>": "approved"})

        response = staff_client(*EDIT).get(page_of(network))

        self.assertContains(response, "&lt;b&gt; = approved\ntrash = rejected")

    def test_shows_what_is_wrong_with_a_line(self) -> None:
        network = make_network()
        cases = {
            "1 = approved\ntrash": "Line 2: Write the network&#x27;s word",
            "= approved": "Line 1: Write",
            "1 = paid": "Line 1: “paid” is not one of our statuses",
            "Sale = approved\nsale = rejected": "Line 2: “sale” stands here twice.",
            "a\x00b = approved": "Line 1: Write",
        }
        for text, words in cases.items():
            with self.subTest(text=text):
                self.assertContains(self.save(network, status_map=text), words)
        network.refresh_from_db()
        assert network.status_map == {}

    def test_refuses_what_is_no_address(self) -> None:
        response = self.save(make_network(), allowed_ips="203.0.113.0/24\nnonsense")

        self.assertContains(response, "“nonsense” is neither an IP address nor a range")

    def test_saving_does_not_touch_the_secret(self) -> None:
        network = make_network()
        secret = network.secret.stored

        self.save(network, name="New name")

        network.refresh_from_db()
        assert (network.name, network.secret.stored) == ("New name", secret)

    def test_warns_when_the_postback_url_changes(self) -> None:
        self.assertContains(self.save(make_network(), slug="other"), "the postback URL with it")

    def test_the_secret_is_shown_by_permission_only(self) -> None:
        network = make_network()
        secret = network.secret.reveal()

        self.assertNotContains(staff_client(*EDIT, ROTATE).get(page_of(network)), secret)
        self.assertContains(staff_client(*EDIT, SEE).get(page_of(network)), secret)

    def test_a_network_with_history_stays(self) -> None:
        for network in (make_offer().network, make_postback(make_network(), {}).network):
            delete = reverse("admin:offers_network_delete", args=[network.pk])

            response = staff_client("offers.delete_network", *EDIT).post(delete, {"post": "yes"}, follow=True)

            self.assertContains(response, "can&#x27;t be deleted, because there are")
        assert Network.objects.count() == 2


class RotateSecretTests(TestCase):
    def setUp(self) -> None:
        self.network = make_network()
        self.old = self.network.secret.reveal()
        self.user = make_staff(*EDIT, ROTATE, SEE)
        self.client.force_login(self.user)

    def press(self, step: str) -> Any:
        """Open the page, then press its button."""
        page = self.client.get(rotation_page(self.network))
        data = {"step": step, "rotation": page.context["rotation"]}
        response = self.client.post(rotation_page(self.network), data, follow=True)
        self.network.refresh_from_db()
        return response

    def test_opening_the_page_changes_nothing(self) -> None:
        response = self.client.get(rotation_page(self.network))

        self.assertContains(response, "Today's address is taken for 24 more hours")
        self.network.refresh_from_db()
        assert self.network.live_secrets(timezone.now()) == [self.old]

    def test_makes_a_new_secret_and_takes_the_old_one_for_a_day(self) -> None:
        response = self.press("rotate")

        now = timezone.now()
        new = self.network.secret.reveal()
        assert new != self.old
        self.assertContains(response, new)
        assert self.network.accepts_secret(self.old, now + timedelta(hours=23))
        assert not self.network.accepts_secret(self.old, now + timedelta(hours=25))

    def test_writes_who_did_it_into_the_history(self) -> None:
        self.press("rotate")
        self.press("end")

        entries = LogEntry.objects.order_by("pk")
        assert [entry.user for entry in entries] == [self.user, self.user]
        assert [entry.change_message.split(".")[0] for entry in entries] == [
            "Rotated the postback secret",
            "Ended the overlap: only the current postback address is taken",
        ]
        assert self.old not in str(list(entries.values()))

    def test_ends_the_overlap_at_once(self) -> None:
        self.press("rotate")
        new = self.network.secret.reveal()

        self.press("end")

        assert self.network.live_secrets(timezone.now()) == [new]
        self.assertNotContains(self.client.get(page_of(self.network)), "still taken until")

    def test_says_until_when_the_old_address_is_taken(self) -> None:
        self.press("rotate")

        self.assertContains(self.client.get(page_of(self.network)), "The previous address is still taken until")

    def test_a_button_pressed_twice_rotates_once(self) -> None:
        page = self.client.get(rotation_page(self.network))
        data = {"step": "rotate", "rotation": page.context["rotation"]}

        self.client.post(rotation_page(self.network), data)
        response = self.client.post(rotation_page(self.network), data, follow=True)

        self.network.refresh_from_db()
        assert self.network.accepts_secret(self.old, timezone.now())
        self.assertContains(response, "rotated a moment ago, so nothing was changed")

    def test_needs_its_own_permission(self) -> None:
        client = staff_client(*EDIT, SEE)

        assert client.get(rotation_page(self.network)).status_code == 403
        assert client.post(rotation_page(self.network), {"step": "rotate"}).status_code == 403
        self.assertNotContains(client.get(page_of(self.network)), "rotate-secret")

    def test_leads_back_to_the_list_when_there_is_no_such_network(self) -> None:
        url = reverse("admin:offers_network_rotate_secret", args=["nonsense"])

        self.assertRedirects(self.client.get(url), LIST)
