"""Parts of a network's page: its format in words, the status words that come with it, when it was last heard."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from offers.admin_parts import admin_link, badge, moment, mono, table
from offers.formats import Format
from offers.linting import Finding, lint_offer_link
from offers.models import Network, Offer
from offers.models.network import PostbackStatus
from offers.postback_linting import Expected, lint_own_macros
from offers.silence import TOLD_FOR, in_hours, is_turned_away, silent_for

LINKS_CHECKED = 50
COMPARE_URL = (
    "Such calls are answered with a 404 and kept nowhere. Compare the postback URL entered at the network with the one "
    "on this page, and copy it there again; then have the network send again what was turned away."
)
NO_WORDS = (
    "This format has no words of its own. The usual ones are known: approved, sale, pending, declined, rejected, "
    "refund, chargeback, rebill, upsell and their like."
)


def format_guide(known: Format) -> SafeString:
    """What the format is and what to do at the network; the page's script writes another one's words into it."""
    return format_html('<div data-format="help">{}</div>', known.help)


def status_words(known: Format) -> SafeString:
    """The format's own words with our statuses."""
    rows = [[mono(word), PostbackStatus(status).label] for word, status in known.status_words.items()]
    return format_html('<div data-format="words">{}</div>', table(["Its word", "Means"], rows, NO_WORDS))


def heard_badge(network: Network, now: datetime) -> SafeString:
    """When something authentic came last, coloured when that is longer ago than it may be."""
    silence = silent_for(network, now)
    if silence:
        words = "Silent for" if network.heard_at else "Never heard in"
        return badge(f"{words} {in_hours(silence)}", "bad")
    if network.heard_at is None:
        return badge("Never heard", "warn" if network.is_active else "calm")
    return ago(network.heard_at, now, "good" if network.is_active else "calm")


def turned_away_badge(network: Network, now: datetime) -> SafeString:
    """When its address was called last with a secret that is not its own."""
    if network.turned_away_at is None:
        return badge("Never", "calm")
    return ago(network.turned_away_at, now, "warn")


def turned_away_news(network: Network, now: datetime) -> SafeString:
    """That such a call has come lately, or that none with the right secret came after it; empty when it is past."""
    turned_away = network.turned_away_at
    if turned_away is None or not (now - turned_away <= TOLD_FOR or is_turned_away(network)):
        return SafeString("")
    return format_html("Last call with a wrong secret (UTC): {}<br>{}", turned_away_badge(network, now), COMPARE_URL)


def ago(time: datetime, now: datetime, tone: str) -> SafeString:
    return format_html("{} {}", moment(time), badge(f"{timesince(time, now).partition(',')[0]} ago", tone))


def own_findings(network: Network, expected: Expected) -> list[str | SafeString]:
    """What is wrong with its macros and with the links of its offers."""
    return [f"Macros: {finding.words}" for finding in lint_own_macros(network, expected)] + links_of(network)


def links_of(network: Network) -> list[str | SafeString]:
    """What is wrong with the links of its offers, each with a way to the offer."""
    offers = list(network.offers.live().order_by("name")[:LINKS_CHECKED])
    found: list[tuple[Offer, Finding]] = [
        (offer, finding) for offer in offers for finding in lint_offer_link(offer.offer_url, network)
    ]
    return [format_html("Offer link of {}: {}", admin_link(offer), finding.words) for offer, finding in found]
