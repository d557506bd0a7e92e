"""The pages of uploads: who may do what, what they show, what their buttons do."""

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Q
from django.http import HttpResponse
from django.test import Client

from conversions.models import Conversion, Upload
from conversions.uploads import files
from conversions.uploads.creating import choose
from tests.conversions.uploads.support import csv_bytes, make_upload, verdicts, work
from tests.factories import make_click, make_network, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
SEEN = {"", "change/", "progress/"}
LIST = "/admin/conversions/upload/"
PERSONAL = "conversions.export_personal"
VIEW, ADD, IMPORT = "conversions.view_upload", "conversions.add_upload", "conversions.import_upload"


def page(upload: Upload, rest: str = "change/") -> str:
    return f"{LIST}{upload.pk}/{rest}"


def send(client: Client, content: bytes, **fields: Any) -> HttpResponse:
    fields.setdefault("purpose", "import")
    return client.post(f"{LIST}add/", {"file": SimpleUploadedFile("sales.csv", content), **fields})


def one_sale(**fields: Any) -> Upload:
    click = make_click()
    return work(make_upload(csv_bytes("click id,txid,payout", f"{click.pk},T-1,5"), click.offer.network, **fields))


def test_an_uploaded_file_is_kept_encrypted_for_the_workers():
    network = make_network()

    answer = send(staff_client(VIEW, ADD), b"txid,payout\nT-1,5\n", network=network.pk)

    upload = Upload.objects.get()
    assert answer.url == page(upload)
    assert (upload.state, upload.file_name, upload.network) == ("waiting", "sales.csv", network)
    assert upload.uploaded_by
    assert files.unpack(upload.content.reveal()) == b"txid,payout\nT-1,5\n"


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (b"%PDF-1.4", {}, "The file is a PDF"),
        (b" ", {}, "The file is empty"),
        (b"txid\n1\n", {"purpose": "reconcile"}, "Which days does the report cover?"),
        (b"txid\n1\n", {"purpose": "reconcile", "period_from": "2026-02-02", "period_to": "2026-01-02"}, "is before"),
    ],
)  # fmt: skip
def test_what_can_not_be_taken_is_said_in_the_form(content: bytes, fields: dict[str, str], words: str):
    answer = send(staff_client(VIEW, ADD), content, network=make_network().pk, **fields)

    assert words in answer.content.decode()
    assert not Upload.objects.exists()


def test_an_offer_of_another_network_is_refused():
    answer = send(staff_client(VIEW, ADD), b"txid\n1\n", network=make_network().pk, offer=make_offer().pk)

    assert "is an offer of" in answer.content.decode()


@pytest.mark.parametrize(
    ("permissions", "allowed"),
    [((), set()), ((VIEW,), SEEN), ((VIEW, ADD), {*SEEN, "rows.csv", "columns/"})],
)
def test_every_page_asks_for_its_permission(permissions: tuple[str, ...], allowed: set[str]):
    upload, client = one_sale(), staff_client(*permissions)
    answers = {
        rest: client.get(page(upload, rest) if rest else LIST)
        for rest in ("", "change/", "progress/", "rows.csv", "columns/")
    }

    assert {rest for rest, answer in answers.items() if answer.status_code != 403} == allowed
    assert client.post(page(upload, "create/"), {"confirmed": "yes"}).status_code == 403


def test_the_page_of_a_checked_file_counts_and_explains():
    click = make_click()
    lines = [f"{click.pk},T-1,5", "nosuch,T-2,5"]
    upload = work(make_upload(csv_bytes("click id,txid,payout", *lines), click.offer.network))
    client = staff_client(VIEW, ADD, IMPORT)

    text = client.get(page(upload)).content.decode()
    refused = client.get(page(upload, "change/?verdict=refused")).content.decode()

    assert "Import 1 row" in text
    assert "Would be recorded" in text
    assert "There is no click “nosuch”." in refused
    assert "T-1" not in refused


def test_the_button_records_the_rows_once():
    upload, client = one_sale(), staff_client(VIEW, IMPORT)

    for _ in range(2):
        client.post(page(upload, "create/"), {"confirmed": "yes"})
    work(upload)
    text = client.get(page(upload)).content.decode()

    assert Conversion.objects.count() == 1
    assert "1 row was recorded" in text
    assert (
        "Nothing was started"
        in client.post(page(upload, "create/"), {"confirmed": "yes"}, follow=True).content.decode()
    )


def test_a_reports_rows_are_counted_once_more_before_they_are_created():
    upload = one_sale(purpose="reconcile", period_from="2026-01-01", period_to="2026-01-31")
    client = staff_client(VIEW, IMPORT)
    row = upload.rows.get()

    question = client.post(page(upload, "create/"), {"row": row.pk}).content.decode()
    assert not Upload.objects.filter(state="creating").exists()
    client.post(page(upload, "create/"), {"row": row.pk, "confirmed": "yes"})
    work(upload)

    assert "Missing here: 1" in question
    assert Conversion.objects.count() == 1


@pytest.mark.parametrize("data", [{}, {"row": "x"}, {"row": "99999999999999999999"}, {"verdict": "matched"}])
def test_nothing_is_created_of_a_report_where_nothing_was_chosen(data: dict[str, str]):
    upload = one_sale(purpose="reconcile", period_from="2026-01-01", period_to="2026-01-31")

    staff_client(VIEW, IMPORT).post(page(upload, "create/"), {**data, "confirmed": "yes"})

    assert Upload.objects.get().state == "checked"


def test_progress_is_told_as_json():
    upload = one_sale()
    choose(upload.pk, Q())

    progress = json.loads(staff_client(VIEW).get(page(upload, "progress/")).content)

    assert progress == {"state": "creating", "working": True, "percent": 0.0, "rows": "0 of 1 rows"}


def test_columns_are_asked_for_and_taken():
    click = make_click()
    upload = work(make_upload(csv_bytes("Wer,Was,Wieviel", f"{click.pk[:9]},T-1,5"), click.offer.network))
    client = staff_client(VIEW, ADD)

    text = client.get(page(upload, "columns/")).content.decode()
    refused = client.post(page(upload, "columns/"), {"payout": "2"}).content.decode()
    client.post(page(upload, "columns/"), {"transaction_id": "1", "payout": "2"})
    work(upload)

    assert "Wieviel" in text
    assert "Choose a column for the click id" in refused
    assert upload.columns == {"transaction_id": 1, "payout": 2}
    assert verdicts(upload) == [(2, "refused")]


def test_refused_rows_come_back_with_their_reasons_and_can_be_uploaded_again():
    click = make_click()
    lines = [f"{click.pk},=1+1,strange,5,a@example.com"]
    upload = work(make_upload(csv_bytes("click id,txid,status,payout,email", *lines), click.offer.network))

    answer = staff_client(VIEW, ADD, PERSONAL).get(page(upload, "rows.csv?verdict=refused"))
    content = b"".join(answer.streaming_content)
    row = next(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    again = work(make_upload(content, click.offer.network))

    assert row["transaction_id"] == "'=1+1"
    assert "not mapped" in row["reason"]
    assert "Unmapped statuses" in row["what to do"]
    assert again.rows.get().email_sha256 == upload.rows.get().email_sha256 == row["email"]
    assert again.rows.get().transaction_id == "=1+1"


def test_a_download_says_who_people_are_only_to_those_who_may_take_that_out():
    offer = make_offer()
    address = "https://shop.example/thanks?ttclid=E.C.P.telling"
    line = f"E.C.P.telling,{offer.slug},T-1,strange,-5.00,a@example.com,{address}"
    upload = work(make_upload(csv_bytes("ttclid,offer,txid,status,payout,email,page url", line), offer.network))

    shown, all_of_it = (
        b"".join(staff_client(VIEW, ADD, *more).get(page(upload, "rows.csv")).streaming_content).decode("utf-8-sig")
        for more in ((), (PERSONAL,))
    )

    (row,) = csv.DictReader(io.StringIO(shown))
    assert {"ttclid", "email", "phone"}.isdisjoint(row)
    assert (row["transaction_id"], row["payout"]) == ("T-1", "-5.00")
    assert "E.C.P.telling" not in shown
    assert upload.rows.get().email_sha256 in all_of_it
    assert "E.C.P.telling" in all_of_it


def test_a_download_is_on_record_and_kept_by_no_cache():
    upload = one_sale()
    client = staff_client(VIEW, ADD)

    answer = client.get(page(upload, "rows.csv?verdict=recorded"))
    list(answer.streaming_content)

    words = "Downloaded “Would be recorded” without personal data. 1 row."
    assert LogEntry.objects.get(object_id=upload.pk).change_message == words
    assert "no-store" in answer["Cache-Control"]
    assert "The download leaves out the ttclid" in client.get(page(upload)).content.decode()


def test_a_repaired_file_is_checked_again():
    click = make_click()
    network = click.offer.network
    upload = work(make_upload(csv_bytes("click id,txid,status", f"{click.pk},T-1,strange"), network))
    client = staff_client(VIEW, ADD)

    refused = client.get(page(upload, "change/?verdict=refused")).content.decode()
    network.status_map = {"strange": "approved"}
    network.save()
    client.post(page(upload, "check/"))
    work(upload)

    assert "Status not mapped" in refused
    assert (verdicts(upload), upload.state) == ([(2, "recorded")], "checked")


def test_the_example_file_is_one_that_can_be_uploaded():
    answer = staff_client(VIEW).get(f"{LIST}example/")

    upload = work(make_upload(answer.content))

    assert upload.state == "checked"
    assert len(upload.columns) == 12


def test_the_list_shows_what_became_of_each_file():
    upload = one_sale()

    text = staff_client(VIEW).get(LIST).content.decode()

    assert upload.file_name in text
    assert "1 would be recorded" in text
