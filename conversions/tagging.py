"""What the template tags put into a page: statements for `ttq` and messages for the offer's script.

Where TikTok may be told, `ttq` is loaded and called at once. Where the visitor has to agree first, the calls wait in
the queue and nothing is loaded. Who refused gets no `ttq` at all; what they do is told if they agree on this page.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from conversions.base_code import base_code, call, push, script_json
from conversions.models import Click, Conversion
from conversions.page_events import may_fire, page_rule, pixel_properties, record_page_event
from conversions.page_properties import read_properties, written
from conversions.page_state import identity_of, pixel_of, state_of
from conversions.pixel.identifying import keep_identity
from offers.models import EventRule

NOTHING = SafeString("")


@dataclass
class TaggedPage:
    """One page while it is rendered, with what stands on it already, as each thing does once."""

    request: HttpRequest
    nonce: str
    now: datetime
    offers: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)
    event_ids: set[str] = field(default_factory=set)
    identity: dict[str, str] = field(default_factory=dict)
    token: str = field(default_factory=lambda: f"tracking_{secrets.token_hex(8)}")

    def opening(self, click: Click) -> SafeString:
        """The base code, the state of the click and the offer's script; nothing where they stand already."""
        slug = click.offer.slug
        if slug in self.offers or not can_be_shown(click):
            return NOTHING
        self.offers.add(slug)
        calls = [*self.pixel_calls(click), push("state", state_of(click, self.now))]
        return self.script(calls) + self.linked_script(slug)

    def pixel_calls(self, click: Click) -> list[str]:
        """What is said to `ttq` before the first event."""
        pixel = pixel_of(click)
        if pixel is None or click.has_refused:
            return []
        start = load(click, pixel["code"]) if click.has_consent else "ttq.holdConsent();"
        return [
            *self.once(base_code(pixel["src"])),
            *self.once(start),
            *self.identify(click),
            *self.once("ttq.page();"),
        ]

    def once(self, statement: str) -> list[str]:
        if statement in self.statements:
            return []
        self.statements.add(statement)
        return [statement]

    def identify(self, click: Click) -> list[str]:
        """Tell the Pixel whose events follow, where it has not heard so last."""
        identity = identity_of(click)
        if not identity or identity == self.identity:
            return []
        self.identity = identity
        return [call("ttq.identify", identity)]

    def identification(self, click: Click, given: Mapping[str, str]) -> SafeString:
        """Keep the visitor's digests, those that the offer approves, and tell them to the Pixel."""
        keep_identity(click, given)
        before = self.opening(click)
        return before + self.script(self.identify(click)) if has_queue(click) else before

    def event(self, click: Click, name: str, given: Mapping[str, Any], key: str) -> SafeString:
        """Record one occurrence of an event; what the page has to do for the Pixel's copy of it.

        Nothing where the offer has no rule by which a page may call it.
        """
        before = self.opening(click)
        rule = page_rule(click, name)
        if rule is None:
            return before
        conversion = self.record(click, rule, given, key)
        event_id = str(conversion.event_id)
        if event_id in self.event_ids or not is_for_pixel(click, rule) or not may_fire(conversion, self.now):
            return before
        self.event_ids.add(event_id)
        return before + self.script(self.event_calls(click, rule, conversion))

    def record(self, click: Click, rule: EventRule, given: Mapping[str, Any], key: str) -> Conversion:
        said = read_properties(given, click.offer.currency)
        referrer, page_url = self.request.META.get("HTTP_REFERER", ""), self.request.build_absolute_uri()
        return record_page_event(click, rule, said, page_url, referrer, self.now, key)

    def event_calls(self, click: Click, rule: EventRule, conversion: Conversion) -> list[str]:
        """The page may have another offer's pixel, too, so the event names the one that it is for."""
        properties, event_id = pixel_properties(rule, conversion), str(conversion.event_id)
        if click.has_refused:
            return [push("event", rule.event_name, properties, event_id, click.offer.slug)]
        target = {"event_id": event_id, "pixel_code": click.offer.pixel.code}
        track = call("ttq.track", rule.event_name, properties, target)
        calls = [*self.identify(click), track, push("fired", event_id, click.offer.slug)]
        return [f"if (trackingIsNewPage({script_json(self.token)})) {{", *calls, "}"] if click.has_consent else calls

    def script(self, statements: list[str]) -> SafeString:
        """A script element with these statements; nothing for none."""
        if not statements:
            return NOTHING
        body = mark_safe("\n".join(statements))  # noqa: S308
        return format_html("<script{}>{}</script>", self.nonce_attribute(), body)

    def linked_script(self, slug: str, attributes: str = "") -> SafeString:
        address = f"{settings.PUBLIC_BASE_URL}/pixel/{quote(slug, safe='')}.js"
        return format_html('<script async src="{}"{}{}></script>', address, attributes, self.nonce_attribute())

    def nonce_attribute(self) -> SafeString:
        return format_html(' nonce="{}"', self.nonce) if self.nonce else NOTHING


class PageFetchedAhead(TaggedPage):
    """A page that a browser fetches before anybody asked for it: its script does all this if somebody comes."""

    def later(self, slug: str) -> SafeString:
        """The offer's script, which registers the arrival but calls no event of its own accord."""
        if not slug or slug in self.offers:
            return NOTHING
        self.offers.add(slug)
        return self.linked_script(slug, mark_safe(' data-events=""'))

    def event_later(self, slug: str, name: str, given: Mapping[str, Any], key: str) -> SafeString:
        """The event as a call of the script; the server reads value and currency when it comes."""
        if not slug:
            return NOTHING
        money = {part: written(given[part]) for part in ("value", "currency") if given.get(part) not in (None, "")}
        options = {"offer": slug, "key": key} if key else {"offer": slug}
        properties = {**read_properties(given, "").others, **money}
        return self.later(slug) + self.script([push("track", name, properties, options)])


def can_be_shown(click: Click) -> bool:
    """Whether somebody looks at the page, and the offer has a script that works."""
    return not click.robot and click.offer.is_active


def has_queue(click: Click) -> bool:
    """Whether there is a `ttq` on the page for this click's calls, loaded or waiting."""
    return can_be_shown(click) and pixel_of(click) is not None and not click.has_refused


def is_for_pixel(click: Click, rule: EventRule) -> bool:
    return rule.uses("pixel") and pixel_of(click) is not None and can_be_shown(click)


def load(click: Click, code: str) -> str:
    return call("ttq.load", code, {"limited_data_use": True}) if click.limits_data else call("ttq.load", code)
