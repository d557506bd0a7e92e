"""Macros that TikTok left in the address of an ad: in its own spelling, mistyped, or in that of somebody else.

TikTok's are __CLICKID__, __CAMPAIGN_ID__ and the like. What it does not know it leaves as it is written.
"""

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import parse_qsl, unquote

from conversions.identity import HIDDEN, hide_inside

WORD = r"[A-Za-z][A-Za-z0-9._]*"
AD_MACRO = re.compile(rf"__{WORD}__|\{{\{{{WORD}\}}\}}|%%{WORD}%%")
PLAIN = re.compile(r"[A-Za-z0-9].*[A-Za-z0-9]", re.DOTALL)
WORDS = {
    "clickid", "ttclid", "campaignid", "campaignname", "adgroupid", "adgroupname", "adid", "adname", "aid", "aidname",
    "cid", "cidname", "creativeid", "placement",
}  # fmt: skip
"""What ad systems have macros for, without signs."""
SHOWN = 40
LONGEST = 200
"""Characters of a macro, encoded twice; what is longer is not looked at, as `unescape` fails at thousands of digits."""
BRACKET = re.compile(r"[{}\[\]<>]")
OF_TIKTOK = "E.C.P."
"""How TikTok's own begin."""
SIGNS = re.compile(r"[\W_]+")
NAMES = {
    "",
    "clickid",
    "ttclid",
    "ttclickid",
    "yourclickid",
    "yourttclid",
    "callback",
    "null",
    "undefined",
    "none",
    "nan",
}
"""What is left of a ttclid that is none, without signs."""


def is_ad_macro(value: str) -> bool:
    """Whether the value of a parameter is a macro; names of campaigns may be in square brackets."""
    if len(value) > LONGEST:
        return False
    text = decoded(value).strip(" ;")
    if PLAIN.fullmatch(text):  # as most are, on every arrival
        return False
    return bare(text) in WORDS or AD_MACRO.fullmatch(text) is not None


def is_no_ttclid(value: str) -> bool:
    """The same of a ttclid, which is never the bare name of something either, nor anything between brackets."""
    if len(value) > LONGEST or value.startswith(OF_TIKTOK):
        return False
    text = decoded(value)
    return bare(text) in NAMES or is_ad_macro(value) or (text != HIDDEN and BRACKET.search(text) is not None)


def bare(text: str) -> str:
    """In small letters, without signs."""
    return SIGNS.sub("", text).casefold()


def decoded(value: str) -> str:
    """As it was before it was encoded, once or twice too often."""
    return unescape(unquote(unquote(value))) if "%" in value or "&" in value else value


def macros_left(url: str) -> dict[str, str]:
    """What a page was called with where TikTok left its macro: parameter and macro."""
    query = url.partition("#")[0].partition("?")[2]
    return {name: value for name, value in parse_qsl(query) if is_left(name, value)}


def as_text(macros: Iterable[tuple[str, str]]) -> str:
    """Parameters and macros as they stand in an address, cut to what fits a sentence."""
    return ", ".join(f"{hide_inside(name)[:SHOWN]}={macro[:SHOWN]}" for name, macro in macros)


def is_left(name: str, value: str) -> bool:
    return is_no_ttclid(value) if name == "ttclid" else is_ad_macro(value)
