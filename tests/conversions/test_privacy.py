"""Neither e-mail nor phone number is ever stored or logged in clear, nor is a postback secret logged."""

import io
import json
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client

from conversions.inserting import PreparedInsert
from conversions.models import Conversion, Postback
from tests.conversions.support import database_text, digest_everything, postback_url, send
from tests.factories import make_click, make_network, make_offer

pytestmark = pytest.mark.django_db
EMAIL, PHONE = "Jane.Doe@example.com", "+1 (213) 373-4253"
LEAKS = ["jane", "doe@", "373-4253", "3734253"]
FORM = "application/x-www-form-urlencoded"
NAMED = {"email": EMAIL, "phone": PHONE}


def leaks_in(text: str) -> list[str]:
    return [leak for leak in LEAKS if leak in text.lower()]


BODIES = {
    "form": (urlencode(NAMED), FORM),
    "form with other names": (urlencode({"buyer_email": EMAIL, "customer[phone]": PHONE}), FORM),
    "json": (json.dumps(NAMED), "application/json"),
    "nested json": (json.dumps({"customer": {"contacts": [NAMED]}}), "application/json"),
    "json with lists": (json.dumps({"customer": {"email": [EMAIL], "phone": [PHONE, PHONE]}}), "application/json"),
    "json in a parameter": (urlencode({"data": json.dumps(NAMED)}), FORM),
    "escaped json in a parameter": (urlencode({"data": json.dumps(NAMED).replace("@", "\\u0040")}), FORM),
    "json in json": (json.dumps({"data": json.dumps({"raw": json.dumps(NAMED)})}), "application/json"),
    "a url in a parameter": (urlencode({"page": "https://shop.example/?" + urlencode(NAMED)}), FORM),
    "a name": (f"{EMAIL}=1&phone:{PHONE}=1", FORM),
    "a bare text": (f"{EMAIL} bought, phone: {PHONE}", "text/plain"),
    "in an id": (urlencode({"txid": EMAIL, "click_id": "phone=" + PHONE}), FORM),
    "beyond the end": (urlencode({"note": "x" * 4090 + EMAIL}), FORM),
    "broken json": (json.dumps(NAMED)[:-1], "application/json"),
    "broken json with a list": ('{"customer": {"phone": ["' + PHONE + '"], "email": "' + EMAIL, "application/json"),
    "broken utf-8": (urlencode(NAMED) + "&x=%ff", FORM),
    "nul": (urlencode({**NAMED, "x": "\x00"}), FORM),
    "utf-16": (urlencode(NAMED).encode("utf-16"), FORM),
    "repeated": (urlencode(NAMED) + "&payout=1&payout=2", FORM),
    "multipart": (f'--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n{PHONE}\r\n--x\r\nContent-Disposition: '
                  f'form-data; name="email"\r\n\r\n{EMAIL}\r\n--x--\r\n', "multipart/form-data; boundary=x"),
    "broken multipart": (f'--x\r\nContent-Disposition: form-data; name="phone"\r\n\r\n{PHONE}\r\n{EMAIL}',
                         "multipart/form-data"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_no_body_leaves_personal_data_in_the_database_or_the_log(name: str, log: io.StringIO):
    body, content_type = BODIES[name]
    click = make_click()
    raw = body if isinstance(body, bytes) else body.encode()

    Client().post(postback_url(click.offer.network) + f"?click_id={click.pk}", raw, content_type=content_type)
    digest_everything()

    assert Postback.objects.count() == 1
    assert leaks_in(database_text()) == []
    assert leaks_in(log.getvalue()) == []


@pytest.mark.parametrize("wrong", ["", "x=%ff&", "payout=1&payout=2&"])
def test_neither_does_a_query(wrong: str, log: io.StringIO):
    click = make_click()

    Client().get(postback_url(click.offer.network) + f"?{wrong}click_id={click.pk}&{urlencode(NAMED)}")
    digest_everything()

    assert leaks_in(database_text()) == []
    assert leaks_in(log.getvalue()) == []


def test_the_hashes_are_kept_with_the_conversion():
    click = make_click()

    send(click.offer.network, click_id=click.pk, email=" ALICE_abc@gmail.com ", phone=PHONE)
    digest_everything()

    conversion = Conversion.objects.get()
    assert conversion.email_sha256 == "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"
    assert conversion.phone_sha256 == "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"
    assert Postback.objects.get().params == {"click_id": click.pk, "email": "[hidden]", "phone": "[hidden]"}


@pytest.mark.parametrize(
    "query",
    [
        urlencode(NAMED),
        urlencode({"Email": EMAIL, "customer_phone": PHONE}),
        urlencode({"utm_content": EMAIL, "utm_term": "phone=" + PHONE}),
        urlencode({"next": "https://shop.example/?" + urlencode(NAMED)}),
        urlencode({"utm_source": "x" * 7000, "note": EMAIL}),
        f"%65mail={EMAIL}&p%68one=12133734253",
    ],
)
@pytest.mark.parametrize("landing_url", ["https://landing.example/?a=1", ""])
def test_neither_does_a_tracking_link(query: str, landing_url: str, log: io.StringIO):
    offer = make_offer(landing_url=landing_url)

    referrer = f"https://search.example/?q=1&{query}"
    response = Client().get(f"/c/{offer.slug}/?{query}", headers={"referer": referrer})

    assert (response.status_code, offer.clicks.count()) == (302, 1)
    assert leaks_in(database_text()) == []
    assert leaks_in(log.getvalue()) == []


def test_the_secret_is_in_no_log_line_whatever_the_answer(log: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    network = make_network(secret="THE-POSTBACK-SECRET", allowed_ips="203.0.113.9")
    url, known = postback_url(network), Client(REMOTE_ADDR="203.0.113.9")

    def away(*args, **kwargs):
        raise OperationalError(f"could not connect while serving {url}")

    answers = [known.get(url), known.get(url + "?payout=%ff"), known.get(url + "?payout=" + "x" * 9000)]
    answers += [known.put(url), Client().get(url), Client().get(url.rstrip("/")), Client().get(url + "more/")]
    answers += [Client().get(url.replace("SECRET", "OTHER"))]
    with connection.execute_wrapper(away):
        answers += [known.get(url)]

    assert [answer.status_code for answer in answers] == [200, 400, 413, 405, 404, 404, 404, 404, 503]
    assert log.getvalue().count("/postback/") >= 8
    assert "THE-POSTBACK" not in log.getvalue()


def test_the_secret_is_in_no_traceback_of_a_fault_of_ours(log: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    network = make_network(secret="THE-POSTBACK-SECRET")

    def fail(*args, **kwargs):
        raise RuntimeError(f"while serving {postback_url(network)}?email={EMAIL}")

    monkeypatch.setattr(PreparedInsert, "__call__", fail)
    answer = Client(raise_request_exception=False).get(postback_url(network))

    assert answer.status_code == 500
    assert "Traceback" in log.getvalue()
    assert "THE-POSTBACK" not in log.getvalue()
    assert EMAIL not in log.getvalue()
