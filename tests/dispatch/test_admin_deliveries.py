"""Deliveries and credentials in the admin: to be looked at, found, and never edited."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch.models import Credential, Delivery
from dispatch.reasons import Reason
from dispatch.takeover import refuse
from offers.models import Pixel
from tests.factories import make_attempt, make_click, make_conversion, make_credential, make_delivery, make_pixel
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:dispatch_delivery_changelist")
CREDENTIALS = reverse("admin:dispatch_credential_changelist")
SPARE = "a-spare-token-0123456789-wxyz"


def viewer() -> Client:
    return staff_client("dispatch.view_delivery", "dispatch.view_credential")


def text(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def page_of(row: Delivery | Credential) -> str:
    return reverse(f"admin:dispatch_{row._meta.model_name}_change", args=[row.pk])


def test_the_list_shows_every_status():
    click = make_click()
    for status in Delivery.Status:
        make_delivery(make_conversion(click), status=status)

    page = text(viewer().get(LIST))

    assert [status.label for status in Delivery.Status if status.label not in page] == []


@pytest.mark.parametrize(
    "chosen",
    [{"status__exact": "accepted"}, {"reason__exact": "invalid"}, {"event": "Purchase"}, {"pixel__id__exact": ""}],
)
def test_filters(chosen: dict[str, str]):
    wanted = make_delivery(status="accepted", reason=Reason.INVALID)
    other = make_delivery(make_conversion(event_name="Lead"))
    chosen = {key: value or str(wanted.pixel_id) for key, value in chosen.items()}

    page = text(viewer().get(LIST, chosen))

    assert str(wanted.event_id) in page
    assert str(other.event_id) not in page


@pytest.mark.parametrize("key", ["status__exact", "reason__exact", "event", "pixel__id__exact", "nonsense"])
def test_a_filter_value_that_there_is_not_does_not_fail(key: str):
    assert viewer().get(LIST, {key: "zzz"}).status_code in (200, 302)


def test_finds_by_event_id_and_by_click():
    wanted, other = make_delivery(), make_delivery()

    for query in (str(wanted.event_id), wanted.event_id.hex, wanted.conversion.click_id):
        page = text(viewer().get(LIST, {"q": query}))
        assert str(wanted.event_id) in page
        assert str(other.event_id) not in page


@pytest.mark.parametrize("query", ["zzz", "\x00", "%", "'", "x" * 5000, "é" * 26, "-", "{", "urn:uuid:", "1" * 32])
def test_a_search_for_garbage_never_fails(query: str):
    assert viewer().get(LIST, {"q": query}).status_code == 200


def test_queries_do_not_grow_with_rows(django_assert_num_queries: Any, django_assert_max_num_queries: Any):
    client = viewer()
    make_delivery()
    with django_assert_max_num_queries(12) as for_one:
        client.get(LIST)
    for _ in range(5):
        make_delivery()

    with django_assert_num_queries(len(for_one)):
        client.get(LIST)


def test_the_detail_shows_each_attempt_with_the_code_in_words():
    delivery = make_delivery()
    make_attempt(delivery, verdict="auth", code=40105, http_status=200, message="Access token is incorrect")
    make_attempt(delivery, verdict="transient", message="HTTP 502 without a TikTok code", http_status=502)

    page = text(viewer().get(page_of(delivery)))

    assert "TikTok code 40105 (Access token or permission refused)" in page
    assert "Access token is incorrect" in page
    assert "No TikTok code" in page
    assert "HTTP 502" in page


def test_the_detail_costs_the_same_for_many_attempts(
    django_assert_num_queries: Any, django_assert_max_num_queries: Any
):
    client, delivery = viewer(), make_delivery()
    credential = make_credential(delivery.pixel)
    make_attempt(delivery, credential=credential)
    with django_assert_max_num_queries(15) as for_one:
        client.get(page_of(delivery))
    for _ in range(5):
        make_attempt(delivery, credential=credential)

    with django_assert_num_queries(len(for_one)):
        client.get(page_of(delivery))


@pytest.mark.parametrize("object_id", ["zzz", "0", "9" * 40, "_5F", "%00"])
def test_the_detail_of_what_there_is_not_does_not_fail(object_id: str):
    assert viewer().get(f"{LIST}{object_id}/change/").status_code in (302, 404)


def test_nobody_edits_adds_or_deletes():
    delivery, client = make_delivery(), viewer()
    credential = make_credential(make_pixel())

    for row, base in ((delivery, LIST), (credential, CREDENTIALS)):
        assert client.get(f"{base}add/").status_code == 403
        assert client.post(page_of(row), {"status": "accepted", "state": "active"}).status_code == 403
        assert client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_without_permission_there_is_nothing_to_see():
    client = staff_client("dispatch.view_deadletter")

    for url in (LIST, CREDENTIALS, page_of(make_delivery()), page_of(make_credential(make_pixel()))):
        assert client.get(url).status_code == 403


def test_credentials_show_who_they_are_and_never_the_token():
    credential = make_credential(make_pixel(), token="a-secret-token-0123456789-wxyz")
    credential.note_refused("Access token is incorrect.", timezone.now())
    client = viewer()

    pages = text(client.get(CREDENTIALS)) + text(client.get(page_of(credential)))

    assert "wxyz" in pages
    assert credential.fingerprint in pages
    assert "Access token is incorrect." in pages
    assert "a-secret-token" not in pages
    assert credential.token.stored not in pages


def test_the_way_to_rotation_is_shown_to_whom_it_is_open():
    credential = make_credential(make_pixel())
    start = reverse("admin:dispatch_credential_rotate_some")
    permitted = staff_client("dispatch.view_credential", "dispatch.rotate_credential")

    assert start in text(permitted.get(CREDENTIALS))
    assert start not in text(viewer().get(CREDENTIALS))
    assert permitted.get(start).url == reverse("admin:dispatch_credential_rotate_start")
    this = permitted.get(reverse("admin:dispatch_credential_rotate_this", args=[credential.pk]))
    assert this.url == reverse("admin:dispatch_credential_rotate", args=[credential.pixel_id])
    assert viewer().get(start).status_code == 403


def credential_that_took_over() -> tuple[Credential, Credential]:
    """The refused one and its successor, as a refusal leaves them."""
    pixel = make_pixel()
    refused, spare = make_credential(pixel), make_credential(pixel, SPARE, state="staged", test_passed=True)
    refuse(refused, "Access token is incorrect.", timezone.now())
    return refused, spare


def test_a_takeover_stands_on_both_credentials():
    refused, spare = credential_that_took_over()
    client = viewer()

    for credential in (refused, spare):
        page = text(client.get(page_of(credential)))
        assert f"TikTok refused …{refused.last_four}; …{spare.last_four} took over by itself" in page
        assert "TikTok said: “Access token is incorrect.”" in page
    assert f"TikTok refused …{refused.last_four} (Access token" in text(client.get(page_of(spare)))
    assert "Took over by itself" not in text(client.get(page_of(make_credential(make_pixel()))))


def test_the_list_of_credentials_shows_who_was_refused_and_who_took_over(django_assert_num_queries: Any):
    credential_that_took_over()
    client = viewer()
    with CaptureQueriesContext(connection) as for_two:
        page = text(client.get(CREDENTIALS))
    for _ in range(3):
        credential_that_took_over()

    assert "took over by itself" in page
    assert ">Refused</span>" in page
    with django_assert_num_queries(len(for_two)):
        client.get(CREDENTIALS)


def test_the_list_says_why_each_one_waits():
    paused, waiting, retried = make_delivery(), make_delivery(), make_delivery(attempts=3)
    make_credential(waiting.pixel)
    make_credential(retried.pixel)
    Delivery.objects.filter(pk=retried.pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))
    paused.pixel.pause(Pixel.PausedBy.STAFF, "", timezone.now())

    rows = viewer().get(LIST).context["cl"].result_list

    reasons = {row.pk: [reason.title for reason in row.reasons_to_wait] for row in rows}
    assert reasons == {paused.pk: ["Paused by staff"], waiting.pk: ["Due now"], retried.pk: ["3 tries failed"]}


def test_the_detail_says_why_it_waits_and_what_to_do():
    delivery = make_delivery()
    delivery.pixel.pause(Pixel.PausedBy.AUTH, "Access <b>token</b> is incorrect.", timezone.now())

    page = text(viewer().get(page_of(delivery)))

    assert "Why it waits" in page
    assert "“Access &lt;b&gt;token&lt;/b&gt; is incorrect.”" in page
    assert "Rotate the credential" in page


@pytest.mark.parametrize("status", ["accepted", "dead", "suppressed", "discarded", "held"])
def test_what_does_not_wait_has_no_reason_to(status: str):
    reason = "outcome_unknown" if status == "held" else ""

    assert "Why it waits" not in text(viewer().get(page_of(make_delivery(status=status, reason=reason))))
