"""A network's postback secret: made by us, rotated with an overlap."""

from datetime import timedelta

import pytest
from django.utils import timezone

from offers.models import Network
from tests.factories import make_network

pytestmark = pytest.mark.django_db


def rotated(overlap: timedelta = timedelta(hours=24)) -> tuple[Network, str]:
    """A stored network whose secret was just rotated, and the old secret."""
    network = make_network(secret="the-old-one")
    network.rotate_secret(timezone.now(), overlap)
    network.save()
    return Network.objects.get(), "the-old-one"


def test_every_network_gets_a_long_secret_of_its_own():
    secrets = {make_network().secret.reveal() for _ in range(5)}

    assert len(secrets) == 5
    assert min(map(len, secrets)) >= 32


def test_only_its_own_secret_is_accepted():
    network = make_network(secret="right")

    assert network.accepts_secret("right", timezone.now())
    assert not any(network.accepts_secret(wrong, timezone.now()) for wrong in ["", "Right", "right ", "rightx", "🔑"])


def test_both_secrets_work_during_the_overlap():
    network, old = rotated()

    assert network.accepts_secret(old, timezone.now())
    assert network.accepts_secret(network.secret.reveal(), timezone.now())


def test_the_old_secret_ends_with_the_overlap():
    network, old = rotated()

    after = timezone.now() + timedelta(hours=24, seconds=1)

    assert not network.accepts_secret(old, after)
    assert network.accepts_secret(network.secret.reveal(), after)


def test_without_an_overlap_the_old_secret_ends_at_once():
    network, old = rotated(timedelta(0))

    assert not network.accepts_secret(old, timezone.now())


def test_rotation_makes_a_new_secret():
    network, old = rotated()

    assert network.secret.reveal() != old
    assert network.previous_secret.reveal() == old


def test_the_empty_string_is_no_secret_before_the_first_rotation():
    assert not make_network().accepts_secret("", timezone.now())
