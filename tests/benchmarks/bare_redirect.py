"""The baseline of `redirect`: a minimal Django view that stores the same row by one prepared statement, then a 302.

It is told the columns of the row, has no middleware, and reads nothing but the query. Granian runs it as
`tests.benchmarks.bare_redirect:application`.
"""

import os
import secrets

from django.db import connection
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path
from django.utils import timezone

from tests.benchmarks.bare import ROW, application_of, insert_into

TARGET = os.environ["BARE_TARGET"]
COLUMNS = ("ttclid", "utm_source", "utm_medium", "utm_campaign", "campaign_id")
INSERT = insert_into("conversions_click")


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
application = application_of(__name__)
