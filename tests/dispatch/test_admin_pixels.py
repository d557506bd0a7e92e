"""The pixels' pages: how sending stands, how fast it is, and asking for a probe."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dispatch.models import Credential, Lane
from dispatch.models.lane import FAILURES_TO_TRIP
from offers.models import Pixel
from tests.factories import TOKEN, make_conversion, make_credential, make_delivery, make_pixel
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:offers_pixel_changelist")
VIEW, PAUSE = "offers.view_pixel", "offers.pause_pixel"


def page_of(pixel: Pixel, step: str = "change") -> str:
    return reverse(f"admin:offers_pixel_{step}", args=[pixel.pk])


def working_pixel(**fields: Any) -> Pixel:
    pixel = make_pixel(**fields)
    make_credential(pixel)
    return pixel


def failing_pixel(**fields: Any) -> Pixel:
    """One whose breaker has just opened."""
    pixel, now = working_pixel(**fields), timezone.now()
    for _ in range(FAILURES_TO_TRIP):
        Lane.objects.note_failure(Lane.objects.of(pixel.pk), "HTTP 502: <html>\n<b>bad</b> & ugly</html>", now)
    return pixel


def queue(pixel: Pixel, **fields: Any) -> None:
    make_delivery(make_conversion(), pixel=pixel, **fields)


def html(client: Client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_shows_how_sending_stands():
    working_pixel(name="Works")
    failing_pixel(name="Fails")

    page = html(staff_client(VIEW), LIST)

    assert ">Sending</span>" in page
    assert ">TikTok fails</span>" in page


def test_the_list_can_be_cut_down_to_one_kind_of_trouble():
    working_pixel(name="Works")
    failing_pixel(name="Fails")
    working_pixel(name="Stopped").pause(Pixel.PausedBy.STAFF, "", timezone.now())
    client = staff_client(VIEW)

    shown = {code: html(client, LIST, sending=code) for code in ("sending", "failing", "paused", "refused")}

    found = {code: [name for name in ("Works", "Fails", "Stopped") if name in page] for code, page in shown.items()}
    assert found == {"sending": ["Works"], "failing": ["Fails"], "paused": ["Stopped"], "refused": []}


@pytest.mark.parametrize("value", ["zzz", "%00", "'"])
def test_a_filter_value_that_there_is_not_does_not_fail(value: str):
    assert staff_client(VIEW).get(LIST, {"sending": value}).status_code in (200, 302)


@pytest.mark.parametrize("query", [{}, {"sending": "sending"}])
def test_queries_of_the_list_do_not_grow_with_rows(
    query: dict[str, str], django_assert_num_queries: Any, django_assert_max_num_queries: Any
):
    client = staff_client(VIEW)
    working_pixel()
    with django_assert_max_num_queries(12) as for_one:
        client.get(LIST, query)
    for pixel in [working_pixel(), failing_pixel(), make_pixel()]:
        queue(pixel)

    with django_assert_num_queries(len(for_one)):
        client.get(LIST, query)


def test_the_page_says_on_top_what_is_wrong_and_what_waits():
    pixel = failing_pixel()
    for status, next_attempt_at in (
        ("waiting", timezone.now()),
        ("waiting", timezone.now()),
        ("waiting", timezone.now() + timedelta(hours=1)),
        ("leased", timezone.now()),
    ):
        queue(pixel, status=status, next_attempt_at=next_attempt_at)

    response = staff_client(VIEW, "dispatch.view_delivery").get(page_of(pixel))
    page = response.content.decode()

    assert "The last failure: “HTTP 502: bad &amp; ugly”." in page
    facts = [str(words) for _, words in response.context["standing_facts"]]
    assert ["2 deliveries" in facts[0], "1 delivery" in facts[1], "1 delivery" in facts[2]] == [True] * 3
    assert f"?status__exact=waiting&amp;pixel__id__exact={pixel.pk}" in page


def test_the_page_names_the_token_in_use_and_never_shows_it():
    pixel = working_pixel()
    credential = Credential.objects.get()
    link = reverse("admin:dispatch_credential_change", args=[credential.pk])
    Credential.objects.update(last_ok_at=timezone.now(), activated_because="Took over by itself")

    linked = html(staff_client(VIEW, "dispatch.view_credential"), page_of(pixel))
    plain = html(staff_client(VIEW), page_of(pixel))

    assert f"…{TOKEN[-4:]}" in plain
    assert "took over by itself, last accepted at" in plain
    assert (link in linked, link in plain) == (True, False)
    assert TOKEN not in linked


def test_a_token_that_tiktok_refused_is_shown_as_such():
    pixel = working_pixel()
    Credential.objects.get().note_refused("Access token is incorrect.", timezone.now())

    assert "refused at" in html(staff_client(VIEW), page_of(pixel))


def test_caps_stand_next_to_the_rate_in_force():
    pixel = working_pixel(max_events_per_second=40)

    page = html(staff_client(VIEW, "offers.change_pixel"), page_of(pixel))

    assert 'name="max_events_per_second" value="40.00"' in page
    assert "At most 40 conversions per second" in page


def test_while_nothing_is_sent_the_rate_says_so():
    pixel = make_pixel()

    assert "Nothing is sent now, as said above; otherwise at most 16" in html(staff_client(VIEW), page_of(pixel))


def test_a_pixel_can_be_added():
    client = staff_client(VIEW, "offers.add_pixel")
    data = {"name": "New", "code": "C4ABCDEF1234567890AB", "environment": "production", "max_events_per_second": "3"}

    assert "In force now" in html(client, reverse("admin:offers_pixel_add"))
    client.post(reverse("admin:offers_pixel_add"), data)

    assert Pixel.objects.get().max_events_per_second == 3


def test_looking_makes_no_lane():
    pixel = working_pixel()

    html(staff_client(VIEW), LIST)
    html(staff_client(VIEW), page_of(pixel))

    assert not Lane.objects.exists()


def test_a_probe_is_asked_for_once_more_with_counts():
    pixel = failing_pixel()
    queue(pixel)
    before = Lane.objects.values().get()
    client = staff_client(VIEW, PAUSE)

    page = html(client, page_of(pixel, "probe"))

    assert "Waiting for this pixel: 1 delivery. A probe is one request with up to 5" in page
    assert "the next probe follows after 20 seconds" in page
    assert page_of(pixel, "probe") in html(client, page_of(pixel))
    assert Lane.objects.values().get() == before


def test_a_probe_goes_out_at_once_and_is_in_the_history():
    pixel, user, client = failing_pixel(), make_staff(VIEW, PAUSE), Client()
    client.force_login(user)

    response = client.post(page_of(pixel, "probe"), follow=True)

    assert "The next probe goes out at once" in response.content.decode()
    assert Lane.objects.get().probe_at <= timezone.now()
    assert LogEntry.objects.values_list("user", "object_id", "change_message").get() == (
        user.pk,
        str(pixel.pk),
        "Asked for a probe at once.",
    )


def test_a_second_probe_is_not_asked_for():
    pixel, client = failing_pixel(), staff_client(VIEW, PAUSE)
    client.post(page_of(pixel, "probe"))
    asked_for = Lane.objects.get().probe_at

    response = client.post(page_of(pixel, "probe"), follow=True)

    assert "A probe is due or under way already." in response.content.decode()
    assert Lane.objects.get().probe_at == asked_for
    assert LogEntry.objects.count() == 1


def test_where_nothing_fails_there_is_nothing_to_probe():
    pixel, client = working_pixel(), staff_client(VIEW, PAUSE)

    response = client.post(page_of(pixel, "probe"), follow=True)

    assert "There is nothing to probe" in response.content.decode()
    assert page_of(pixel, "probe") not in html(client, page_of(pixel))


def test_a_probe_needs_the_permission_to_pause():
    pixel, client = failing_pixel(), staff_client(VIEW, "offers.change_pixel")

    assert client.get(page_of(pixel, "probe")).status_code == 403
    assert client.post(page_of(pixel, "probe")).status_code == 403
    assert page_of(pixel, "probe") not in html(client, page_of(pixel))
    assert staff_client(VIEW, PAUSE).get(f"{LIST}0/probe/").status_code == 302
