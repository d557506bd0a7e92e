"""The baseline of `redirect`: a minimal Django view that stores the same row by one prepared statement, then a 302.

It is told the columns of the row, has no middleware, and reads nothing but the query. Granian runs it as
`tests.benchmarks.bare_redirect:application`.
"""

import os
import secrets

import django
import orjson
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path
from django.utils import timezone

from trackingsite.environment import read_database, read_environment

ROW = orjson.loads(os.environ["BARE_ROW"])  # what every row has, by column
TARGET = os.environ["BARE_TARGET"]
COLUMNS = ("ttclid", "utm_source", "utm_medium", "utm_campaign", "campaign_id")
INSERT = f"INSERT INTO conversions_click ({', '.join(ROW)}) VALUES ({', '.join('%s' for _ in ROW)})"


def keep(request: HttpRequest, slug: str) -> HttpResponseRedirect:
    click_id = secrets.token_hex(13)
    url = f"{TARGET}?{request.META['QUERY_STRING']}&click_id={click_id}"
    own = {"id": click_id, "created_at": timezone.now(), "landing_url": url, "ip": request.META["REMOTE_ADDR"]}
    own["user_agent"] = request.META["HTTP_USER_AGENT"]
    row = ROW | own | {name: request.GET.get(name, "") for name in COLUMNS}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, list(row.values()))
    return HttpResponseRedirect(url)


urlpatterns = [path("c/<slug:slug>/", keep)]

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
