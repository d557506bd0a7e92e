"""Secrets at rest: unreadable without the key, never printed, never lost by an innocent call."""

import pickle

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection

from offers.encryption import Secret, SecretUnreadableError, seal
from offers.models import Network
from tests.factories import make_network
from trackingsite.environment import new_field_key

pytestmark = pytest.mark.django_db
CLEAR = "a-secret-that-nobody-may-see"


def stored(network: Network, column: str = "secret") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM offers_network WHERE id = %s", [network.pk])
        return cursor.fetchone()[0]


def test_the_database_holds_ciphertext_only():
    network = make_network(secret=CLEAR)

    assert CLEAR not in stored(network)
    assert Network.objects.get().secret.reveal() == CLEAR


def test_the_same_clear_text_is_never_stored_alike():
    first, second = make_network(secret=CLEAR), make_network(secret=CLEAR)

    assert stored(first) != stored(second)


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{0!r}".format, "%s".__mod__, ascii, vars, pickle.dumps])
def test_no_way_of_printing_a_secret_shows_it(show):
    secret = make_network(secret=CLEAR).secret

    assert CLEAR not in str(show(secret))


def test_no_instance_ever_holds_the_clear_text():
    network = Network(secret=CLEAR)

    assert CLEAR not in str(vars(network)) + repr(vars(network))


def test_an_empty_secret_stays_empty_and_reads_as_unset():
    network = make_network()

    assert stored(network, "previous_secret") == ""
    assert not Network.objects.get().previous_secret


def test_full_clean_leaves_the_secret_alone():
    network = make_network(secret=CLEAR)

    network.full_clean()
    network.save()

    assert Network.objects.get().secret.reveal() == CLEAR


def test_an_update_of_the_queryset_encrypts_too():
    network = make_network()

    Network.objects.update(secret=CLEAR)

    assert CLEAR not in stored(network)
    assert Network.objects.get().secret.reveal() == CLEAR


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_dump_can_be_loaded_again(form: str):
    make_network(secret=CLEAR)
    dump = serializers.serialize(form, Network.objects.all())
    Network.objects.all().delete()

    for row in serializers.deserialize(form, dump):
        row.save()

    assert CLEAR not in dump
    assert Network.objects.get().secret.reveal() == CLEAR


def test_dumpdata_prints_no_clear_text(capsys):
    make_network(secret=CLEAR)

    call_command("dumpdata", "offers.network")

    assert CLEAR not in capsys.readouterr().out


def test_a_deferred_secret_is_fetched_when_it_is_needed():
    make_network(secret=CLEAR)

    network = Network.objects.defer("secret").get()

    assert network.secret.reveal() == CLEAR


def test_a_secret_of_another_column_does_not_decrypt():
    network = make_network(secret=CLEAR)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE offers_network SET previous_secret = secret")

    network.refresh_from_db()

    with pytest.raises(SecretUnreadableError):
        network.previous_secret.reveal()


@pytest.mark.parametrize("tampered", ["k00000000:AAAA", "{}x", "{}", "no colon at all", ":", "k"])
def test_tampered_ciphertext_raises_and_shows_nothing(tampered: str):
    body = seal(CLEAR, "a.B.c").stored
    broken = tampered.format(body[:-8])

    with pytest.raises(SecretUnreadableError) as raised:
        Secret(broken, "a.B.c").reveal()

    assert CLEAR not in str(raised.value)


def test_a_new_key_in_front_encrypts_while_the_old_one_still_decrypts(settings):
    old = make_network(secret=CLEAR)
    settings.FIELD_ENCRYPTION_KEYS = [new_field_key(), *settings.FIELD_ENCRYPTION_KEYS]

    new = make_network(secret=CLEAR)

    assert stored(old).partition(":")[0] != stored(new).partition(":")[0]
    assert {network.secret.reveal() for network in Network.objects.all()} == {CLEAR}


def test_a_removed_key_is_named_instead_of_a_wrong_answer(settings):
    network = make_network(secret=CLEAR)
    settings.FIELD_ENCRYPTION_KEYS = [new_field_key()]

    with pytest.raises(SecretUnreadableError, match=stored(network).partition(":")[0]):
        Network.objects.get().secret.reveal()


def test_nothing_is_stored_in_clear_when_there_is_no_key(settings):
    settings.FIELD_ENCRYPTION_KEYS = []

    with pytest.raises(SecretUnreadableError):
        make_network(secret=CLEAR)

    assert not Network.objects.exists()
