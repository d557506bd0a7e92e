"""The short way of hot paths, and the plain answer when the database is away."""

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory

from offers.encryption import SecretUnreadableError
from tests.factories import make_click, make_network, make_offer, standby_error
from trackingsite import middleware


def never(request):
    raise AssertionError("the long way was taken")


def answer_of(error: Exception, path: str = "/c/demo/", monkeypatch=None):
    def view(request, **kwargs):
        raise error

    monkeypatch.setattr(middleware, "resolve", lambda path: type("Match", (), {"func": view, "args": (), "kwargs": {}}))
    return middleware.HotPathMiddleware(never)(RequestFactory().get(path))


@pytest.mark.parametrize("path", ["/health", "/admin/login/", "/demo/landing/", "/cx/", "/postbacks/", "/C/demo/"])
def test_other_paths_go_the_long_way(path: str):
    response = middleware.HotPathMiddleware(lambda request: HttpResponse("long way"))(RequestFactory().get(path))

    assert response.content == b"long way"


@pytest.mark.django_db
def test_hot_paths_need_no_session_and_read_no_user(django_assert_num_queries):
    click = make_click()
    client = Client()
    client.cookies["sessionid"] = "a-session-that-nobody-looks-up"

    with django_assert_num_queries(1):
        client.get(f"/go/{click.pk}/")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/c/{offer}/", "/postback/{network}/{secret}/"])
def test_hot_paths_keep_the_security_headers(path: str):
    network = make_network()
    url = path.format(offer=make_offer().slug, network=network.slug, secret=network.secret.reveal())

    assert Client().get(url)["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/c/", "/c/demo/more/", "/go/", "/postback/", "/postback/a/", "/postback/a/b/c/"])
def test_an_unknown_hot_path_is_a_404(path: str):
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize(
    "error", [OperationalError("x"), InterfaceError("x"), standby_error(), SecretUnreadableError("x")]
)
def test_an_outage_is_a_503_that_asks_to_try_again(error: Exception, monkeypatch):
    response = answer_of(error, monkeypatch=monkeypatch)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"send it again" in response.content


@pytest.mark.parametrize("error", [DataError("x"), InternalError("x"), ValueError("x")])
def test_a_fault_of_ours_is_no_outage(error: Exception, monkeypatch):
    with pytest.raises(type(error)):
        answer_of(error, monkeypatch=monkeypatch)


def test_an_outage_says_nothing_of_its_cause(log_text, monkeypatch):
    response = answer_of(OperationalError("could not connect to db.internal as admin"), monkeypatch=monkeypatch)

    assert b"db.internal" not in response.content
    assert "db.internal" not in log_text()


@pytest.fixture
def log_text(caplog):
    return lambda: caplog.text


def test_the_long_way_answers_an_outage_alike():
    outage = middleware.DatabaseAwayMiddleware(never)

    response = outage.process_exception(RequestFactory().get("/demo/landing/"), OperationalError("x"))

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert outage.process_exception(RequestFactory().get("/"), ValueError("x")) is None


def test_a_lazy_response_is_rendered_before_it_leaves():
    class Lazy(TemplateResponse):
        @property
        def rendered_content(self):
            return "rendered"

    assert middleware.rendered(Lazy(RequestFactory().get("/"), "x.html")).content == b"rendered"
