"""The click that a page's script speaks for: found, and brought up to date with what the browser knows by now."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, QueryDict

from conversions.arrival import UNREPLACED_AD_MACRO, ttclid_of
from conversions.click_cookie import clicks_in
from conversions.click_ids import is_click_id
from conversions.models import Click, Conversion, Robot
from conversions.models.click import TTCLID_LENGTH
from conversions.pixel.answers import RefusalError
from conversions.pixel.calls import Call
from conversions.robots import robot_of
from conversions.signals import announce
from conversions.visitor import client_ip, user_agent

TTP = re.compile(r"[\w.~-]{8,100}", re.ASCII)
TTCLID = re.compile(rf"[\w.~-]{{8,{TTCLID_LENGTH}}}", re.ASCII)


def click_of(call: Call) -> Click:
    """The click that the body names, brought up to date. Raises RefusalError where the offer has none of this id."""
    named = call.body.get("click_id")
    clicks = clicks_of(call, [named])
    if not clicks:
        raise RefusalError(404, "unknown_click", "The offer has no click of this id. Call “arrival” first.")
    refresh(clicks[0], call)
    return clicks[0]


def clicks_of_browser(call: Call) -> list[Click]:
    """The offer's clicks that the body, the page's address and the cookie name, in this order."""
    return clicks_of(call, [call.body.get("click_id"), call.query.get("click_id"), *clicks_in(call.request)])


def clicks_of(call: Call, ids: list[Any]) -> list[Click]:
    """Those of the ids that are clicks of the offer and not erased."""
    known = list(dict.fromkeys(key for key in ids if isinstance(key, str) and is_click_id(key)))
    found = Click.objects.filter(offer=call.offer, erased_at=None).in_bulk(known) if known else {}
    for click in found.values():
        click.offer = call.offer
    return [found[key] for key in known if key in found]


def refresh(click: Click, call: Call) -> None:
    """Write down what the browser knows better; mostly there is nothing."""
    bring_up_to_date(click, news_of(click, call))


def bring_up_to_date(click: Click, news: dict[str, Any]) -> None:
    """Write the news down. The events of who turns out to be a visitor are planned anew."""
    if not news:
        return
    with transaction.atomic():
        Click.objects.filter(pk=click.pk, erased_at=None).update(**news)
        if "robot" in news:
            Conversion.objects.filter(click=click).update(planned_at=None)
            transaction.on_commit(announce)
    take(click, news)


def take(click: Click, news: dict[str, Any]) -> None:
    """Give the click what is new. Does not save."""
    for name, value in news.items():
        setattr(click, name, value)


def news_of(click: Click, call: Call) -> dict[str, Any]:
    """The click's columns that have to change, with their new values."""
    return news_of_browser(click, call.request, call.query, tiktok_cookies(call))


def tiktok_cookies(call: Call) -> dict[str, str]:
    """The cookies of TikTok's script: the page's own where it has them, else the browser's for this host."""
    said = {"_ttp": id_in({"_ttp": call.body.get("ttp")}, "_ttp", TTP), "ttclid": id_in(call.body, "ttclid", TTCLID)}
    return {**call.request.COOKIES, **{name: value for name, value in said.items() if value}}


def news_of_browser(click: Click, request: HttpRequest, query: QueryDict, cookies: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a visitor's browser knows better, by the page's address and TikTok's cookies.

    Only a browser that shows the page to somebody runs its script, so what began as a prefetch is a visitor's. Of who
    has refused no more is taken.
    """
    news: dict[str, Any] = {}
    ttp = id_in(cookies, "_ttp", TTP)
    ttclid = ttclid_of(query) or id_in(cookies, "ttclid", TTCLID)
    if ttp not in ("", click.ttp) and not click.has_refused:
        news["ttp"] = ttp
    if ttclid and not click.ttclid and not click.has_refused:
        news["ttclid"] = ttclid
    if click.robot == Robot.PREFETCH and not robot_of(request):
        news |= {"robot": "", "ip": client_ip(request), "user_agent": user_agent(request)}
    return news


def id_in(cookies: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    """One of TikTok's ids; empty for what can be none."""
    value = cookies.get(name)
    is_id = isinstance(value, str) and form.fullmatch(value) and not UNREPLACED_AD_MACRO.match(value)
    return str(value) if is_id else ""
