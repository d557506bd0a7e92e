"""The admin's sidebar: everything that is configured, recorded and sent, for those who may see it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy


def page(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    """A link to a model's list, left out for people who would get a 403 there."""

    def may_open(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{model}")

    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": may_open}


UNMAPPED = reverse_lazy("admin:conversions_postback_unmapped")


def is_in_inbox(request: HttpRequest) -> bool:
    """Whether a page of postbacks is open; the unmapped statuses are below them and have a line of their own."""
    path = request.path
    return path.startswith(reverse("admin:conversions_postback_changelist")) and path != str(UNMAPPED)


HEALTH = reverse_lazy("admin:conversions_conversion_health")


def may_see_health(request: HttpRequest) -> bool:
    return request.user.has_perm("dispatch.view_health")


def is_in_conversions(request: HttpRequest) -> bool:
    """Whether a page of conversions is open; those of health are below them and have a line of their own."""
    path = request.path
    return path.startswith(reverse("admin:conversions_conversion_changelist")) and not path.startswith(str(HEALTH))


TRACE = reverse_lazy("admin:dispatch_trace")


def may_trace(request: HttpRequest) -> bool:
    return request.user.has_perm("dispatch.trace")


def is_in_deliveries(request: HttpRequest) -> bool:
    """Whether a page of deliveries is open; the trace is below them and has a line of its own."""
    path = request.path
    return path.startswith(reverse("admin:dispatch_delivery_changelist")) and path != str(TRACE)


NAVIGATION = [
    {
        "title": "Health",
        "items": [
            {"title": "Health", "icon": "ecg_heart", "link": HEALTH, "permission": may_see_health},
            page("Reports", "monitoring", "dispatch", "report"),
            {"title": "Trace", "icon": "timeline", "link": TRACE, "permission": may_trace},
            page("Decisions on spend", "trending_up", "dispatch", "scaledecision"),
            page("Alerts", "notifications", "dispatch", "alert"),
            page("Alert channels", "campaign", "dispatch", "alertchannel"),
        ],
    },
    {
        "title": "Configured",
        "items": [
            page("Offers", "sell", "offers", "offer"),
            page("Networks", "hub", "offers", "network"),
            page("Pixels", "ads_click", "offers", "pixel"),
            page("Exchange rates", "currency_exchange", "offers", "exchangerate"),
        ],
    },
    {
        "title": "Recorded",
        "items": [
            {**page("Conversions", "paid", "conversions", "conversion"), "active": is_in_conversions},
            {**page("Postbacks", "inbox", "conversions", "postback"), "active": is_in_inbox},
            {**page("Unmapped statuses", "translate", "conversions", "postback"), "link": UNMAPPED},
            page("Clicks", "touch_app", "conversions", "click"),
            page("Uploads", "upload_file", "conversions", "upload"),
        ],
    },
    {
        "title": "Sent",
        "items": [
            {**page("Deliveries", "send", "dispatch", "delivery"), "active": is_in_deliveries},
            page("Dead letters", "report", "dispatch", "deadletter"),
            page("Credentials", "key", "dispatch", "credential"),
            page("Test conversions", "science", "dispatch", "testconversion"),
        ],
    },
    {
        "title": "Visitors' rights",
        "items": [
            page("Consent records", "fact_check", "conversions", "consentrecord"),
            page("Erasures", "person_remove", "conversions", "erasure"),
        ],
    },
    {
        "title": "People",
        "items": [
            page("Users", "person", "auth", "user"),
            page("Roles", "group", "auth", "group"),
            page("API tokens", "vpn_key", "dispatch", "apitoken"),
        ],
    },
]
