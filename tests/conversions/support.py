"""What the tests of this folder do again and again."""

from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from conversions.digest import digest_batch
from offers.models import Network


def rules_for_words(*words: str) -> list[dict[str, Any]]:
    """Rules by which approved postbacks are Purchases: one for any event, and one made for each of the words."""
    return [{"trigger": "approved", "event_name": "Purchase", "network_event": word} for word in ("", *words)]


def postback_url(network: Network, secret: str = "") -> str:
    return f"/postback/{network.slug}/{secret or network.secret.reveal()}/"


def send(network: Network, **params: Any):
    """A postback by GET; the answer."""
    return Client().get(postback_url(network), params)


def digest_everything() -> int:
    """Digest until nothing is due; how many postbacks that were."""
    done = 0
    while count := digest_batch(timezone.now()):
        done += count
    return done


def database_text() -> str:
    """Every value of every table as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return "\n".join(map(str, rows))
