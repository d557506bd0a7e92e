"""A visitor's answer, from a page: in force at once, on record, and carried to later visits."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click, ConsentRecord, Conversion
from offers.models import Offer
from tests.conversions.pixel.support import PAGE, RULES, call, call_for
from tests.factories import call_page_event, make_click, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db

LIST = reverse("admin:conversions_consentrecord_changelist")


def test_an_answer_is_in_force_and_on_record():
    click = make_click(make_offer(RULES, consent_required=True))
    call_page_event(click, "Lead")
    Conversion.objects.update(planned_at="2026-01-01T00:00Z")

    answer = call_for(click, "consent", state="granted", source="a banner with a name that is far too long").json()

    record = ConsentRecord.objects.get()
    assert (answer["consent"], answer["may_send"]) == ("granted", True)
    assert (record.state, record.was_required, record.page_url) == ("granted", True, PAGE)
    assert record.source == "a banner with a name that is far too long"[:30]
    assert Conversion.objects.get().planned_at is None


def test_a_refusal_is_one_for_all_clicks_of_this_browser_at_the_offer():
    offer, client = make_offer(RULES), Client()
    clicks, foreign = [make_click(offer) for _ in range(3)], make_click()
    client.cookies["click_id"] = ".".join(click.pk for click in [*clicks[:2], foreign])

    call_for(clicks[0], "consent", client, state="granted")
    ttclid = client.cookies["ttclid"].value
    call_for(clicks[0], "consent", client, state="withdrawn")

    assert (ttclid, client.cookies["ttclid"].value) == (clicks[0].ttclid, "")
    states = dict(Click.objects.values_list("pk", "consent"))
    assert [states[click.pk] for click in clicks] == ["withdrawn", "denied", "unknown"]
    assert (states[foreign.pk], ConsentRecord.objects.count()) == ("unknown", 3)


@pytest.mark.parametrize(
    ("query", "remembered", "expected"),
    [
        ("?consent=granted", None, ("granted", "link")),
        ("?consent=denied", "granted", ("denied", "link")),
        ("", "denied", ("denied", "remembered")),
    ],
)
def test_an_answer_that_comes_along_is_on_record_once(query: str, remembered: str | None, expected: tuple[str, str]):
    offer, client = make_offer(RULES, consent_required=True), Client()

    for _ in range(2):
        call("arrival", offer, client, url=PAGE + query, consent=remembered)

    record = ConsentRecord.objects.get()
    assert (
        (record.state, record.source) == expected == (Click.objects.get().consent, Click.objects.get().consent_source)
    )


def test_an_answer_in_the_tracking_link_is_on_record_once():
    offer, client = make_offer(RULES), Client(HTTP_USER_AGENT="Mozilla/5.0 (iPhone)")

    landing_url = client.get(f"/c/{offer.slug}/?consent=granted")["Location"]
    call("arrival", offer, client, url=landing_url)

    record = ConsentRecord.objects.get()
    assert (record.click, record.state, record.source) == (Click.objects.get(), "granted", "link")


def test_what_a_page_remembers_does_not_undo_what_was_said_since():
    click, client = make_click(make_offer(RULES)), Client()
    unknown = make_click(click.offer)
    client.cookies["click_id"] = f"{unknown.pk}.{click.pk}"
    record_answer(click.pk, "denied", "a person", PAGE, timezone.now())

    answers = [call_for(each, "arrival", client, consent="granted").json()["consent"] for each in (click, unknown)]
    told = call_for(unknown, "consent", client, state="granted", source="remembered").json()["consent"]
    chosen = call_for(unknown, "consent", client, state="granted").json()["consent"]

    assert ([*answers, told], chosen) == (["denied", "denied", "denied"], "granted")


@pytest.mark.parametrize("query", ["", "consent=granted"])
@pytest.mark.parametrize("place", ["link", "page"])
def test_a_refusal_at_one_offer_comes_along_to_the_next(place: str, query: str):
    click, other, client = make_click(ttclid="E.C.P.refused"), make_offer(RULES), Client(HTTP_USER_AGENT="Mozilla/5.0")
    client.cookies["click_id"], client.cookies["ttclid"] = click.pk, click.ttclid
    record_answer(click.pk, "withdrawn", "a person", PAGE, timezone.now())

    if place == "link":
        client.get(f"/c/{other.slug}/?{query}")
    else:
        call("arrival", other, client, url=f"{PAGE}?{query}", consent="granted", ttclid=click.ttclid)

    arrived = Click.objects.get(offer=other)
    assert (arrived.consent, arrived.consent_source, arrived.ttclid) == ("denied", "earlier visit", "")


def test_an_agreement_after_the_refusal_counts_at_its_own_offer_only():
    refused, client = make_click(ttclid="E.C.P.refused"), Client()
    agreed = make_click(make_offer(RULES), ttclid="")
    client.cookies["click_id"], client.cookies["ttclid"] = f"{agreed.pk}.{refused.pk}", refused.ttclid
    record_answer(refused.pk, "denied", "banner", PAGE, timezone.now() - timedelta(minutes=1))
    call_for(agreed, "consent", client, state="granted")

    ads = [f"{PAGE}?ttclid=E.C.P.{each}" for each in ("newer", "newest")]
    again = call("arrival", agreed.offer, client, url=ads[0]).json()["consent"]
    elsewhere = call("arrival", make_offer(RULES), client, url=ads[1]).json()["consent"]

    agreed.refresh_from_db()
    assert (again, elsewhere, agreed.ttclid) == ("granted", "denied", "")


@pytest.mark.parametrize(
    ("before", "was_required", "countries", "after"),
    [
        ("granted", True, "", "granted"),
        ("granted", False, "", "unknown"),
        ("granted", False, "DE", "granted"),
        ("denied", True, "", "denied"),
        ("denied", True, "DE", "denied"),
    ],
)
def test_an_answer_counts_for_later_visits_unless_the_policy_asks_more(
    before: str, was_required: bool, countries: str, after: str
):
    offer, client = make_offer(RULES, consent_required=was_required), Client()
    click = make_click(offer, country="US")
    record_answer(click.pk, before, "banner", PAGE, timezone.now())
    Offer.objects.update(consent_required=True, consent_countries=countries)
    later = make_click(offer, ttclid="E.C.P.newer", country="US")
    client.cookies["click_id"] = f"{later.pk}.{click.pk}"

    answer = call("arrival", offer, client, url=f"{PAGE}?ttclid=E.C.P.newer").json()

    records = list(later.consent_records.values_list("state", "source"))
    assert (answer["click_id"], answer["consent"]) == (later.pk, after)
    assert records == ([] if after == "unknown" else [(after, "earlier visit")])


def test_answers_that_alternate_end_with_a_refusal():
    click = make_click(make_offer(RULES))

    for answer in ["granted", "withdrawn"] * 12:
        state = call_for(click, "consent", state=answer).json()["consent"]

    assert (state, ConsentRecord.objects.count()) == ("withdrawn", 20)


@pytest.mark.parametrize(
    ("first", "second", "stands"), [("granted", "denied", "denied"), ("denied", "granted", "granted")]
)
def test_an_answer_that_a_newer_one_overtook_changes_nothing_and_is_on_record(first: str, second: str, stands: str):
    click, began = make_click(make_offer(RULES)), milliseconds()

    call_for(click, "consent", state=second, at=began + 300)
    late = call_for(click, "consent", state=first, at=began)
    call_for(click, "consent", state=first, at=began)

    assert (late.json()["consent"], Click.objects.get().consent) == (stands, stands)
    assert dict(ConsentRecord.objects.values_list("state", "was_overtaken")) == {second: False, first: True}
    answers = staff_client("conversions.view_consentrecord").get(LIST).content.decode()
    assert answers.count("overtaken by a newer answer") == 1


def test_an_agreement_is_overtaken_by_a_refusal_that_was_in_force_already():
    click, began = make_click(make_offer(RULES)), milliseconds()
    call_for(click, "consent", state="denied", at=began - 60_000)

    call_for(click, "consent", state="denied", at=began + 300)
    call_for(click, "consent", state="granted", at=began)

    assert Click.objects.get().consent == "denied"


def test_what_a_page_remembers_overtakes_no_refusal():
    click, began = make_click(make_offer(RULES)), milliseconds()

    call_for(click, "consent", state="granted", source="remembered", at=began + 300)
    call_for(click, "consent", state="denied", at=began)

    assert Click.objects.get().consent == "withdrawn"


def test_one_answer_from_two_tabs_is_one_record():
    click, began = make_click(make_offer(RULES)), milliseconds()

    call_for(click, "consent", state="granted", source="another tab", at=began + 5)
    call_for(click, "consent", state="granted", source="banner", at=began)

    assert [record.was_overtaken for record in ConsentRecord.objects.all()] == [False]


@pytest.mark.parametrize(("minutes_ago", "back"), [(6, 60_000), (1, 3_600_000)])
def test_a_refusal_by_a_clock_that_was_put_right_counts(minutes_ago: int, back: int):
    click = make_click(make_offer(RULES))
    call_for(click, "consent", state="granted", at=milliseconds())
    Click.objects.update(consent_at=timezone.now() - timedelta(minutes=minutes_ago))

    call_for(click, "consent", state="withdrawn", at=milliseconds() - back)

    assert Click.objects.get().consent == "withdrawn"


@pytest.mark.parametrize("at", ["soon", True, 1.5, -1, 10**30, 2 * 10**12, None])
def test_what_can_be_no_time_orders_nothing(at: object):
    click = make_click(make_offer(RULES))

    call_for(click, "consent", state="denied", at=milliseconds())
    call_for(click, "consent", state="granted", at=at)

    assert Click.objects.get().consent == "granted"


def milliseconds() -> int:
    return int(timezone.now().timestamp() * 1000)
