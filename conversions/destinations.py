"""Where the two links lead: addresses that staff configured, with what the visitor brought in their query at most."""

import re
from urllib.parse import unquote_plus

from django.http import HttpRequest

from conversions.models import Click
from offers.link_tokens import fill_tokens

MAX_URL = 8000
NAME_ENDS = re.compile(r"[=\[\x00]")
ODD_IN_NAME = re.compile(r"[^0-9a-z]+")
# Ours, not the network's: what the visitor has them for ends here.
OWN_PARAMETERS = frozenset({"click_id", "ttclid", "consent"})


def landing_url_of(click: Click, request: HttpRequest) -> str:
    """Where the tracking link leads: the landing page with the visitor's whole query, tokens filled in.

    An offer without a landing page has the tracking link itself as the page that TikTok is told of.
    """
    if not click.offer.landing_url:
        return request.build_absolute_uri()
    return append_query(fill_tokens(click.offer.landing_url, token_values(click)), raw_query(request))


def offer_url_of(click: Click) -> str:
    """The network's link with this click's id in the sub-id."""
    return fill_tokens(click.offer.offer_url, token_values(click))


def outbound_url_of(click: Click, request: HttpRequest) -> str:
    """The network's link with the query of this request behind its own, without what stands in the link already."""
    url, query = offer_url_of(click), raw_query(request)
    return append_query(url, left_over(query, click.offer.offer_url)) if query else url


def left_over(query: str, offer_url: str) -> str:
    """The parts of a raw query that neither the offer's link has nor are ours, to the letter.

    A network may read names loosely (`sub.id`, `Sub_ID[]` and `sub_id` are one for PHP, and some take `;` for `&`),
    so a part that any of them could take for the sub-id stays out.
    """
    taken = OWN_PARAMETERS.union(*map(names_of, offer_url.partition("#")[0].partition("?")[2].split("&")))
    return "&".join(part for part in query.split("&") if part and taken.isdisjoint(names_of(part)))


def names_of(part: str) -> set[str]:
    """The parameter names in one part of a query, as a loose reader sees them."""
    names = (NAME_ENDS.split(unquote_plus(piece), maxsplit=1)[0] for piece in part.split(";"))
    return {ODD_IN_NAME.sub("_", name.strip().casefold()).rstrip("_") for name in names}


def raw_query(request: HttpRequest) -> str:
    """The query to the letter; one that is too long is none.

    WSGI hands bytes over as latin-1, and a few browsers leave UTF-8 unquoted. No browser sends a # in it.
    """
    query = str(request.META.get("QUERY_STRING", ""))
    if len(query) > MAX_URL:
        return ""
    return query.replace("#", "%23").encode("latin-1", "replace").decode("utf-8", "replace")


def token_values(click: Click) -> dict[str, str]:
    """What the {tokens} stand for on this click: its columns, by name."""
    return {**click.__dict__, "click_id": click.pk, "offer": click.offer.slug}


def append_query(url: str, query: str) -> str:
    """The URL with a raw query string added behind its own."""
    if not query:
        return url
    address, mark, fragment = url.partition("#")
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{joint}{query}{mark}{fragment}"


def with_click_id(url: str, click_id: str) -> str:
    """The URL naming this click; the rest of its query stays to the letter, an older click id goes."""
    return append_query(without_click_id(url), f"click_id={click_id}")


def without_click_id(url: str) -> str:
    """The URL without a click id in its query."""
    if "click_id=" not in url:
        return url
    address, mark, fragment = url.partition("#")
    path, asks, query = address.partition("?")
    kept = "&".join(part for part in query.split("&") if not part.startswith("click_id="))
    return f"{path}{asks if kept else ''}{kept}{mark}{fragment}"
