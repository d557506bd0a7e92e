"""What a visitor's browser knows better than the click that was stored: TikTok's ids, and that somebody is there."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, QueryDict

from conversions.ad_macros import is_no_ttclid
from conversions.arrival import ttclid_of
from conversions.click_cookie import clicks_in
from conversions.models import Click, Conversion, Robot
from conversions.models.click import REFUSALS, TTCLID_LENGTH
from conversions.robots import robot_of
from conversions.signals import announce, recount
from conversions.visitor import client_ip, user_agent

TTP = re.compile(r"[\w.~-]{8,100}", re.ASCII)
TTCLID = re.compile(rf"[\w.~-]{{8,{TTCLID_LENGTH}}}", re.ASCII)


def news_of_browser(click: Click, request: HttpRequest, query: QueryDict, cookies: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that have to change, by the page's address and TikTok's cookies; mostly none.

    Of who has refused no more is taken.
    """
    news = news_of_visitor(click, request)
    if click.has_refused:
        return news
    ttp = id_in(cookies, "_ttp", TTP)
    if ttp not in ("", click.ttp):
        news["ttp"] = ttp
    if not click.ttclid and (ttclid := ttclid_of(query) or kept_ttclid(request, cookies)):
        news["ttclid"] = ttclid
    return news


def news_of_visitor(click: Click, request: HttpRequest) -> dict[str, Any]:
    """Only who looks at a page runs its script and follows its links: what began as a prefetch is a visitor's."""
    if click.robot != Robot.PREFETCH or robot_of(request):
        return {}
    return {"robot": "", "ip": client_ip(request), "user_agent": user_agent(request)}


def kept_ttclid(request: HttpRequest, cookies: Mapping[str, Any]) -> str:
    """The cookie's ttclid, unless it is that of a click that refused."""
    ttclid, ids = id_in(cookies, "ttclid", TTCLID), clicks_in(request)
    if not ttclid or not ids:
        return ttclid
    refused = Click.objects.filter(pk__in=ids, ttclid=ttclid, consent__in=REFUSALS)
    return "" if refused.exists() else ttclid


def bring_up_to_date(click: Click, news: dict[str, Any]) -> None:
    """Write the news down. The events of who turns out to be a visitor are planned anew."""
    if not news:
        return
    with transaction.atomic():
        Click.objects.filter(pk=click.pk, erased_at=None).update(**news)
        if "robot" in news or click.conversions.exists():
            recount(clicks=[click.pk])
        if "robot" in news:
            Conversion.objects.filter(click=click).plan_anew()
            transaction.on_commit(announce)
    take(click, news)


def take(click: Click, news: dict[str, Any]) -> None:
    """Give the click what is new. Does not save."""
    for name, value in news.items():
        setattr(click, name, value)


def id_in(cookies: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    """One of TikTok's ids; empty for what can be none."""
    value = cookies.get(name)
    is_id = isinstance(value, str) and form.fullmatch(value) and not is_no_ttclid(value)
    return str(value) if is_id else ""
