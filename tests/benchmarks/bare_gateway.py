"""The baseline of `gateway`: a minimal Django view that stores the same row by one prepared statement.

It is told the network's secret and the columns of the row, has no middleware, and reads nothing but the query. Granian
runs it as `tests.benchmarks.bare_gateway:application`.
"""

import hmac
import os

import orjson
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from tests.benchmarks.bare import ROW, application_of, insert_into

SECRET = os.environ["BARE_SECRET"].encode()
INSERT = insert_into("conversions_postback") + " RETURNING id"


def keep(request: HttpRequest, slug: str, secret: str) -> HttpResponse:
    if not hmac.compare_digest(secret.encode(), SECRET):
        return HttpResponse("Not found.\n", status=404)
    now = timezone.now()
    own = {"received_at": now, "due_at": now, "method": request.method, "remote_ip": request.META["REMOTE_ADDR"]}
    row = ROW | own | {"params": orjson.dumps(request.GET.dict()).decode()}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, list(row.values()))
    return HttpResponse("OK\n", content_type="text/plain; charset=utf-8")


urlpatterns = [path("postback/<slug:slug>/<str:secret>/", keep)]
application = application_of(__name__)
