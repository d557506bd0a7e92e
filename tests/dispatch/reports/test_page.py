"""The page of reports: who may see it, what it shows, where it leads, and its files."""

import csv
import io
from decimal import Decimal
from typing import Any
from zipfile import ZipFile

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversions.exporting import BOM
from dispatch import clock
from dispatch.admin.report_table import change_of
from dispatch.money import RateBook, Told, tell
from offers.models import ExchangeRate
from tests.dispatch.reports.slots import NOW, ago, put
from tests.factories import make_click, make_conversion, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
PAGE, EXPORT = reverse("admin:dispatch_report_changelist"), reverse("admin:dispatch_report_export")
MAY = ("dispatch.view_report", "conversions.view_conversion")


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def look(client: Any = None, **params: str) -> str:
    response = (client or staff_client(*MAY)).get(PAGE, params)
    assert response.status_code == 200
    return response.content.decode()


def take(kind: str = "csv", **params: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in params.items())
    return staff_client(*MAY).post(f"{EXPORT}?{query}", {"format": kind})


def rows_of(response: Any) -> list[dict[str, str]]:
    text = response.getvalue().decode().removeprefix(BOM)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def make_rate(currency: str, into: str, rate: str, day: str = "2026-11-01") -> None:
    ExchangeRate.objects.create(currency=currency, into=into, rate=Decimal(rate), valid_on=day, source="A bank")


def test_only_who_may_see_reports_sees_them():
    client = staff_client("conversions.view_conversion")

    answers = [client.get(PAGE), client.get(reverse("admin:dispatch_report_network")), client.post(EXPORT)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_figures_stand_beside_the_days_before_and_lead_closer():
    offer = make_offer(name="Slim & Fit")
    put(offer, ago(hours=1), clicks=150)
    put(offer, ago(hours=1), "Purchase", "USD", approved=3, payout=Decimal("120.50"))
    put(offer, ago(days=8), clicks=100)

    page = look()

    assert "Slim &amp; Fit" in page
    assert "120.50" in page
    assert "2.00\N{NO-BREAK SPACE}%" in page
    assert 'title="Before: 100">+50\N{NO-BREAK SPACE}%' in page
    assert (
        f'?period=7&amp;by=campaign_id&amp;zone=UTC&amp;currency=USD&amp;compare=1&amp;offer={offer.pk}">Slim' in page
    )
    assert f"offer__id__exact={offer.pk}" in page


@pytest.mark.parametrize(
    ("value", "before", "words"),
    [(150, 100, "+50 %"), (50, 100, "-50 %"), (999, 100, "+899 %"), (1000, 100, "10 times"), (6101, 4, "1,525 times"),
     (100, 100, "±0 %"), (5, 0, "new"), (0, 0, ""), (-50, 5, "-1,100 %")],
)  # fmt: skip
def test_a_change_is_told_in_percent_and_from_tenfold_on_in_times(value: int, before: int, words: str):
    assert change_of(value, before).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize("by", ["offer", "day"])
def test_a_line_leads_to_the_conversions_that_it_counts_and_no_others(by: str):
    offer, late = make_offer(), ago(hours=12, seconds=0.3)
    put(offer, late, "Purchase", "USD", approved=1)
    for is_test in (False, True):
        make_conversion(make_click(offer, is_test=is_test), created_at=late, is_test=is_test)
    client = staff_client(*MAY)

    [row] = client.get(PAGE, {"period": "yesterday", "by": by}).context["table"].rows

    assert client.get(dict(row.links)["Its conversions"]).context["cl"].result_count == 1


def test_money_is_converted_by_the_rate_of_today_its_inverse_or_two_in_a_row():
    offer = make_offer()
    make_rate("EUR", "USD", "2", "2026-11-30")
    make_rate("EUR", "USD", "1.25")
    make_rate("GBP", "USD", "1.5")
    for currency, payout in {"EUR": 100, "USD": 50, "GBP": 10, "UGX": 9000}.items():
        put(offer, ago(hours=1), "Purchase", currency, approved=1, payout=Decimal(payout))

    in_dollars, in_euro = look(currency="USD"), look(currency="EUR")

    assert "190.00" in in_dollars
    assert "152.00" in in_euro
    assert "there is no rate into EUR: Payout of 9,000.00 UGX" in in_euro
    assert "+ 9,000.00 UGX" in in_euro


def test_a_rate_between_currencies_that_tiktok_takes_is_not_for_tiktok():
    make_rate("EUR", "USD", "1.25")
    sent = Told(Decimal(40), "EUR")

    assert tell(sent, "USD", NOW, RateBook().find) == sent


def test_time_zone_and_currency_are_kept_for_the_reader():
    put(make_offer(), ago(hours=1), clicks=1)
    client = staff_client(*MAY)

    look(client, zone="Asia/Kolkata", currency="INR", by="hour", period="today")
    page = look(client, by="hour", period="today")

    assert "16:30" not in page
    assert "Fri 20 Nov, 16:00" in page
    assert "Payout (INR)" in page


def test_a_wrong_address_is_answered_with_what_to_do():
    page = look(zone="Mars/Base", by="moon", offer="x", since="yesterday", period="own")

    assert "is no time zone of this list" in page
    assert "Choose the offer from the list" in page
    assert "write it as 2026-01-31" in page


def test_without_anything_recorded_the_page_says_so():
    assert "Nothing was recorded for this question" in look()


def test_a_file_holds_the_figures_in_full_with_zone_and_currency():
    offer = make_offer()
    put(offer, ago(hours=1), clicks=3, campaign_id="=1+1")
    put(offer, ago(hours=1), "Purchase", "USD", approved=1, payout=Decimal("10.55"), campaign_id="=1+1")
    put(offer, ago(hours=1), "Purchase", "UGX", pending=1, pending_payout=Decimal(7), campaign_id="=1+1")
    make_rate("EUR", "USD", "1.1")

    first, total = rows_of(take(by="campaign_id", zone="Europe/Berlin", currency="EUR", compare="0"))

    assert first["Campaign"] == "'=1+1"
    assert Decimal(first["Payout (EUR)"]).quantize(Decimal("0.0000000001")) == Decimal("9.5909090909")
    assert (first["CR"][:6], first["Pending payout (UGX), not converted"]) == ("0.6666", "7.00")
    assert (first["First day (Europe/Berlin)"], total["Campaign"], total["Clicks"]) == ("2026-11-14", "(total)", "3")
    assert LogEntry.objects.get().change_message == "Exported as CSV without personal data. 2 rows."


def test_a_workbook_holds_the_same():
    put(make_offer(name="=cmd()"), ago(hours=1), clicks=3)

    response = take("xlsx")

    with ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        texts = book.read("xl/worksheets/sheet1.xml").decode()
    assert "'=cmd()" in texts
    assert "Payout (USD)" in texts


def test_a_file_of_a_wrong_question_is_refused_in_words():
    response = take(period="century")

    assert (response.status_code, "no period" in response.content.decode()) == (400, True)


def test_the_page_takes_the_same_queries_however_much_there_is():
    client = staff_client(*MAY)
    put(make_offer(), ago(hours=1), clicks=1)
    client.get(PAGE)

    with CaptureQueriesContext(connection) as small:
        client.get(PAGE)
    for number in range(3):
        put(make_offer(), ago(hours=number), "Purchase", "USD", approved=1)
    with CaptureQueriesContext(connection) as large:
        client.get(PAGE)

    assert len(small) == len(large)
    assert sum(query["sql"].startswith("WITH base") for query in large) == 1
