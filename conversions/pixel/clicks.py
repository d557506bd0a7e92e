"""The click that a page's script speaks for: found, and brought up to date with what the browser knows by now."""

from typing import Any

from conversions.browser_news import TTCLID, TTP, bring_up_to_date, id_in, news_of_browser
from conversions.click_cookie import clicks_in
from conversions.earlier import clicks_brought
from conversions.models import Click
from conversions.pixel.answers import RefusalError
from conversions.pixel.calls import Call


def click_of(call: Call) -> Click:
    """The click that the body names, brought up to date. Raises RefusalError where the offer has none of this id."""
    named = call.body.get("click_id")
    clicks = clicks_of(call, [named])
    if not clicks:
        raise RefusalError(404, "unknown_click", "The offer has no click of this id. Call “arrival” first.")
    refresh(clicks[0], call)
    return clicks[0]


def clicks_of_browser(call: Call) -> list[Click]:
    """The clicks, of any offer, that the page's address, the body and the cookie name, in this order.

    The body's is the one that the script keeps, unless it only repeats the address; `kept` tells for certain.
    """
    named, said = call.query.get("click_id"), call.body.get("click_id")
    kept = [call.body.get("kept"), said if said != named else None, *clicks_in(call.request)]
    return clicks_brought(named, kept, call.request, call.now)


def of_offer(clicks: list[Click], call: Call) -> list[Click]:
    """Those of the clicks that are the offer's and not erased."""
    mine = [click for click in clicks if click.offer_id == call.offer.pk and not click.erased_at]
    for click in mine:
        click.offer = call.offer
    return mine


def clicks_of(call: Call, ids: list[Any]) -> list[Click]:
    """Those of the ids that are clicks of the offer and not erased."""
    return of_offer(clicks_brought(None, ids, call.request, call.now), call)


def refresh(click: Click, call: Call) -> None:
    """Write down what the browser knows better; mostly there is nothing."""
    bring_up_to_date(click, news_of(click, call))


def news_of(click: Click, call: Call) -> dict[str, Any]:
    """The click's columns that have to change, with their new values."""
    return news_of_browser(click, call.request, call.query, tiktok_cookies(call))


def tiktok_cookies(call: Call) -> dict[str, str]:
    """The cookies of TikTok's script: the page's own where it has them, else the browser's for this host."""
    said = {"_ttp": id_in({"_ttp": call.body.get("ttp")}, "_ttp", TTP), "ttclid": id_in(call.body, "ttclid", TTCLID)}
    return {**call.request.COOKIES, **{name: value for name, value in said.items() if value}}
