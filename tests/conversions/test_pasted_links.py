"""Links as people paste them: without the last slash."""

import pytest
from django.test import Client

from conversions.models import Click, Postback
from tests.conversions.support import postback_url
from tests.factories import make_click, make_network, make_offer

pytestmark = pytest.mark.django_db


def test_the_tracking_link_works_without_its_last_slash():
    response = Client().get(f"/c/{make_offer().slug}?ttclid=E.C.P.1")

    assert response.status_code == 302
    assert Click.objects.get().ttclid == "E.C.P.1"


def test_the_outbound_link_works_without_its_last_slash():
    click = make_click()

    assert click.pk in Client().get(f"/go/{click.pk}")["Location"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_postback_works_without_its_last_slash(method: str):
    network = make_network()

    response = getattr(Client(), method)(postback_url(network).rstrip("/"), {"txid": "T-1"})

    assert response.status_code == 200
    assert Postback.objects.get().params == {"txid": "T-1"}


def test_a_redirect_lets_the_next_site_see_where_the_visitor_came_from():
    response = Client().get(f"/go/{make_click().pk}/")

    assert response["Referrer-Policy"] == "strict-origin-when-cross-origin"
