"""The first page's hint about pages that run a script without being entered."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conversions.models import StrangePage
from offers.models import Offer
from tests.factories import make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
TITLE = "The script of Lamp runs on pages that are not entered"


def called(offer: Offer, host: str, calls: int = 1, days_ago: int = 0) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    StrangePage.objects.create(offer=offer, host=host, calls=calls, first_at=at, last_at=at)


def page(*permissions: str) -> str:
    return staff_client(*permissions or ("conversions.view_strangepage",)).get(reverse("admin:index")).content.decode()


def test_names_the_hosts_of_an_offer_that_called_most():
    offer = make_offer(name="Lamp", page_hosts="lamp.example")
    for number in range(5):
        called(offer, f"copy-{number}.example", calls=300 * number)

    shown = page()

    assert shown.count(TITLE) == 1
    assert "copy-4.example, copy-3.example, copy-2.example and 2 more: 3,000 calls, all refused." in shown
    assert reverse("admin:offers_offer_change", args=[offer.pk]) + "#strange-pages" in shown
    assert TITLE not in page("offers.view_network")


def test_is_silent_about_what_is_entered_counted_old_or_of_an_inactive_offer():
    called(make_offer(name="Lamp", page_hosts="*.lamp.example"), "shop.lamp.example")
    called(make_offer(name="Lamp"), "copy.example")
    called(make_offer(name="Lamp", page_hosts="a.example"), "copy.example", days_ago=2)
    called(make_offer(name="Lamp", page_hosts="a.example", is_active=False), "copy.example")

    assert TITLE not in page()
