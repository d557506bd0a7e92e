"""What is wrong with an address or an offer link, said before a sale is lost to it. Pure functions."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from offers.models import Network

CLICK_ID = "{click_id}"
TOKEN_LENGTHS = {"click_id": 26, "offer": 50} | dict.fromkeys(
    ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"), 200
)
OTHER_TOKEN_LENGTH = 100
TOKEN = re.compile(r"\{([^{}]*)\}")
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
CAKE_SUB_IDS = {"s1": 50, "s2": 100, "s3": 100, "s4": 100, "s5": 100}
"""CAKE cuts a longer value and puts the rest before that of the next sub-id (CAKE's own documentation)."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: a word for it, and what to do in a sentence or two."""

    code: str
    words: str


def link_parameter_of(network: Network) -> str:
    return network.link_parameter or network.format.link_parameter


def split_query(url: str) -> list[tuple[str, str]]:
    """Names and values to the letter, as macros may contain a # and must not be decoded."""
    query = url.partition("?")[2]
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]


def lint_offer_link(url: str, network: Network) -> list[Finding]:
    """What may lose our click id on the way through the network's link."""
    parameters = split_query(url)
    return [
        *lint_address(url),
        *lint_where(url, parameters, network),
        *lint_lengths(parameters, network),
        *lint_spill(parameters, network),
    ]


def lint_address(url: str) -> list[Finding]:
    """What may be wrong with any address."""
    found = []
    if url.startswith("http://") and host_of(url) not in LOCAL_HOSTS:
        found.append(Finding("http", "It starts with http://. Use https://, or the query can be read on its way."))
    if url.count("?") > 1:
        words = "It has two question marks, so everything behind the second one is lost. Join parameters with &."
        found.append(Finding("double_question_mark", words))
    if "&amp;" in url:
        found.append(Finding("escaped", "It has &amp; where & belongs; it was copied out of a page's source."))
    if re.search(r"\s", url):
        found.append(Finding("blank", "There is a blank or a line break in it. Remove it."))
    return found


def host_of(url: str) -> str:
    try:
        return urlsplit(url.partition("?")[0]).hostname or ""
    except ValueError:
        return ""


def lint_where(url: str, parameters: list[tuple[str, str]], network: Network) -> list[Finding]:
    """Whether the click id stands where this network looks for it."""
    expected = link_parameter_of(network)
    carriers = [name for name, value in parameters if CLICK_ID in value]
    if CLICK_ID not in url:
        where = f" as {expected}={CLICK_ID}" if expected else ""
        words = f"It does not contain {CLICK_ID}. Add it{where}, or no postback can name the click."
        return [Finding("no_click_id", words)]
    if expected and expected not in carriers:
        where = f"in “{carriers[0]}”" if carriers else "outside the parameters"
        words = (
            f"Our click id stands {where}, while the postbacks of {network.name} send back what “{expected}” held. "
            f"Write {expected}={CLICK_ID}, or correct the parameter on the network's page."
        )
        return [Finding("other_parameter", words)]
    if expected and [name for name, _ in parameters].count(expected) > 1:
        return [Finding("repeated", f"“{expected}” stands in it twice. Keep the one with {CLICK_ID}.")]
    return []


def longest(value: str) -> int:
    """How long a value can become when its tokens are replaced."""
    tokens = sum(TOKEN_LENGTHS.get(token, OTHER_TOKEN_LENGTH) for token in TOKEN.findall(value))
    return len(TOKEN.sub("", value)) + tokens


def lint_lengths(parameters: list[tuple[str, str]], network: Network) -> list[Finding]:
    """Whether the value with our click id fits the network's sub-id."""
    limit = network.format.sub_id_limit
    return [
        Finding(
            "too_long",
            f"“{name}” can become {longest(value)} characters long, and {network.name} keeps {limit} of them. Our "
            f"click id alone has 26: write {name}={CLICK_ID} and nothing else.",
        )
        for name, value in parameters
        if CLICK_ID in value and longest(value) > limit
    ]


def lint_spill(parameters: list[tuple[str, str]], network: Network) -> list[Finding]:
    """CAKE puts what does not fit one sub-id into the next one, which then is no click id any more."""
    if network.format.name != "cake":
        return []
    return [
        Finding(
            "spill",
            f"“{name}” can become {longest(value)} characters long. CAKE keeps {CAKE_SUB_IDS[name]} and puts the rest "
            "into the next sub-id, where it spoils what stands there. Use a shorter value.",
        )
        for name, value in parameters
        if name in CAKE_SUB_IDS and longest(value) > CAKE_SUB_IDS[name] and CLICK_ID not in value
    ]
