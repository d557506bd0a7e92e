from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from django.contrib.admin.models import LogEntry
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from offers.models import Pixel
from tests.factories import make_conversion, make_delivery, make_offer, make_pixel
from tests.staff import make_staff, staff_client

LIST = reverse("admin:offers_pixel_changelist")
EDIT = ("offers.view_pixel", "offers.change_pixel")
PAUSE = "offers.pause_pixel"


def url(name: str, pixel: Pixel) -> str:
    return reverse(f"admin:offers_pixel_{name}", args=[pixel.pk])


class PixelEditorTests(TestCase):
    def save(self, pixel: Pixel, **fields: Any) -> Any:
        data = {"name": pixel.name, "code": pixel.code, "environment": "production", "test_event_code": "", **fields}
        return staff_client(*EDIT).post(url("change", pixel), data, follow=True)

    def test_finds_by_code(self) -> None:
        make_pixel(name="The other one")
        wanted = make_pixel(name="Wanted one")

        response = staff_client("offers.view_pixel").get(LIST, {"q": wanted.code})

        self.assertContains(response, "Wanted one")
        self.assertNotContains(response, "The other one")

    def test_asks_for_a_test_event_code_outside_production(self) -> None:
        response = self.save(make_pixel(), environment="staging")

        self.assertContains(response, "Outside production a pixel needs a test event code")

    def test_saving_the_form_does_not_undo_a_pause(self) -> None:
        pixel = make_pixel()
        pixel.pause(Pixel.PausedBy.AUTH, "40105", timezone.now())

        self.save(pixel, name="New name")

        pixel.refresh_from_db()
        assert (pixel.name, pixel.paused_by) == ("New name", "auth")

    def test_takes_caps_and_keeps_them_above_zero(self) -> None:
        pixel = make_pixel()

        refused = self.save(pixel, max_events_per_second="0")
        self.save(pixel, max_events_per_second="2.5", max_requests_per_second="")

        pixel.refresh_from_db()
        self.assertContains(refused, "greater than or equal to 0.01")
        assert (pixel.max_events_per_second, pixel.max_requests_per_second) == (Decimal("2.5"), None)

    def test_shows_why_it_is_paused(self) -> None:
        pixel = make_pixel()
        pixel.pause(Pixel.PausedBy.AUTH, "40105 <b>revoked</b>", timezone.now())

        response = staff_client("offers.view_pixel").get(url("change", pixel))

        self.assertContains(response, "40105 &lt;b&gt;revoked&lt;/b&gt;")
        self.assertContains(response, "Rotate the credential")

    def test_links_to_credentials_for_those_who_may_see_them(self) -> None:
        pixel = make_pixel()
        link = f"?pixel__id__exact={pixel.pk}"

        self.assertContains(staff_client(*EDIT, "dispatch.view_credential").get(url("change", pixel)), link)
        self.assertNotContains(staff_client(*EDIT).get(url("change", pixel)), link)

    def test_a_pixel_of_an_offer_stays(self) -> None:
        pixel = make_offer().pixel

        response = staff_client("offers.delete_pixel", *EDIT).post(url("delete", pixel), {"post": "yes"}, follow=True)

        self.assertContains(response, "because there are offers of it. Pause it instead")


class PausePixelTests(TestCase):
    def setUp(self) -> None:
        self.pixel = make_pixel(name="Lamp EU")
        self.user = make_staff(PAUSE, *EDIT)
        self.client.force_login(self.user)

    def post(self, step: str, **data: str) -> Any:
        response = self.client.post(url(step, self.pixel), data, follow=True)
        self.pixel.refresh_from_db()
        return response

    def test_looking_changes_nothing(self) -> None:
        for step in ("pause", "resume"):
            assert self.client.get(url(step, self.pixel), follow=True).status_code == 200
        self.pixel.refresh_from_db()
        assert not self.pixel.paused_by

    def test_pauses_with_a_reason(self) -> None:
        response = self.post("pause", reason="The client asked for it")

        assert (self.pixel.paused_by, self.pixel.paused_reason) == ("staff", "The client asked for it")
        self.assertContains(response, "Sending to Lamp EU is paused.")

    def test_asks_for_the_reason(self) -> None:
        response = self.post("pause", reason="  ")

        assert not self.pixel.paused_by
        self.assertContains(response, "This field is required.")

    def test_pausing_again_keeps_the_first_reason(self) -> None:
        self.post("pause", reason="First")

        self.post("pause", reason="Second")

        assert self.pixel.paused_reason == "First"

    def test_resumes_and_says_how_much_waits(self) -> None:
        self.post("pause", reason="x")
        make_delivery(make_conversion(), pixel=self.pixel)

        page = self.client.get(url("resume", self.pixel))
        self.post("resume")

        self.assertContains(page, "Waiting for this pixel: 1 delivery. Sending starts gently")
        self.assertContains(page, "reaches full speed in about 3 minutes")
        assert not self.pixel.paused_by

    def test_pauses_and_resumes_by_the_clock_that_sending_goes_by(self) -> None:
        ahead = timezone.now() + timedelta(minutes=15)

        with mock.patch("dispatch.clock.now", return_value=ahead):
            self.post("pause", reason="x")
            paused_at = self.pixel.paused_at
            self.post("resume")

        assert (paused_at, self.pixel.resumed_at) == (ahead, ahead)

    def test_says_before_a_pause_what_waits_and_what_is_under_way(self) -> None:
        make_delivery(make_conversion(), pixel=self.pixel)
        make_delivery(make_conversion(), pixel=self.pixel, status="leased")

        page = self.client.get(url("pause", self.pixel))

        self.assertContains(page, "Waiting for this pixel: 1 delivery. Being sent at this moment: 1 delivery;")

    def test_writes_both_into_the_history(self) -> None:
        self.post("pause", reason="The client asked for it")
        self.post("resume")

        entries = LogEntry.objects.order_by("pk").values_list("user", "object_id", "change_message")
        assert list(entries) == [
            (self.user.pk, str(self.pixel.pk), "Paused sending: The client asked for it"),
            (self.user.pk, str(self.pixel.pk), "Resumed sending."),
        ]

    def test_needs_its_own_permission(self) -> None:
        client = staff_client(*EDIT)

        for step in ("pause", "resume"):
            assert client.post(url(step, self.pixel), {"reason": "x"}).status_code == 403
        self.assertNotContains(client.get(url("change", self.pixel)), "Pause …")
