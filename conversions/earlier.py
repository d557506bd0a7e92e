"""What a browser brings along: the clicks that are its own, and what its visitor has answered about consent before."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from conversions.click_ids import is_click_id
from conversions.models import Click, Consent, ConsentRecord
from conversions.visitor import user_agent

REMEMBERED, EARLIER_VISIT, LINK = "remembered", "earlier visit", "link"
Answer = tuple[str, str]
"""An answer about consent, and its source."""

ON_THE_WAY = timedelta(hours=1)


def clicks_brought(
    named: Any, kept: list[Any], request: HttpRequest, now: datetime, clicks: QuerySet[Click] | None = None
) -> list[Click]:
    """The click that the page's address names, if the visitor may have it, then those that the browser keeps.

    They are of any offer, erased ones too. One query, none where there are no ids. A test's click is nobody's: whoever
    opens a page under its address, copied from somewhere, is a visitor who counts.
    """
    ids = list(dict.fromkeys(key for key in [named, *kept] if isinstance(key, str) and is_click_id(key)))
    found = (Click.objects.all() if clicks is None else clicks).in_bulk(ids) if ids else {}
    brought = [found[key] for key in ids if key in found and not found[key].is_test]
    return [click for click in brought if click.pk in kept or is_open_to(click, request, now)]


def is_open_to(click: Click, request: HttpRequest, now: datetime) -> bool:
    """Whether who comes with no more than a click's id in the address is taken for the click's visitor.

    Pages on another host than the tracking link's, a network's thank-you page among them, have nothing else to go by,
    so the id alone brings the click. But addresses are shared, and networks are told the id. So a click with somebody's
    agreement or digests is theirs: it is for the browser that keeps it (in our cookie, or in the script's own), and
    for the first hour for the same kind of browser, which the tracking link has just sent on. Others get a click of
    their own.
    """
    is_personal = click.email_sha256 or click.phone_sha256 or click.external_id_sha256
    if not is_personal and click.consent != Consent.GRANTED:
        return True
    return click.created_at > now - ON_THE_WAY and click.user_agent == user_agent(request)


def answer_on_arrival(click: Click, known: list[Click], link: Any, remembered: Any) -> Answer | None:
    """What a click without an answer starts with, by its link, what the page remembers and the browser's other clicks.

    Refusals come first, whichever offer they were given at. Only an answer on a page turns them.
    """
    said = [(link, LINK), (remembered, REMEMBERED)]
    refused = [answer for answer in said if answer[0] == Consent.DENIED]
    if not refused and has_refused_before(click, known):
        refused = [(Consent.DENIED, EARLIER_VISIT)]
    agreed = [answer for answer in said if answer[0] == Consent.GRANTED]
    if not refused and not agreed and has_agreed_before(click, known):
        agreed = [(Consent.GRANTED, EARLIER_VISIT)]
    return next(iter([*refused, *agreed]), None)


def has_refused_before(click: Click, known: list[Click]) -> bool:
    """Whether a refusal is known that no later agreement at the click's own offer has turned."""
    others = [other for other in known if other.pk != click.pk]
    agreed = [other for other in others if other.consent == Consent.GRANTED and other.offer_id == click.offer_id]
    turned = max((other.consent_at for other in agreed if other.consent_at), default=None)
    refused = [other.consent_at for other in others if other.has_refused]
    return any(turned is None or at is None or at >= turned for at in refused)


def has_agreed_before(click: Click, known: list[Click]) -> bool:
    """Whether the newest visit to the offer before was agreed to, under a policy that is at least as strict."""
    same_offer = [other for other in known if other.offer_id == click.offer_id and not other.erased_at]
    earlier = [other for other in same_offer if other.created_at < click.created_at]
    last = max(earlier, key=lambda other: other.created_at, default=None)
    if last is None or last.consent != Consent.GRANTED:
        return False
    return not click.needs_consent or was_required_of(last)


def was_required_of(click: Click) -> bool:
    """Whether the policy asked for the answer that stands on the click."""
    records = ConsentRecord.objects.filter(click=click, was_overtaken=False).order_by("-created_at", "-pk")
    return bool(records.values_list("was_required", flat=True).first())
