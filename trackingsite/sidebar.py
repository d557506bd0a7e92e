"""The admin's sidebar: everything that is configured, recorded and sent, for those who may see it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

HEALTH = reverse_lazy("admin:conversions_conversion_health")
TRACE = reverse_lazy("admin:dispatch_trace")
UNMAPPED = reverse_lazy("admin:conversions_postback_unmapped")


def page(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    """A link to a model's list, left out for people who would get a 403 there."""
    link = reverse_lazy(f"admin:{app}_{model}_changelist")
    return {"title": title, "icon": icon, "link": link, "permission": may(f"{app}.view_{model}")}


def may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def page_above(title: str, icon: str, app: str, model: str, below: Any) -> dict[str, Any]:
    """The same of a list with pages below it that have a line of their own."""
    found = page(title, icon, app, model)

    def is_open(request: HttpRequest) -> bool:
        return request.path.startswith(str(found["link"])) and not request.path.startswith(str(below))

    return {**found, "active": is_open}


NAVIGATION = [
    {
        "title": "Health",
        "items": [
            {"title": "Health", "icon": "ecg_heart", "link": HEALTH, "permission": may("dispatch.view_health")},
            page("Reports", "monitoring", "dispatch", "report"),
            {"title": "Trace", "icon": "timeline", "link": TRACE, "permission": may("dispatch.trace")},
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
            page_above("Conversions", "paid", "conversions", "conversion", HEALTH),
            page_above("Postbacks", "inbox", "conversions", "postback", UNMAPPED),
            {**page("Unmapped statuses", "translate", "conversions", "postback"), "link": UNMAPPED},
            page("Clicks", "touch_app", "conversions", "click"),
            page("Uploads", "upload_file", "conversions", "upload"),
        ],
    },
    {
        "title": "Sent",
        "items": [
            page_above("Deliveries", "send", "dispatch", "delivery", TRACE),
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
