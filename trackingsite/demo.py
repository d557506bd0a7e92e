"""The demo shop: landing, checkout and thank-you page of the seeded offers, and a pretended network that pays for them.

One offer asks nobody, the other only tells TikTok of visitors who agree. The pages stand under a strict policy of
scripts: what carries no nonce of the page does not run.
"""

import uuid
from typing import Any

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC
from csp.decorators import csp
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conversions import clock
from conversions.calls import Call
from conversions.intake import make_postback
from conversions.models import Click
from conversions.page_click import click_of_page
from conversions.visitor import clean_text, client_ip
from conversions.wake import digest_soon
from offers.models import Offer

DEMO_SLUG, CONSENT_SLUG = "demo", "demo-consent"
DEMO_SLUGS = (DEMO_SLUG, CONSENT_SLUG)


def policy() -> dict[str, list[Any]]:
    """What the demo's pages may load: scripts that carry the nonce, and what those load themselves."""
    return {
        "default-src": [NONE],
        "script-src": [NONCE, STRICT_DYNAMIC],
        "style-src": [NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, settings.PUBLIC_BASE_URL, settings.TIKTOK_PIXEL_URL],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }


@decorator_from_middleware(CSPMiddleware)
def page(request: HttpRequest, name: str) -> HttpResponseBase:
    """One of the demo's three pages."""
    show = csp(policy())(lambda request: render(request, f"demo/{name}.html", {"offer": demo_offer(request)}))
    return show(request)


def demo_offer(request: HttpRequest) -> Offer:
    """The offer that the address names, else that of the visitor's click, else the first; 404 where none is seeded."""
    named = request.GET.get("offer", "")
    if named not in DEMO_SLUGS:
        click = click_of_page(request)
        named = click.offer.slug if click and click.offer.slug in DEMO_SLUGS else DEMO_SLUG
    return get_object_or_404(Offer.objects.live().select_related("network"), slug=named)


@csrf_exempt
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Play the network: report the sale as its postback would, then show the thank-you page."""
    clicks = Click.objects.select_related("offer__network").filter(offer__slug__in=DEMO_SLUGS, offer__is_active=True)
    click = get_object_or_404(clicks, pk=clean_text(request.POST.get("click_id", ""), 26))
    call = Call("POST", pairs=sale_of(click, request.POST))
    make_postback(click.offer.network, call, client_ip(request), clock.now()).save(force_insert=True)
    digest_soon.ask()
    visit = {"offer": click.offer.slug, "click_id": click.pk}
    return HttpResponseRedirect(reverse("demo_page", args=["thank-you"], query=visit))


def sale_of(click: Click, form: QueryDict) -> list[tuple[str, str]]:
    """The parameters of a network's postback for this click."""
    return [
        ("click_id", click.pk),
        ("txid", f"demo-{uuid.uuid4().hex[:12]}"),
        ("status", "approved"),
        ("payout", str(click.offer.payout)),
        ("currency", click.offer.currency),
        ("email", form.get("email", "")[:200]),
        ("phone", form.get("phone", "")[:40]),
    ]
