"""What counts as an outage, and how a worker gets away from a standby that was the primary a moment ago."""

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, connection

from conversions import tasks
from conversions.models import Postback
from conversions.outage import is_outage, leaving_a_standby
from tests.factories import make_network, make_postback, standby_error


@pytest.mark.parametrize("error", [OperationalError(), InterfaceError(), standby_error()])
def test_what_can_succeed_later_is_an_outage(error: Exception):
    assert is_outage(error)


@pytest.mark.parametrize("error", [DataError(), InternalError(), ValueError()])
def test_what_is_wrong_for_good_is_none(error: Exception):
    assert not is_outage(error)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("error", "is_left"), [(standby_error(), True), (DataError(), False)])
def test_a_standby_is_left(error: Exception, is_left: bool):
    connection.ensure_connection()

    with pytest.raises(type(error)), leaving_a_standby():
        raise error

    assert (connection.connection is None) == is_left


@pytest.mark.django_db(transaction=True)
def test_the_digest_goes_on_with_the_new_primary():
    make_postback(make_network(), {})
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")  # for this connection, as of a standby
        with pytest.raises(InternalError):
            tasks.digest()

    assert tasks.digest() == 1
    assert Postback.objects.get().outcome == "missing_click_id"
