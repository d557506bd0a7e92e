"""The addresses that machines ask: is the process alive, can it do its work, how is the site?"""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from conversions.visitor import client_ip, is_internal, is_trusted, parse_address
from trackingsite import readiness
from trackingsite.metrics import text

FORWARDED = ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"]


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; asks nothing of the database."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when this process can do its work, with what needs a person for whoever may know; else 503 and why."""
    obstacle = readiness.obstacle()
    if obstacle:
        return JsonResponse({"status": "unready", "code": obstacle.code, "reason": obstacle.message}, status=503)
    answer: dict[str, Any] = {"status": "ready"}
    if may_watch(request):
        answer["warnings"] = [finding.as_json() for finding in readiness.warnings()]
    return JsonResponse(answer)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format. It tells business figures, so not everybody gets it."""
    if may_watch(request):
        return HttpResponse(text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
    if settings.METRICS_TOKEN:
        return HttpResponse(
            "The token is missing or wrong.\n", "text/plain", 401, headers={"WWW-Authenticate": "Bearer"}
        )
    raise Http404


def may_watch(request: HttpRequest) -> bool:
    """Who has the token; without one, who calls from this machine or a private network."""
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    address = parse_address(client_ip(request) or "")
    return address is not None and is_internal(address) and not is_disguised(request)


def is_disguised(request: HttpRequest) -> bool:
    """Whether a proxy that we know nothing of may stand before the caller: its own address is no one's password."""
    peer = parse_address(request.META.get("REMOTE_ADDR", ""))
    if peer and is_trusted(peer) and "X-Forwarded-For" in request.headers:
        return False
    return any(name in request.headers for name in FORWARDED)
