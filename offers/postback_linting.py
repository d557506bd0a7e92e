"""What is wrong with a postback URL as it stands at a network, or with the macros it is made of. Pure functions."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from offers.formats import Format
from offers.linting import Finding, host_of, link_parameter_of, lint_address, split_query
from offers.models import Network

MACRO = re.compile(r"\{\{.+?\}\}|\$\{.+?\}|\{.+?\}|\[.+?\]|##.+?##|#.+?#|!!!.+?!!!|%[A-Za-z_]+%|<.+?>")
SIGNS = "{}[]#$!%<>"
CLOSE_ENOUGH = 0.7


@dataclass(frozen=True)
class Expected:
    """What a postback URL is compared with: where it should lead, and which names and macros are known.

    `secrets` are those taken now, newest first. `click_names` are the parameters that are read as the click id, and
    `names` all that the format reads, both case-folded.
    """

    base: str
    slug: str
    secrets: list[str]
    click_names: frozenset[str]
    names: frozenset[str] = frozenset()
    macros: Mapping[str, str] = field(default_factory=dict)


def macros_of(network: Network) -> dict[str, str]:
    """Our parameters with this network's macros: its own ones, else its format's, in the format's order."""
    preset = network.format.macros
    given = network.macros or preset
    return {name: given[name] for name in [*preset, *sorted(given)] if name in given}


def known_macros(network: Network) -> dict[str, str]:
    """Which macros this network is known to have. A placeholder that nobody replaced is none."""
    preset = network.format.macros
    placeholders = preset if has_placeholders(network.format) else {}
    known = {**preset, **network.macros}
    return {name: macro for name, macro in known.items() if placeholders.get(name) != macro}


def lint_own_macros(network: Network, expected: Expected) -> list[Finding]:
    """What is wrong with the macros of a network here. One that is like none of its format's may well be its own."""
    macros = macros_of(network)
    if not macros:
        return []
    preset = {} if has_placeholders(network.format) else network.format.macros
    found = [
        *lint_parameters(list(macros.items()), expected),
        *lint_macros(macros, replace(expected, macros=preset), network),
    ]
    return [finding for finding in found if finding.code != "unknown_macro"]


def has_placeholders(format_: Format) -> bool:
    """Whether the preset's macros only stand where staff put the network's own."""
    return bool(format_.macros) and all(macro == f"{{{name}}}" for name, macro in format_.macros.items())


def lint_postback_url(url: str, expected: Expected, network: Network) -> list[Finding]:
    """What is wrong with the postback URL that somebody entered at the network."""
    parameters = split_query(url)
    place = [*lint_address(url), *lint_place(url, expected)]
    if not network.format.macros:
        return place  # it calls with fixed fields, whatever stands behind the address
    return [
        *place,
        *lint_parameters(parameters, expected),
        *lint_macros(dict(parameters), expected, network),
        *lint_placeholders(dict(parameters), network),
    ]


def lint_placeholders(parameters: Mapping[str, str], network: Network) -> list[Finding]:
    """Whether somebody pasted the URL and left it at that, where the macros are the network's to know."""
    preset = network.format.macros
    if not has_placeholders(network.format) or not preset.items() <= parameters.items():
        return []
    words = (
        f"It still has the placeholders of this site. Replace each of {', '.join(preset.values())} by the macro that "
        f"{network.name} has for it, and write the same into “Macros” here."
    )
    return [Finding("placeholders", words)]


def lint_place(url: str, expected: Expected) -> list[Finding]:
    """Whether the address leads here, to this network, with a secret that is taken."""
    if not url.startswith(("http://", "https://")):
        return [Finding("no_address", f"It must be a complete address that starts with {expected.base}/postback/.")]
    if host_of(url) != host_of(expected.base):
        return [Finding("other_host", f"It leads to {host_of(url) or 'no host'}. This site is {expected.base}.")]
    match = re.fullmatch(r"/postback/([^/]*)/?([^/]*)/?", urlsplit(url.partition("?")[0]).path)
    if not match:
        return [Finding("other_path", "Its path must be /postback/, then this network's slug, then its secret.")]
    slug, secret = match.groups()
    if slug != expected.slug:
        return [Finding("other_network", f"It names the network “{slug}”; this one is “{expected.slug}”.")]
    return lint_secret(secret, expected.secrets)


def lint_secret(secret: str, live: list[str]) -> list[Finding]:
    if not secret:
        return [Finding("no_secret", "The secret behind the slug is missing. Copy the whole URL again.")]
    if secret not in live:
        words = "The secret is wrong or was rotated away, so every call gets a 404. Copy the whole URL again."
        return [Finding("wrong_secret", words)]
    if secret != live[0]:
        words = "It has the previous secret, which is taken for a while only. Copy the whole URL again."
        return [Finding("old_secret", words)]
    return []


def lint_parameters(parameters: list[tuple[str, str]], expected: Expected) -> list[Finding]:
    """Whether the click id is among the parameters, and no name is misspelt or there twice."""
    names = [name.casefold() for name, _ in parameters]
    found = [
        Finding("repeated", f"“{name}” stands in it twice. Remove one.")
        for name, count in Counter(names).items()
        if count > 1
    ]
    if not expected.click_names.intersection(names):
        macro = expected.macros.get("click_id", "the macro of the sub-id that your offer link fills")
        holders = [name for name, value in parameters if value == macro]
        words = f"No parameter carries our click id. Add click_id={macro}."
        if holders:
            words = f"{macro} stands in “{holders[0]}”, which is not read as the click id. Rename it to click_id."
        found.append(Finding("no_click_id", words))
    misspelt = [name for name in names if name not in expected.names | {"wait"}]
    near = {name: nearest(name, expected.names) for name in misspelt}
    return found + [
        Finding("unknown_name", f"“{name}” is no parameter that is read here. Do you mean {meant}?")
        for name, meant in near.items()
        if meant and stem(name) != stem(meant)  # of sub_id2 nobody means sub_id
    ]


def nearest(word: str, known: Iterable[str]) -> str:
    """The most similar of the known words; empty when none is similar."""
    return next(iter(difflib.get_close_matches(word, sorted(known), 1, CLOSE_ENOUGH)), "")


def lint_macros(parameters: Mapping[str, str], expected: Expected, network: Network) -> list[Finding]:
    """Whether each value is a macro as this network writes it."""
    findings = (lint_value(name, value, expected, network) for name, value in parameters.items())
    return [finding for finding in findings if finding]


def lint_value(name: str, value: str, expected: Expected, network: Network) -> Finding | None:
    is_click_id = name.casefold() in expected.click_names
    known = [macro for macro in dict.fromkeys(expected.macros.values()) if MACRO.search(macro)]
    if not MACRO.search(value):
        return lint_fixed(name, value, known, is_click_id)
    if value in known:
        return lint_click_macro(name, value, expected, network) if is_click_id else None
    if not known:
        return None
    same = [macro for macro in known if bare(macro).casefold() == bare(value).casefold()]
    if same:
        return Finding("spelling", f"{network.name} writes {same[0]} and not {value}; to the letter, case included.")
    family = [macro for macro in known if stem(macro) == stem(value)]
    if family:
        return lint_click_macro(name, value, expected, network) if is_click_id else None
    by_name = {bare(macro).casefold(): macro for macro in known}
    meant = nearest(bare(value).casefold(), list(by_name))
    words = f"{value} in “{name}” is no macro that we know of {network.name}."
    if meant:
        return Finding("misspelt_macro", f"{words} Do you mean {by_name[meant]}?")
    return Finding("unknown_macro", f"{words} Check its spelling in the network's own list.")


def bare(macro: str) -> str:
    """A macro's name without the signs around it."""
    return unquote(macro).strip(SIGNS)


def stem(name: str) -> str:
    """A name without its number: sub2 is as good a macro as sub1."""
    return re.sub(r"\d+", "", name)


def lint_click_macro(name: str, value: str, expected: Expected, network: Network) -> Finding | None:
    """Whether the click id comes from the sub-id that the offer links fill."""
    wanted = expected.macros.get("click_id", "")
    is_of_link = bare(value).casefold() == link_parameter_of(network).casefold()
    if not wanted or value == wanted or is_of_link:
        return None
    words = f"“{name}” is filled from {value}, while the offer links' sub-id comes back in {wanted}."
    return Finding("other_macro", words)


def lint_fixed(name: str, value: str, known: list[str], is_click_id: bool) -> Finding | None:
    """A value without a macro: good for a currency, never for a click id."""
    decoded = unquote(value)
    if decoded != value and MACRO.fullmatch(decoded):
        words = f"{value} in “{name}” is encoded, so the network does not see its macro. Write {decoded}."
        return Finding("encoded", words)
    meant = next((macro for macro in known if value and bare(macro) == bare(value)), "")
    if meant:
        return Finding("spelling", f"“{name}” has {value} where the macro {meant} belongs, with the signs around it.")
    if is_click_id:
        shown = f"the same value, “{value[:40]}”, for every sale" if value else "no value"
        return Finding("fixed_click_id", f"“{name}” has {shown}. Put the network's macro of our click id there.")
    return None
