"""The record of what was sent and what came back: one DeliveryAttempt for each delivery of a request."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from dispatch.models import Credential, DeliveryAttempt
from dispatch.outbox import Shipment
from dispatch.tiktok.client import Reply
from dispatch.tiktok.payload import redacted

TABLE = DeliveryAttempt._meta.db_table
FIELDS: dict[str, Any] = {field.name: field for field in DeliveryAttempt._meta.concrete_fields}
IS_JSON = {"postgresql": "CAST({} AS jsonb)"}


def record_attempts(shipments: Sequence[Shipment], reply: Reply, credential: Credential, started_at: datetime) -> None:
    """One DeliveryAttempt for each delivery of a request, with its payload shortened where it is personal.

    One statement in which the delivery and its payload alone differ from row to row: bulk_create() takes ten times as
    long, as it makes a model and fourteen parameters of each row.
    """
    shared = prepared(
        credential=credential.pk,
        request=uuid.uuid4(),
        batch_size=len(shipments),
        started_at=started_at,
        duration_ms=reply.duration_ms,
        verdict=reply.verdict,
        http_status=reply.http_status,
        code=reply.code,
        message=reply.message,
        request_id=reply.request_id,
    )
    own = [(shipment.delivery.pk, orjson.dumps(redacted(shipment.event)).decode()) for shipment in shipments]
    with connection.cursor() as cursor:
        cursor.execute(insert(list(shared), len(own)), [*shared.values(), *(value for row in own for value in row)])


def prepared(**values: Any) -> dict[str, Any]:
    """Columns with their values as this database wants them. Raises KeyError for a wrong name."""
    return {FIELDS[name].column: FIELDS[name].get_db_prep_save(value, connection) for name, value in values.items()}


def insert(shared: list[str], rows: int) -> str:
    """INSERT of so many rows: the shared columns' values come first, then delivery and payload of each row."""
    payload = IS_JSON.get(connection.vendor, "{}").format("own.column2")
    values = ", ".join(["(%s, %s)"] * rows)
    return (
        f"INSERT INTO {TABLE} ({', '.join(shared)}, delivery_id, payload) "  # noqa: S608 - our own names
        f"SELECT {', '.join(['%s'] * len(shared))}, own.column1, {payload} FROM (VALUES {values}) AS own"
    )
