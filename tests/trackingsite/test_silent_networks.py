"""The first page names networks that should have called by now."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from offers.models import Network
from tests.factories import make_network
from tests.staff import staff_client

pytestmark = pytest.mark.django_db


def needs(*permissions: str) -> list[Any]:
    found = staff_client(*permissions or ("offers.view_network",)).get(reverse("admin:index")).context["needs"]
    return [need for need in found if need.title.startswith("Nothing from")]


def test_a_silent_network_is_named_and_led_to():
    heard_at = timezone.now() - timedelta(hours=30)
    network = make_network(name="House", silence_hours=24, heard_at=heard_at)

    [need] = needs()

    assert (need.title, need.tone) == ("Nothing from House for 30 hours", "warn")
    assert need.words.startswith("It called last at ")
    assert "it may be silent for 24 hours" in need.words
    assert need.link == reverse("admin:offers_network_change", args=[network.pk])


def test_one_that_never_called_is_named_too():
    network = make_network(name="House", silence_hours=1)
    Network.objects.filter(pk=network.pk).update(created_at=timezone.now() - timedelta(days=3))

    [need] = needs()

    assert need.title == "Nothing from House for 3 days"
    assert need.words.startswith("It has never called, ")


def test_the_others_are_not():
    long_ago = timezone.now() - timedelta(days=9)
    make_network(heard_at=long_ago)
    make_network(heard_at=long_ago, silence_hours=24, is_active=False)
    make_network(heard_at=timezone.now(), silence_hours=24)

    assert needs() == []


def test_only_those_are_told_who_may_see_networks():
    make_network(silence_hours=1, heard_at=timezone.now() - timedelta(days=3))

    assert needs("offers.view_pixel") == []
