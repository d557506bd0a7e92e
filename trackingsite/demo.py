"""The demo shop: landing, checkout and thank-you page of the seeded offer, and a pretended network that pays for it."""

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from conversions import clock
from conversions.calls import Call
from conversions.intake import make_postback
from conversions.models import Click
from conversions.visitor import client_ip
from conversions.wake import digest_soon
from offers.models import Offer

DEMO_SLUG = "demo"


def demo_offer() -> Offer:
    """The seeded offer; 404 where nobody seeded the demo."""
    return get_object_or_404(Offer.objects.live().select_related("network"), slug=DEMO_SLUG)


def page(request: HttpRequest, name: str) -> HttpResponse:
    """One of the demo's three pages."""
    return render(request, f"demo/{name}.html", {"offer": demo_offer()})


@csrf_exempt
@require_POST
def buy(request: HttpRequest) -> HttpResponse:
    """Play the network: report the sale as its postback would, then show the thank-you page."""
    offer = demo_offer()
    click = get_object_or_404(Click, pk=request.POST.get("click_id", "")[:26], offer=offer)
    call = Call("POST", pairs=sale_of(click, request.POST))
    make_postback(offer.network, call, client_ip(request), clock.now()).save(force_insert=True)
    digest_soon.ask()
    return HttpResponseRedirect(f"{reverse('demo_page', args=['thank-you'])}?click_id={click.pk}")


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
