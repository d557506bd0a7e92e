"""Lists as files: what the list shows, for whom it is allowed, without personal data unless asked, on record."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from conversions.admin import export
from conversions.export_columns import CLICKS, CONVERSIONS
from conversions.exporting import BOM
from conversions.models import Conversion
from tests.factories import make_click, make_conversion, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:conversions_conversion_changelist")
EXPORT = reverse("admin:conversions_conversion_export")
CLICKS_LIST = reverse("admin:conversions_click_changelist")
CLICKS_EXPORT = reverse("admin:conversions_click_export")
VIEW = ("conversions.view_conversion", "conversions.view_click")
MAY = (*VIEW, "conversions.export_conversion", "conversions.export_click")
PERSONAL = "conversions.export_personal"
TELLING = ["E.C.P.telling", "203.0.113.9", "Telling/1.0", "ttp-telling", "a" * 64, "b" * 64, "https://from.example/me"]


def body_of(response: Any) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def table_of(response: Any) -> list[dict[str, str]]:
    text = body_of(response).decode().removeprefix(BOM)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def take(client: Any, url: str = EXPORT, **answers: str) -> Any:
    return client.post(url, {"confirmed": "yes", "format": "csv", **answers})


def telling_sale() -> Conversion:
    ttclid, ip, browser, ttp, email, phone, referrer = TELLING
    click = make_click(
        ttclid=ttclid, ip=ip, user_agent=browser, ttp=ttp, referrer=referrer,
        landing_url=f"https://landing.example/page?ttclid={ttclid}",
    )  # fmt: skip
    return make_conversion(click, email_sha256=email, phone_sha256=phone, referrer=referrer, transaction_id="=1+1")


def test_the_page_says_what_will_be_in_the_file():
    make_conversion()
    make_conversion()

    page = staff_client(*MAY).get(EXPORT).content.decode()

    assert "All of the list: 2 conversions" in page
    assert "Transaction id" in page
    assert "personal data (address" not in page


def test_the_count_goes_no_further_than_anybody_waits_for(monkeypatch):
    monkeypatch.setattr("offers.admin_parts.CappedPaginator.cap", 2)
    click = make_click()
    for _ in range(4):
        make_conversion(click)

    assert "more than 2 conversions" in staff_client(*MAY).get(EXPORT).content.decode()


def test_the_file_holds_what_the_list_shows_in_its_order():
    now, click = timezone.now(), make_click()
    old, new = (make_conversion(click, created_at=now - timedelta(days=days)) for days in (2, 1))
    make_conversion(click, status="pending")

    found = table_of(take(staff_client(*MAY), f"{EXPORT}?status__exact=approved"))

    assert [row["event_id"] for row in found] == [str(new.event_id), str(old.event_id)]


def test_the_search_counts_too():
    wanted, _ = make_conversion(transaction_id="T-1"), make_conversion(transaction_id="T-2")

    found = table_of(take(staff_client(*MAY), f"{EXPORT}?q=T-1"))

    assert [(row["event_id"], row["Payout"]) for row in found] == [(str(wanted.event_id), "40.00")]


def test_the_button_leads_to_what_the_list_shows():
    make_conversion()

    page = staff_client(*MAY).get(LIST, {"status__exact": "approved"}).content.decode()

    assert f"{EXPORT}?status__exact=approved" in page


@pytest.mark.parametrize("query", ["status__exact=zzz", "nonsense=1", "created_at_from_0=x", "offer__id__exact=%00"])
def test_a_filter_that_there_is_not_does_not_fail(query):
    make_conversion()

    assert take(staff_client(*MAY), f"{EXPORT}?{query}").status_code in (200, 302)


def test_nothing_to_export_leads_back_with_the_reason():
    response = staff_client(*MAY).get(f"{EXPORT}?status__exact=approved", follow=True)

    assert response.redirect_chain == [(f"{LIST}?status__exact=approved", 302)]
    assert "nothing to export" in response.content.decode()


@pytest.mark.parametrize("list_and_row", ["conversion", "click"])
def test_selected_rows_alone(list_and_row):
    first, _ = make_conversion(), make_conversion()
    url, key = (LIST, first.pk) if list_and_row == "conversion" else (CLICKS_LIST, first.click_id)
    client, selection = staff_client(*MAY), {"action": "export_selected", "_selected_action": str(key)}

    page = client.post(url, {**selection, "index": "0"}).content.decode()
    found = table_of(take(client, url, **selection, select_across="0"))

    assert f"What you have selected: 1 {list_and_row}" in page
    assert [row["Click id"] for row in found] == [first.click_id]


def test_there_is_no_personal_data_unless_it_is_asked_for():
    telling_sale()
    client = staff_client(*MAY, PERSONAL)

    for url, kind in ((EXPORT, CONVERSIONS), (CLICKS_EXPORT, CLICKS)):
        without, full = body_of(take(client, url)).decode(), body_of(take(client, url, personal="on")).decode()

        assert [text for text in TELLING if text in without] == []
        told = TELLING if kind is CONVERSIONS else [text for text in TELLING if len(text) < 64]
        assert [text for text in told if text not in full] == []


def test_who_may_not_have_personal_data_does_not_get_it_by_asking():
    telling_sale()

    text = body_of(take(staff_client(*MAY), personal="on")).decode()

    assert [told for told in TELLING if told in text] == []
    assert "without personal data" in LogEntry.objects.get().change_message


def test_a_workbook_opens_with_the_same_rows():
    conversion = telling_sale()

    response = take(staff_client(*MAY), format="xlsx")
    headers, row = load_workbook(io.BytesIO(body_of(response))).active.iter_rows(values_only=True)

    found = dict(zip(headers, row, strict=True))
    assert (found["event_id"], found["Payout"], found["Transaction id"]) == (str(conversion.event_id), 40, "'=1+1")
    assert found["Happened (UTC)"] == conversion.occurred_at.replace(tzinfo=None, microsecond=0)
    assert response["Content-Disposition"].endswith('.xlsx"')


def test_too_many_rows_for_a_sheet_are_refused_beforehand(monkeypatch):
    monkeypatch.setattr(export, "MOST_ROWS", 1)
    client, click = staff_client(*MAY), make_click()
    make_conversion(click)
    assert body_of(take(client, format="xlsx"))
    make_conversion(click)

    page = take(client, format="xlsx").content.decode()

    assert "Use CSV" in page
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("answers", [{"format": "pdf"}, {"format": ""}])
def test_a_format_that_there_is_not_is_refused(answers):
    make_conversion()

    response = take(staff_client(*MAY), **answers)

    assert response.headers["Content-Type"].startswith("text/html")
    assert not LogEntry.objects.exists()


def test_the_history_says_who_took_what():
    make_conversion()
    client = staff_client(*MAY, PERSONAL)
    body_of(take(client, personal="on"))

    entry = LogEntry.objects.get()

    assert entry.change_message == "Exported as CSV with personal data. 1 row."
    assert str(entry.user) in client.get(EXPORT).content.decode()


def test_a_download_that_was_broken_off_is_on_record(monkeypatch):
    monkeypatch.setattr("conversions.exporting.ROWS_AT_ONCE", 1)
    click = make_click()
    for _ in range(3):
        make_conversion(click)
    response = take(staff_client(*MAY))
    assert LogEntry.objects.get().change_message == "Exported as CSV without personal data."

    pieces = response._iterator  # what a server closes; response.close() would close the test's connection as well
    next(pieces)
    pieces.close()

    assert "Broken off after 1 row." in LogEntry.objects.get().change_message


@pytest.mark.parametrize("url", [EXPORT, CLICKS_EXPORT])
def test_without_permission_there_is_neither_button_nor_file(url):
    make_conversion()
    client = staff_client(*VIEW, PERSONAL)

    assert (client.get(url).status_code, take(client, url).status_code) == (403, 403)
    assert "Export" not in client.get(url.removesuffix("export/")).content.decode()
    assert take(client, LIST, action="export_selected", _selected_action="1").status_code in (200, 302)
    assert not LogEntry.objects.exists()


def test_whoever_may_export_but_not_look_gets_nothing():
    make_conversion()

    assert take(staff_client("conversions.export_conversion")).status_code == 403


def test_queries_do_not_grow_with_rows(django_assert_num_queries, django_assert_max_num_queries):
    client = staff_client(*MAY)
    make_conversion()
    with django_assert_max_num_queries(20) as for_one:
        body_of(take(client))
    for _ in range(5):
        make_conversion(make_click(make_offer()))

    with django_assert_num_queries(len(for_one)):
        body_of(take(client))


def test_every_column_can_be_read():
    conversion = make_conversion()
    client = staff_client(*MAY, PERSONAL)

    for url, columns in ((EXPORT, CONVERSIONS), (CLICKS_EXPORT, CLICKS)):
        (row,) = table_of(take(client, url, personal="on"))
        assert list(row) == [column.header for column in columns]
        assert conversion.click_id in row.values()


def test_both_files_say_where_the_visitor_is_and_what_was_answered():
    digests = {name: letter * 64 for name, letter in (("email", "d"), ("phone", "e"), ("external_id", "f"))}
    click = make_click(
        country="US", region="CA", robot="bot", consent="denied", consent_source="banner",
        capped_offer=make_offer(name="Full"), **{f"{name}_sha256": digest for name, digest in digests.items()},
    )  # fmt: skip
    make_conversion(click, page_value="12.50", page_currency="EUR")

    for url in (EXPORT, CLICKS_EXPORT):
        (without,) = table_of(take(staff_client(*MAY), url))
        (personal,) = table_of(take(staff_client(*MAY, PERSONAL), url, personal="on"))

        assert [without[name] for name in ("Country", "Robot", "Consent source")] == ["US", "bot", "banner"]
        assert without.get("Sent on by", "Full") == "Full"
        assert without.get("Value the page gave", "12.50") == "12.50"
        assert not set(digests.values()) & set(without.values())
        assert set(digests.values()) <= set(personal.values())
