"""The page, the command and the API: the same trace three times."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from rest_framework.test import APIRequestFactory, force_authenticate

from dispatch.admin.trace import gap
from dispatch.api.trace import TraceView
from tests.dispatch.diagnosis.support import report, sent, traced
from tests.factories import make_click, make_delivery, make_postback
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db
HEAD = {"query", "verdict", "cause", "words", "next_step", "subjects"}
SUBJECT = {
    "kind", "id", "offer", "network", "pixel", "click_id", "event", "event_id", "transaction_id", "status", "is_test",
    "verdict", "cause", "words", "next_step", "notes", "timeline", "left_out",
}  # fmt: skip
MOMENT = {"at", "after_seconds", "stage", "title", "words", "tone", "link"}


def page(text: str, *permissions: str) -> str:
    response = staff_client("dispatch.trace", *permissions).get(reverse("admin:dispatch_trace"), {"id": text})
    assert response.status_code == 200
    return str(response.content.decode())


def ask(text: str, *permissions: str) -> Any:
    request = APIRequestFactory().get("/api/v1/trace/", {"id": text})
    force_authenticate(request, make_staff(*permissions))
    response = TraceView.as_view()(request)
    response.render()
    return response


def test_the_form_of_the_json_is_stable():
    told = traced(sent().event_id).as_json()

    (subject,) = told["subjects"]
    assert (set(told), set(subject)) == (HEAD, SUBJECT)
    assert set(subject["next_step"]) == {"text", "do", "link", "runbook"}
    assert all(set(moment) == MOMENT for moment in subject["timeline"])


def test_the_timeline_is_in_order_from_the_click_to_tiktoks_answer():
    click = make_click()
    report(click.offer.network, click_id=click.pk, txid="T-1", status="approved", payout="40")

    (subject,) = traced(click.pk).as_json()["subjects"]

    stages = [moment["stage"] for moment in subject["timeline"]]
    assert (stages[0], stages[-1]) == ("click", "planning")
    assert {"postback", "ledger"} <= set(stages)
    assert [moment["at"] for moment in subject["timeline"]] == sorted(moment["at"] for moment in subject["timeline"])


def test_the_page_says_what_became_of_it_and_what_to_do():
    delivery = make_delivery(status="dead", reason="invalid", detail="No such pixel")

    told = page(str(delivery.event_id), "dispatch.view_deadletter")

    assert "TikTok refused the event" in told
    assert "Next step:" in told
    assert reverse("admin:dispatch_deadletter_change", args=[delivery.pk]) in told


def test_links_lead_only_where_the_person_may_go():
    delivery = make_delivery(status="dead", reason="invalid")

    told = page(str(delivery.event_id))

    assert "Rejected" in told
    assert "/change/" not in told


def test_the_page_says_where_to_look_when_nothing_has_the_id():
    assert "Nothing was found." in page("<script>alert(1)</script>")
    assert "<script>alert(1)" not in page("<script>alert(1)</script>")


def test_the_empty_page_shows_what_may_be_pasted():
    assert "What you can paste" in page("")


def test_without_the_permission_nothing_is_traced():
    client = staff_client("dispatch.view_delivery")

    assert client.get(reverse("admin:dispatch_trace"), {"id": "conversion 1"}).status_code == 403
    assert ask("conversion 1", "dispatch.view_delivery").status_code == 403


@pytest.mark.parametrize(
    "model", ["conversions_click", "conversions_conversion", "conversions_postback", "dispatch_delivery"]
)
def test_a_records_page_has_a_button_that_traces_it(model: str):
    delivery = sent()
    click = delivery.conversion.click
    call = make_postback(
        click.offer.network, {}, click_ref=click.pk, conversion=delivery.conversion, outcome="recorded"
    )
    keys = {
        "conversions_click": click.pk, "conversions_conversion": delivery.conversion_id,
        "conversions_postback": call.pk, "dispatch_delivery": delivery.pk,
    }  # fmt: skip
    app, _, name = model.partition("_")
    client = staff_client("dispatch.trace", f"{app}.view_{name}")
    record = client.get(reverse(f"admin:{model}_change", args=[keys[model]])).content.decode()

    traced_page = client.get(reverse(f"admin:{model}_trace_this", args=[keys[model]]), follow=True).content.decode()

    assert reverse(f"admin:{model}_trace_this", args=[keys[model]]) in record
    assert str(delivery.event_id) in traced_page


def test_the_command_tells_it_in_words_and_as_json(capsys: Any):
    delivery = sent()
    call_command("trace", "conversion", str(delivery.conversion_id))
    words = capsys.readouterr().out

    call_command("trace", str(delivery.event_id), "--json")

    told = json.loads(capsys.readouterr().out)
    assert "TikTok accepted it" in words
    assert (told["verdict"], told["cause"]) == ("delivered", "told")


def test_the_command_fails_when_nothing_has_the_id(capsys: Any):
    with pytest.raises(SystemExit, match="1"):
        call_command("trace", "nothing-of-this-name", "--json")

    assert json.loads(capsys.readouterr().out)["code"] == "not_found"


def test_the_api_answers_as_the_command_does():
    delivery = sent()

    response = ask(str(delivery.event_id), "dispatch.trace", "dispatch.view_delivery")

    told = response.data["subjects"][0]
    assert (response.status_code, told["verdict"]) == (200, "delivered")
    assert told["next_step"]["link"] == reverse("admin:dispatch_delivery_change", args=[delivery.pk])
    assert {moment["link"] for moment in told["timeline"] if moment["stage"] == "click"} == {""}


@pytest.mark.parametrize(("text", "status", "code"), [("", 400, "bad_request"), ("nobody-has-this", 404, "not_found")])
def test_the_api_says_what_is_wrong(text: str, status: int, code: str):
    response = ask(text, "dispatch.trace")

    assert (response.status_code, response.data["code"]) == (status, code)
    assert response.data["message"]


def test_spans_read_as_people_say_them():
    spans = [
        timedelta(milliseconds=40),
        timedelta(seconds=3),
        timedelta(hours=2, minutes=10, seconds=5),
        timedelta(days=3),
    ]

    assert [gap(span).replace("\N{NO-BREAK SPACE}", " ") for span in spans] == ["+40 ms", "+3 s", "+2 h 10 min", "+3 d"]
