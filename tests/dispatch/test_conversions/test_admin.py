"""Running a test from an offer's page, and looking at it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from dispatch import clock
from dispatch.models import TestConversion
from dispatch.test_conversions.running import advance, start
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_delivery
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
VIEW, RUN = "dispatch.view_testconversion", "dispatch.run_testconversion"
LIST = reverse("admin:dispatch_testconversion_changelist")


def run_url(offer: Offer) -> str:
    return reverse("admin:dispatch_testconversion_run", args=[offer.pk])


def page_of(run: TestConversion) -> str:
    return reverse("admin:dispatch_testconversion_change", args=[run.pk])


def test_the_button_runs_one_and_leads_to_its_page(offer: Offer):
    client = staff_client(VIEW, RUN)

    response = client.post(run_url(offer), follow=True)

    run = TestConversion.objects.get()
    page = response.content.decode()
    assert response.redirect_chain == [(page_of(run), 302)]
    assert run.started_by is not None
    assert "Waiting for a worker to digest the postback." in page
    assert "The tracking link made the click" in page


def test_what_stands_in_the_way_is_said_on_the_offers_page(offer: Offer):
    offer.pixel.test_event_code = ""
    offer.pixel.save()

    response = staff_client(VIEW, RUN, "offers.view_offer").post(run_url(offer), follow=True)

    assert "has no test event code" in response.content.decode()
    assert not TestConversion.objects.exists()


def test_looking_alone_starts_nothing(offer: Offer):
    staff_client(VIEW, RUN).get(run_url(offer))

    assert not TestConversion.objects.exists()


def test_the_stages_are_asked_for_until_the_end(offer: Offer):
    run = start(offer, None, clock.now())
    client, url = staff_client(VIEW), reverse("admin:dispatch_testconversion_stages", args=[run.pk])

    before = client.get(url).content.decode()
    advance(run.pk, run.started_at + timedelta(minutes=2))
    after = client.get(url).content.decode()

    assert ("data-ended" in before, "data-ended" in after) == (False, True)
    assert "The workers did not digest the postback" in after


def test_both_legs_stand_side_by_side(offer: Offer):
    rows = [{"what": "Value", "pixel": 5, "server": 19.9, "ok": False}]
    run = start(offer, None, clock.now())
    run.stages[-1]["events"] = [{"event": "ViewContent", "note": "", "ok": False, "rows": rows}]
    run.ended_at, run.passed = clock.now(), False
    run.save()

    page = staff_client(VIEW).get(page_of(run)).content.decode()

    assert all(text in page for text in ("The Pixel was told", "19.9", "Differs"))


def test_the_list_and_the_offers_page_tell_how_the_newest_went(offer: Offer):
    run = start(offer, None, clock.now())
    advance(run.pk, run.started_at + timedelta(minutes=2))
    client = staff_client(VIEW, RUN, "offers.view_offer")

    listed = client.get(LIST).content.decode()
    offers_page = client.get(reverse("admin:offers_offer_change", args=[offer.pk])).content.decode()

    assert all(page_of(run) in page and "Failed" in page for page in (listed, offers_page))
    assert run_url(offer) in offers_page


@pytest.mark.parametrize(
    ("rights", "expected"), [([VIEW], [403, 200, 200, 200]), ([RUN], [302, 403, 403, 403]), ([], [403] * 4)]
)
def test_each_page_has_its_permission(offer: Offer, rights: list[str], expected: list[int]):
    run = start(offer, None, clock.now())
    advance(run.pk, run.started_at + timedelta(minutes=2))
    client: Any = staff_client(*rights)
    stages = reverse("admin:dispatch_testconversion_stages", args=[run.pk])

    answers = [client.post(run_url(offer)), *(client.get(url) for url in (LIST, page_of(run), stages))]

    assert [answer.status_code for answer in answers] == expected


@pytest.mark.parametrize("key", ["0", "x", "9" * 40])
def test_a_run_that_is_not_there_is_not_found(key: str):
    assert staff_client(VIEW).get(f"{LIST}{key}/change/").status_code == 404


@pytest.mark.parametrize("name", ["click", "conversion", "postback", "delivery"])
def test_the_lists_show_tests_and_leave_them_out(offer: Offer, name: str):
    app = "dispatch" if name == "delivery" else "conversions"
    start(offer, None, clock.now())
    make_delivery(make_conversion(make_click(offer, is_test=True), is_test=True), is_test=True)
    client, url = staff_client(f"{app}.view_{name}"), reverse(f"admin:{app}_{name}_changelist")

    found = [client.get(url, {"test": choice} if choice else {}) for choice in ("", "yes", "no")]

    counts = [answer.context["cl"].result_count for answer in found]
    assert counts[0] == counts[1] > counts[2] == 0
    assert ">Test</span>" in found[1].content.decode()
