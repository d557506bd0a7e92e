"""The postback gateway when something is wrong: what is answered, and what is kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversions import configuration
from conversions.digest import Digest, claim
from conversions.inserting import PreparedInsert
from conversions.models import Postback
from conversions.outcomes import Outcome
from offers.models import Network
from tests.conversions.support import digest_everything, postback_url, send
from tests.factories import make_click, make_network, make_postback, standby_error
from tests.second_connection import PATIENCE

pytestmark = pytest.mark.django_db
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def post(network: Network, body: bytes, content_type: str = FORM, query: bytes = b""):
    return Client().generic("POST", postback_url(network), body, content_type, QUERY_STRING=query.decode("latin-1"))


def test_every_reason_to_turn_a_caller_away_looks_the_same():
    network, inactive = make_network(), make_network(is_active=False)
    limited = make_network(allowed_ips="203.0.113.9")

    answers = [
        Client().get(url)
        for url in [
            postback_url(network, "wrong"),
            postback_url(network, network.secret.reveal() + "x"),
            postback_url(network, network.secret.reveal().swapcase()),
            f"/postback/no-such-network/{network.secret.reveal()}/",
            postback_url(inactive),
            postback_url(limited),
            postback_url(limited, "wrong"),
        ]
    ]

    assert len({(a.status_code, a.content, tuple(sorted(a.headers.items()))) for a in answers}) == 1
    assert (answers[0].status_code, answers[0].content) == (404, b"Not found.\n")


def test_strangers_leave_nothing_behind_but_that_they_came():
    network = make_network()

    Client().get(postback_url(network, "wrong"), {"click_id": "x"})
    Client().post(postback_url(network, "wrong"), b"x" * 100_000, content_type=FORM)

    assert not Postback.objects.exists()
    network.refresh_from_db()
    assert timezone.now() - network.turned_away_at < timedelta(minutes=1)


def test_of_an_inactive_network_it_is_not_even_noticed():
    inactive = make_network(is_active=False)

    Client().get(postback_url(inactive, "wrong"))

    inactive.refresh_from_db()
    assert inactive.turned_away_at is None


def test_many_calls_with_a_wrong_secret_write_every_few_seconds(django_assert_num_queries):
    network, before = make_network(), timezone.now()
    Client().get(postback_url(network, "wrong"))

    with django_assert_num_queries(1):
        Client().get(postback_url(network, "wrong"))
    Network.objects.update(turned_away_at=before - timedelta(seconds=6))
    Client().get(postback_url(network, "wrong"))

    assert Network.objects.get().turned_away_at >= before


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_for_a_writer_to_be_turned_away():
    network = make_network()
    call = make_postback(network, {})

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        claim(Postback.objects.filter(pk=call.pk))
        answer = pool.submit(call_with_a_wrong_secret, network)

        assert answer.result(PATIENCE) == 404

    call_with_a_wrong_secret(network)
    network.refresh_from_db()
    assert network.turned_away_at is not None


def call_with_a_wrong_secret(network: Network) -> int:
    try:
        return Client().get(postback_url(network, "wrong")).status_code
    finally:
        connection.close()


def test_the_right_secret_from_a_wrong_address_is_kept_with_its_reason():
    network = make_network(allowed_ips="203.0.113.9")

    send(network, click_id="x")

    postback = Postback.objects.get()
    assert (postback.outcome, postback.due_at) == (Outcome.IP_NOT_ALLOWED, None)
    assert "127.0.0.1" in postback.detail


def test_a_forged_header_does_not_get_past_the_address_list():
    url = postback_url(make_network(allowed_ips="203.0.113.9"))

    assert Client().get(url, headers={"x-forwarded-for": "203.0.113.9"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "content_type", "status", "outcome"),
    [
        (b"a" * 65_537, FORM, 413, Outcome.TOO_LARGE),
        (b"&".join(b"a%d=1" % n for n in range(251)), FORM, 413, Outcome.TOO_LARGE),
        (b"{" + b",".join(b'"a%d":1' % n for n in range(251)) + b"}", JSON, 413, Outcome.TOO_LARGE),
        (b"payout=%ff", FORM, 400, Outcome.UNDECODABLE),
        (b"payout=\xff", FORM, 400, Outcome.UNDECODABLE),
        (b"payout=1&x=%00", FORM, 400, Outcome.UNDECODABLE),
        (b"payout=1&%00x=1", FORM, 400, Outcome.UNDECODABLE),
        (b'{"payout": "1\\u0000"}', JSON, 400, Outcome.UNDECODABLE),
        (b'{"payout": "\\ud800"}', JSON, 400, Outcome.UNDECODABLE),
        (b'{"payout": NaN}', JSON, 400, Outcome.UNDECODABLE),
        (b'{"payout": 1', JSON, 400, Outcome.UNDECODABLE),
        (b'[{"payout": 1}]', JSON, 400, Outcome.UNDECODABLE),
        (b"payout=1", JSON, 400, Outcome.UNDECODABLE),
        (b'"payout"', JSON, 400, Outcome.UNDECODABLE),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", JSON, 400, Outcome.UNDECODABLE),
        (b'{"a":' + b"[" * 20_000 + b"}", JSON, 400, Outcome.UNDECODABLE),
        (b"--xx\r\nbroken", "multipart/form-data", 400, Outcome.UNDECODABLE),
        (b"payout=1&payout=2", FORM, 400, Outcome.REPEATED_PARAMETER),
        (b"click_id=a&Click_ID=b", FORM, 400, Outcome.REPEATED_PARAMETER),
        (b'{"payout": 1, "payout": 2}', JSON, 400, Outcome.REPEATED_PARAMETER),
        (b'{"txid": "a", "x": {"y": 1}, "TXID": "b"}', JSON, 400, Outcome.REPEATED_PARAMETER),
        (b"status=&status=approved", FORM, 400, Outcome.REPEATED_PARAMETER),
    ],
)
def test_an_authentic_call_that_can_not_be_read_is_refused_and_kept(body, content_type, status, outcome):
    network = make_network()

    response = post(network, body, content_type)

    postback = Postback.objects.get()
    assert (response.status_code, postback.outcome, postback.due_at) == (status, outcome, None)
    assert response.content.decode() == f"{outcome}: {postback.detail}\n"


@pytest.mark.parametrize(
    ("query", "status", "outcome"),
    [
        (b"a=" + b"x" * 8192, 413, Outcome.TOO_LARGE),
        (b"&".join(b"a=%d" % n for n in range(251)), 413, Outcome.TOO_LARGE),
        (b"payout=%c3%28", 400, Outcome.UNDECODABLE),
        (b"payout=\xc3\x28", 400, Outcome.UNDECODABLE),
        (b"txid=1&TXID=2", 400, Outcome.REPEATED_PARAMETER),
    ],
)
def test_so_is_a_query_that_can_not_be_read(query: bytes, status: int, outcome: str):
    network = make_network()

    response = post(network, b"", query=query)

    postback = Postback.objects.get()
    assert (response.status_code, postback.outcome) == (status, outcome)
    assert postback.raw_call == query.decode("latin-1")[:2000]


def test_a_parameter_that_decides_nothing_may_come_twice():
    assert post(make_network(), b"sub9=1&sub9=2").status_code == 200


def test_query_and_body_must_not_contradict_each_other():
    response = post(make_network(), b"payout=1", query=b"payout=100")

    assert response.status_code == 400


def chunked(body: bytes):
    """A body without a length, as the server hands over what came in chunks."""
    environ = {"wsgi.input": BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": FORM}
    return Client().generic("POST", postback_url(make_network()), **environ)


def test_a_chunked_body_is_read():
    response = chunked(b"a=1")

    assert (response.status_code, Postback.objects.get().params) == (200, {"a": "1"})


def test_a_chunked_body_has_the_same_limit():
    response = chunked(b"a=" + b"1" * 70_000)

    assert (response.status_code, Postback.objects.get().outcome) == (413, Outcome.TOO_LARGE)


def test_a_body_that_ends_early_is_refused():
    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("connection reset")

    environ = {"wsgi.input": Broken(), "CONTENT_LENGTH": "10", "CONTENT_TYPE": FORM}

    response = Client().generic("POST", postback_url(make_network()), **environ)

    assert response.status_code == 400
    assert Postback.objects.get().outcome == Outcome.UNDECODABLE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("known", [True, False])
def test_without_the_database_the_sender_is_told_to_try_again(error, known: bool):
    network = make_network()
    url = postback_url(network)
    if known:
        configuration.networks.get(network.slug)

    def away(*args, **kwargs):
        raise error("server closed the connection")

    with connection.execute_wrapper(away):
        answers = [Client().get(url), Client().post(url, {"a": "1"}), Client().get(url + "?wait=1")]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all(int(answer["Retry-After"]) > 0 for answer in answers)
    assert not Postback.objects.exists()


@pytest.mark.parametrize("error", [OperationalError("lock timeout"), InterfaceError("closed"), standby_error()])
def test_a_kept_postback_that_can_not_be_digested_at_once_is_received(error, monkeypatch, woken: list[str]):
    def busy(digest, postbacks):
        raise error

    monkeypatch.setattr(Digest, "run", busy)
    response = send(make_network(), wait="1", click_id="a" * 26)

    assert (response.status_code, response.json()["outcome"]) == (200, "received")
    assert Postback.objects.due(timezone.now()).get().pk == response.json()["postback"]
    assert woken == ["conversions.tasks.digest"]


def test_a_failing_commit_is_never_answered_with_200(monkeypatch: pytest.MonkeyPatch):
    network = make_network()

    def fail(*args, **kwargs):
        raise OperationalError("disk full")

    monkeypatch.setattr(PreparedInsert, "__call__", fail)

    assert send(network).status_code == 503


def test_an_unreadable_secret_is_an_outage_and_not_a_wrong_secret(settings):
    network = make_network()
    url = postback_url(network)
    settings.FIELD_ENCRYPTION_KEYS = ["MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="]

    assert Client().get(url).status_code == 503


TEXT = st.one_of(st.text(max_size=30), st.sampled_from(["\x00", "\u2028", "</script>", "9" * 400, "{x}", "٣", "1e9"]))
KEYS = st.one_of(TEXT, st.sampled_from(["click_id", "payout", "amount", "txid", "status", "ts", "currency", "email"]))


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.binary(max_size=60),
    body=st.one_of(
        st.binary(max_size=120),
        st.dictionaries(KEYS, st.one_of(TEXT, st.integers(), st.floats(), st.lists(TEXT, max_size=3)), max_size=5),
    ),
    content_type=st.sampled_from([JSON, FORM, "text/plain", "multipart/form-data; boundary=x", "x", ""]),
)
def test_nothing_that_a_sender_can_send_is_a_fault_of_ours(query, body, content_type):
    network = Network.objects.first() or make_network()
    raw = body if isinstance(body, bytes) else Client()._encode_json(body, JSON).encode(errors="surrogatepass")

    response = post(network, raw, content_type, query)
    digest_everything()

    assert response.status_code in (200, 400, 413)
    assert not Postback.objects.filter(outcome=Outcome.FAILED).exists()


@hypothesis_settings(max_examples=60, deadline=None)
@given(fields=st.dictionaries(KEYS, TEXT, max_size=6))
def test_nothing_that_a_parameter_can_say_is_a_fault_of_ours(fields: dict[str, str]):
    click = make_click()

    response = Client().post(postback_url(click.offer.network), {"click_id": click.pk, **fields})
    digest_everything()

    assert response.status_code in (200, 400)
    assert not Postback.objects.filter(outcome=Outcome.FAILED).exists()


def test_the_trailing_newline_of_no_value_matters():
    click = make_click()

    answer = send(click.offer.network, click_id=f" {click.pk.upper()}\n", payout=" 1.5\n", wait="1").json()

    assert answer["outcome"] == Outcome.RECORDED
