"""A network's call played through to its end and taken back: what it would lead to, without anything being kept.

It runs on the road that every call takes: gateway, intake, digest. All of it is one transaction that is rolled back, so
no row stays, nothing that waits for a commit happens, and TikTok is told nothing.
"""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO

from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpResponse

from conversions import clock, configuration
from conversions.api.gateway import PostbackView
from conversions.calls import Call
from conversions.models import Click, Conversion, Postback
from conversions.outcomes import Outcome
from offers.models import Network

EXAMPLES = int(ipaddress.IPv6Address("2001:db8::"))  # addresses that nobody has (RFC 3849)
take = PostbackView.as_view()


@dataclass(frozen=True)
class RehearsedConversion:
    """The conversion that the call would make or change."""

    event: str
    event_id: str
    kind: str
    status: str
    offer: str
    transaction_id: str
    money: Decimal | None
    currency: str


@dataclass(frozen=True)
class Rehearsal:
    """What a call would lead to. `outcome` is None where nobody would even keep it."""

    outcome: Outcome | None
    detail: str
    reply_status: int
    reply: str
    parameters: dict[str, str]
    conversion: RehearsedConversion | None = None

    @property
    def advice(self) -> str:
        return self.outcome.advice if self.outcome else "Tick “Active” on the network's page, then try again."


def rehearse(network: Network, calls: Sequence[Call], click: Click | None = None) -> Rehearsal:
    """What the last of the calls would lead to, after those before it and with `click`, which is not stored yet.

    The caller's address is one that the network allows. On SQLite nobody else can write while it runs, which is less
    than a tenth of a second a call. Raises django.db.Error when the database is away or busy, SecretUnreadableError
    when the network's secret can't be read.
    """
    configuration.networks.refresh(network.slug)  # what was saved a moment ago counts
    with transaction.atomic():
        try:
            if click:
                click.save(force_insert=True)
            results = [rehearse_one(network, call) for call in calls]
        finally:
            transaction.set_rollback(True)
    return results[-1]


def rehearse_one(network: Network, call: Call) -> Rehearsal:
    newest = Postback.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    address = allowed_address(network)
    answer = send(network, call, address)
    # The gateway names the row only when it took the call; the address tells it from calls that come meanwhile.
    rows = Postback.objects.filter(pk__gt=newest, network=network, remote_ip=address)
    postback = rows.select_related("conversion__offer").order_by("-pk").first()
    if postback is None:
        words = "The network is inactive, so its calls get the 404 of an unknown one."
        return Rehearsal(None, words, answer.status_code, text_of(answer), {})
    is_taken = answer.status_code == 200
    return Rehearsal(
        outcome=Outcome(postback.outcome),
        detail=postback.detail,
        reply_status=answer.status_code,
        reply=network.reply if is_taken else text_of(answer),  # the rehearsal waits, and is answered with the outcome
        parameters=postback.params,
        conversion=facts_of(postback.conversion) if postback.conversion else None,
    )


def send(network: Network, call: Call, address: str, waits: bool = True) -> HttpResponse:
    """The gateway's answer to the call; digested at once, or left to the workers as a network's own calls are."""
    environ = {
        "REQUEST_METHOD": call.method,
        "PATH_INFO": "/",
        "QUERY_STRING": call.query,
        "CONTENT_TYPE": call.content_type,
        "CONTENT_LENGTH": str(len(call.body)),
        "REMOTE_ADDR": address,
        "HTTP_PREFER": "wait" if waits else "",
        "wsgi.input": BytesIO(call.body),
    }
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in call.headers.items()}
    request = WSGIRequest({**environ, **headers})
    answer: HttpResponse = take(request, slug=network.slug, secret=network.secret.reveal())
    return answer


def allowed_address(network: Network) -> str:
    """An address that the network may call from: the first of its list, else one that nobody has."""
    allowed = network.allowed_ips.split()
    if allowed:
        return str(ipaddress.ip_network(allowed[0], strict=False)[0])
    return str(ipaddress.IPv6Address(EXAMPLES + secrets.randbits(64)))


def text_of(answer: HttpResponse) -> str:
    return answer.content.decode().strip()


def facts_of(conversion: Conversion) -> RehearsedConversion:
    """Plain values, as the row is gone when they are read."""
    return RehearsedConversion(
        event=conversion.event_name,
        event_id=str(conversion.event_id),
        kind=conversion.get_kind_display(),
        status=conversion.get_status_display(),
        offer=str(conversion.offer),
        transaction_id=conversion.transaction_id,
        money=conversion.money,
        currency=conversion.currency,
    )


def sample_click(offer_id: int, landing_url: str) -> Click:
    """A click for one rehearsal, not stored."""
    return Click(offer_id=offer_id, created_at=clock.now(), landing_url=landing_url)
