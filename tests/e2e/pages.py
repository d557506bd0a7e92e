"""The site with one page more, as a project's own: offers side by side, and text that would break out if it could."""

from csp.constants import NONCE
from csp.decorators import csp
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path
from django.utils.decorators import decorator_from_middleware

from trackingsite.urls import urlpatterns as site

HOSTILE = "</script><script>alert(1)</script> \u2028 '\" <!--"
PAGE = """<!doctype html><html lang=en><title>Two offers</title><link rel=icon href="data:,">{% load tiktok %}
{% tiktok_pixel offer="asks" %}{% tiktok_event "ViewContent" offer="asks" %}
{% tiktok_identify offer="one" email="alice@example.com" %}
{% tiktok_pixel offer="one" %}{% tiktok_pixel offer="two" %}
{% tiktok_event "ViewContent" offer="one" description=hostile %}
{% tiktok_event "ViewContent" offer="two" value=3 currency="EUR" %}
{% for order in orders %}{% tiktok_event "Lead" offer="two" key=order value=order %}{% endfor %}
<a href="{% offer_link offer="one" %}">{{ request.GET.q }}</a>"""


@decorator_from_middleware(CSPMiddleware)
@csp({"default-src": ["'self'", "127.0.0.1:*"], "script-src": [NONCE, "'strict-dynamic'"], "img-src": ["data:"]})
def two_offers(request: HttpRequest) -> HttpResponse:
    context = {"request": request, "hostile": HOSTILE, "orders": [7, 8, 7]}
    return HttpResponse(Template(PAGE).render(Context(context)))


urlpatterns = [path("two-offers/", two_offers), *site]
