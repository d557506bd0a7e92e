"""A visitor's answer, from a page: in force at once, on record, and carried to later visits."""

import pytest
from django.test import Client

from conversions.models import Click, ConsentRecord, Conversion
from tests.conversions.pixel.support import PAGE, RULES, call, call_for
from tests.factories import call_page_event, make_click, make_offer

pytestmark = pytest.mark.django_db


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
    click = make_click(make_offer(RULES))
    unknown = make_click(click.offer)
    call_for(click, "consent", state="denied")

    answers = [call_for(each, "arrival", consent="granted").json()["consent"] for each in (click, unknown)]

    assert answers == ["denied", "granted"]


@pytest.mark.parametrize(
    ("before", "countries", "after"),
    [
        ("granted", "", "granted"),
        ("withdrawn", "", "denied"),
        ("granted", "DE", "unknown"),
        ("denied", "DE", "denied"),
    ],
)
def test_an_answer_counts_for_later_visits_under_the_same_policy(before: str, countries: str, after: str):
    offer, client = make_offer(RULES, consent_required=True, consent_countries=countries), Client()
    click = make_click(offer, consent=before, consent_source="banner", country="US")
    later = make_click(offer, ttclid="E.C.P.newer")
    client.cookies["click_id"] = f"{later.pk}.{click.pk}"

    answers = [call("arrival", offer, client, url=f"{PAGE}?ttclid=E.C.P.{each}").json() for each in ("newer", "newest")]

    assert [answer["consent"] for answer in answers] == [after, after]
    for each in Click.objects.exclude(pk=click.pk):
        records = list(each.consent_records.values_list("state", "source"))
        assert records == ([] if after == "unknown" else [(after, "earlier visit")])
