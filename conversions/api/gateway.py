"""The postback gateway: authenticate, keep, answer. A DRF view stripped to what it needs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from conversions import clock, configuration
from conversions.calls import UnreadableCallError
from conversions.digest import digest_one
from conversions.intake import keep
from conversions.models import Postback
from conversions.outage import is_outage
from conversions.outcomes import Outcome
from conversions.wake import digest_soon
from offers.models import Network

logger = logging.getLogger(__name__)

NOT_FOUND = "Not found.\n"
TURNED_AWAY_PRECISION = timedelta(seconds=5)
PATIENCE_MS = 500


class PostbackView(APIView):
    """`GET or POST /postback/<network>/<secret>/`: 200 once the call is committed, and only then.

    Unknown network, wrong secret, wrong address and wrong signature get the same 404. With `wait=1` or `Prefer: wait`
    the answer is JSON with the outcome, which is “received” when the digest has to wait for the database.
    """

    http_method_names = ["get", "post"]  # a link checker's HEAD must not report a sale
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Straight to the work: DRF's own way there negotiates what is not negotiable, on every call."""
        if request.method in ("GET", "POST"):
            return self.take(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def take(self, request: HttpRequest, slug: str, secret: str) -> HttpResponse:
        """Keep the call and answer it. Raises django.db.Error and SecretUnreadableError, for the middleware."""
        now = clock.now()
        network = authenticate(slug, secret, now)
        if network is None:
            return plain(NOT_FOUND, 404)
        postback, error = keep(network, request, now)
        if error:
            return refusal(error)
        if wants_outcome(request):
            return outcome_answer(digested(postback))
        transaction.on_commit(digest_soon.ask)
        return plain(f"{network.reply}\n", 200)


def authenticate(slug: str, secret: str, now: datetime) -> Network | None:
    """The network that `secret` belongs to. Reads it anew before refusing, so a fresh secret works at once."""
    network = configuration.networks.get(slug)
    if network and network.accepts_secret(secret, now):
        return network
    network = configuration.networks.refresh(slug)
    if network and not network.accepts_secret(secret, now):
        note_turned_away(network, now)
        return None
    return network


def note_turned_away(network: Network, now: datetime) -> None:
    """That somebody has called with a wrong secret, to five seconds: often the network itself, by an old address.

    The call is not kept, as anybody can make such. Nor does anybody wait long for it to be noted: the next one will be.
    """
    before = network.turned_away_at
    if before is None or now - before > TURNED_AWAY_PRECISION:
        with hardly_waiting(), transaction.atomic():  # a digest holds its networks' rows for a while
            free = Network.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=network.pk)
            Network.objects.filter(pk__in=free.values("pk")).update(turned_away_at=now)


@contextmanager
def hardly_waiting() -> Iterator[None]:
    """SQLite has one writer, most of whose turns take milliseconds: what it can't write soon, it does not write."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (patience,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        try:
            with suppress(OperationalError):
                yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience:d}")


def wants_outcome(request: HttpRequest) -> bool:
    """Asked of the raw query first, as nearly every call has no such word in it."""
    if "wait" in request.META.get("HTTP_PREFER", ""):
        return True
    return "wait" in request.META.get("QUERY_STRING", "") and request.GET.get("wait") == "1"


def digested(postback: Postback) -> Postback:
    """The postback with its outcome; as received when the database is busy: it is kept, and a worker comes to it."""
    try:
        return digest_one(postback.pk)
    except Error as error:
        if not is_outage(error):
            raise
        logger.warning("Postback %d is kept, but could not be digested at once", postback.pk)
        digest_soon.ask()
        return postback


def refusal(error: UnreadableCallError) -> HttpResponse:
    """The same 404 as a wrong secret for a wrong address; else the reason, in words."""
    return plain(NOT_FOUND if error.status == 404 else f"{error.outcome}: {error.detail}\n", error.status)


def outcome_answer(postback: Postback) -> JsonResponse:
    """What became of a postback, for people who test by hand."""
    outcome = Outcome(postback.outcome)
    conversion = postback.conversion
    return JsonResponse(
        {
            "postback": postback.pk,
            "outcome": outcome.value,
            "meaning": outcome.label,
            "detail": postback.detail,
            "advice": outcome.advice,
            "event_id": str(conversion.event_id) if conversion else None,
            "event": conversion.event_name if conversion else None,
        }
    )


def plain(text: str, status: int) -> HttpResponse:
    content = text.encode()
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content))}
    return HttpResponse(content, status=status, headers=headers)
