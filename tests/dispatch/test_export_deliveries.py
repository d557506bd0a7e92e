"""Deliveries as a file, with what was converted on the way."""

import csv
import io
from typing import Any

import pytest
from django.urls import reverse

from conversions.exporting import BOM
from dispatch.export_columns import DELIVERIES
from dispatch.reasons import Reason
from tests.factories import make_click, make_conversion, make_delivery
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
EXPORT = reverse("admin:dispatch_delivery_export")
MAY = ("dispatch.view_delivery", "dispatch.export_delivery")
RECORD = {
    "from": "UGX", "amount": "150000.00", "into": "USD", "value": "40.50", "rate": "0.00027",
    "valid_on": "2026-11-20", "source": "Bank of Uganda",
}  # fmt: skip


def table(*permissions: str, query: str = "", **answers: str) -> list[dict[str, Any]]:
    client = staff_client(*MAY, *permissions)
    response = client.post(f"{EXPORT}{query}", {"confirmed": "yes", "format": "csv", **answers})
    text = b"".join(response.streaming_content).decode().removeprefix(BOM)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_says_what_was_sent_and_what_was_converted():
    delivery = make_delivery(status="accepted", converted=RECORD)

    (row,) = table()

    assert (row["Delivery"], row["Status"]) == (str(delivery.pk), "accepted")
    assert (row["Converted to"], row["Converted currency"], row["Exchange rate"]) == ("40.50", "USD", "0.00027")
    assert (row["Rate of"], row["Rate's source"]) == ("2026-11-20", "Bank of Uganda")


def test_holds_what_the_list_shows():
    held = make_delivery(status="held", reason=Reason.NO_RATE)
    make_delivery()

    assert [row["event_id"] for row in table(query="?reason__exact=no_rate")] == [str(held.event_id)]


def test_personal_data_only_for_those_who_may_and_ask():
    make_delivery(make_conversion(make_click(ttclid="E.C.P.telling"), email_sha256="a" * 64))

    assert "E.C.P.telling" not in str(table("conversions.export_personal"))
    assert "E.C.P.telling" not in str(table(personal="on"))
    (row,) = table("conversions.export_personal", personal="on")
    assert (row["ttclid"], row["E-mail (SHA-256)"]) == ("E.C.P.telling", "a" * 64)
    assert list(row) == [column.header for column in DELIVERIES]


def test_who_may_look_may_not_export():
    make_delivery()

    assert staff_client("dispatch.view_delivery").get(EXPORT).status_code == 403
