"""The baseline of `gateway`: a minimal Django view that stores the same row by one prepared statement.

It is told the network's secret and the columns of the row, has no middleware, and reads nothing but the query. Granian
runs it as `tests.benchmarks.bare_gateway:application`.
"""

import hmac
import os

import django
import orjson
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

from trackingsite.environment import read_database, read_environment

SECRET = os.environ["BARE_SECRET"].encode()
ROW = orjson.loads(os.environ["BARE_ROW"])  # what every row has, by column
INSERT = f"INSERT INTO conversions_postback ({', '.join(ROW)}) VALUES ({', '.join('%s' for _ in ROW)}) RETURNING id"


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

database = read_database(read_environment())
database |= {"CONN_MAX_AGE": None, "OPTIONS": {"server_side_binding": True, "prepare_threshold": 0}}
settings.configure(
    DATABASES={"default": database},
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    SECRET_KEY=os.environ["DJANGO_SECRET_KEY"],
)
django.setup()
application = get_wsgi_application()
