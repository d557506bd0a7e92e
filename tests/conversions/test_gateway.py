"""The postback gateway when all is well: authenticate, keep, answer."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversions import configuration
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from offers.models import Network
from tests.conversions.support import digest_everything, postback_url, send
from tests.factories import make_click, make_network, make_offer

pytestmark = pytest.mark.django_db


def test_a_postback_is_kept_before_it_is_answered(woken: list[str], django_capture_on_commit_callbacks):
    network = make_network()

    with django_capture_on_commit_callbacks(execute=True):
        response = send(network, click_id="a" * 26, payout="12.50")

    postback = Postback.objects.get()
    assert (response.status_code, response.content) == (200, b"OK\n")
    assert (postback.params, postback.method) == ({"click_id": "a" * 26, "payout": "12.50"}, "GET")
    assert (postback.outcome, postback.remote_ip) == (Outcome.RECEIVED, "127.0.0.1")
    assert woken == ["conversions.tasks.digest"]


def test_it_costs_one_statement(django_assert_num_queries):
    network = make_network()
    send(network)

    with django_assert_num_queries(1):
        send(network)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "txid=T%201&payout=12.5&sum="),
        ("application/x-www-form-urlencoded; charset=UTF-8", "txid=T+1&payout=12.5&sum="),
        ("text/plain", "txid=T+1&payout=12.5&sum="),
        ("application/json", '{"txid": "T 1", "payout": 12.5, "sum": "", "gone": null}'),
        ("application/vnd.api+json", '\n {"txid": "T 1", "payout": 12.5, "sum": ""}'),
        ("application/x-www-form-urlencoded", '{"txid": "T 1", "payout": 12.5, "sum": ""}'),
        ('multipart/form-data; boundary="xx"', "\r\n".join(
            ["--xx", 'Content-Disposition: form-data; name="txid"', "", "T 1",
             "--xx", 'Content-Disposition: form-data; name="payout"', "", "12.5",
             "--xx", 'Content-Disposition: form-data; name="sum"', "", "", "--xx--", ""])),
    ],
)  # fmt: skip
def test_a_body_is_read_as_form_json_or_multipart(content_type: str, body: str):
    network = make_network()

    response = Client().post(postback_url(network), body.encode(), content_type=content_type)

    assert response.status_code == 200
    assert Postback.objects.get().params == {"txid": "T 1", "payout": "12.5", "sum": ""}


def test_query_and_body_are_read_together():
    network = make_network()

    Client().post(postback_url(network) + "?click_id=abc", {"payout": "1"}, content_type="application/json")

    assert Postback.objects.get().params == {"click_id": "abc", "payout": "1"}


def test_nested_json_is_kept_for_an_adapter_to_open():
    network = make_network()

    Client().post(postback_url(network), '{"items": [{"sku": "x", "n": 1}], "test": true}', content_type="text/json")

    params = Postback.objects.get().params
    assert (json.loads(params["items"]), params["test"]) == ([{"sku": "x", "n": 1}], "true")


def test_numbers_in_json_keep_their_digits():
    network = make_network()
    body = (
        '{"txid": 12345678901234567890123, "x": -9223372036854775808, "payout": 40.5, "n": [12345678901234567890123]}'
    )

    Client().post(postback_url(network), body, content_type="application/json")

    assert Postback.objects.get().params == {
        "txid": "12345678901234567890123",
        "x": "-9223372036854775808",
        "payout": "40.5",
        "n": '["12345678901234567890123"]',
    }


def test_a_parameter_that_came_twice_alike_is_no_contradiction():
    network = make_network()

    response = Client().post(postback_url(network) + "?payout=1", {"payout": "1"})

    assert (response.status_code, Postback.objects.get().params) == (200, {"payout": "1"})


@pytest.mark.parametrize(("query", "headers"), [("?wait=1", {}), ("", {"Prefer": "wait"}), ("", {"Prefer": "wait=10"})])
def test_whoever_waits_gets_the_outcome(query: str, headers: dict[str, str]):
    click = make_click()
    url = postback_url(click.offer.network) + query

    response = Client().post(url, {"click_id": click.pk, "txid": "T-1"}, headers=headers)

    conversion = Conversion.objects.get()
    answer = response.json()
    assert (response.status_code, answer["outcome"], answer["meaning"]) == (200, "recorded", "Recorded")
    assert (answer["event"], answer["event_id"]) == ("Purchase", str(conversion.event_id))
    assert (answer["postback"], answer["detail"]) == (Postback.objects.get().pk, "")
    assert "Nothing to do" in answer["advice"]


@pytest.mark.parametrize("outcome", Outcome.values)
def test_every_outcome_says_what_to_do(outcome: str):
    assert len(Outcome(outcome).advice) > 20


def test_whoever_waits_learns_why_nothing_was_recorded():
    answer = send(make_network(), wait="1", click_id="{click_id}").json()

    assert (answer["outcome"], answer["event_id"]) == ("unreplaced_macro", None)
    assert "{click_id}" in answer["detail"]


def test_any_accept_header_is_fine():
    url = postback_url(make_network())

    answers = [Client().get(url, headers={"accept": accept}) for accept in ("image/gif", "text/html", "x", "*/*;q=0")]

    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("method", ["head", "put", "patch", "delete", "options"])
def test_other_methods_are_refused(method: str):
    response = getattr(Client(), method)(postback_url(make_network()))

    assert response.status_code == 405
    assert not Postback.objects.exists()


def test_no_cookie_is_set_and_none_is_needed():
    response = Client(enforce_csrf_checks=True).post(postback_url(make_network()))

    assert response.status_code == 200
    assert not response.cookies


def test_both_secrets_work_while_a_rotation_overlaps():
    network = make_network(secret="the-old-one")
    send(network)
    network.rotate_secret(timezone.now())
    network.save()

    old = Client().get(postback_url(network, "the-old-one"))
    new = send(network)

    assert (old.status_code, new.status_code) == (200, 200)


def test_the_old_secret_ends_with_the_overlap():
    network = make_network(secret="the-old-one")
    network.rotate_secret(timezone.now() - timedelta(hours=25))
    network.save()

    assert Client().get(postback_url(network, "the-old-one")).status_code == 404


def test_a_fresh_secret_works_at_once_where_another_process_rotated_it():
    network = make_network()
    send(network)  # this process keeps the network with its old secret now
    assert configuration.networks.rows

    Network.objects.update(secret="a-fresh-one")

    assert Client().get(postback_url(network, "a-fresh-one")).status_code == 200


def test_postbacks_of_an_inactive_offer_are_still_recorded():
    click = make_click(make_offer(is_active=False))

    send(click.offer.network, click_id=click.pk)
    digest_everything()

    assert Conversion.objects.get().status == "approved"


@pytest.mark.parametrize("listed", ["203.0.113.9", "203.0.113.0/24\n2001:db8::/32"])
def test_a_listed_address_is_taken(listed: str):
    url = postback_url(make_network(allowed_ips=listed))

    assert Client(REMOTE_ADDR="203.0.113.9").get(url).status_code == 200


def test_behind_a_proxy_the_callers_own_address_is_looked_up(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    url = postback_url(make_network(allowed_ips="203.0.113.9"))

    answers = [
        Client(REMOTE_ADDR="10.0.0.1").get(url, headers={"x-forwarded-for": forwarded})
        for forwarded in ("203.0.113.9", "6.6.6.6", "203.0.113.9, 6.6.6.6", "6.6.6.6, 203.0.113.9")
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 404, 200]
