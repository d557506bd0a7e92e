"""What the template tags put into a page: statements for `ttq` and messages for the offer's script.

Where TikTok may be told, `ttq` is loaded and called at once, each pixel by itself, so that one offer's visitor is not
told to the pixel of another. Where the visitor has to agree first, nothing is loaded, and who refused gets no `ttq` at
all: what they do is told by the offer's script if they agree on this page. A page that the browser has kept leaves all
to that script, which asks the server how things stand now.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from conversions.base_code import PAGE_GUARD, base_code, call, push, script_json
from conversions.models import Click, Conversion
from conversions.page_events import TooManyEventsError, may_fire, page_rule, pixel_properties, record_page_event
from conversions.page_properties import read_properties, written
from conversions.page_state import identity_of, pixel_of, state_of
from conversions.pixel.identifying import keep_identity
from offers.models import EventRule

NOTHING = SafeString("")
# One offer's hold would keep the events of all pixels on the page, so the first pixel that may be told ends it.
HOLD = "if (!ttq._i) { ttq.holdConsent(); ttq.heldByTags = ttq[ttq.length - 1]; }"
HOLD_NO_MORE = "if (ttq.heldByTags) ttq.splice(ttq.indexOf(ttq.heldByTags), 1);"


@dataclass
class TaggedPage:
    """One page while it is rendered, with what stands on it already, as each thing does once."""

    request: HttpRequest
    nonce: str
    now: datetime
    offers: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)
    event_ids: set[str] = field(default_factory=set)
    pixels: set[str] = field(default_factory=set)
    identities: dict[str, dict[str, str]] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def opening(self, click: Click) -> SafeString:
        """The base code, the state of the click and the offer's script; nothing where they stand already."""
        slug = click.offer.slug
        if slug in self.offers or not can_be_shown(click):
            return NOTHING
        self.offers.add(slug)
        state = push("state", state_of(click, self.now))
        calls = [*self.once(PAGE_GUARD), *self.pixel_calls(click), *self.where(self.is_new(), [state])]
        return self.script(calls) + self.linked_script(slug)

    def pixel_calls(self, click: Click) -> list[str]:
        """What is said to `ttq` before the first event."""
        pixel = pixel_of(click)
        if pixel is None or click.has_refused:
            return []
        base = self.once(base_code(pixel["src"]))
        if not click.has_consent:
            return [*base, *([] if self.pixels else self.once(HOLD))]
        return [*base, *self.where(self.may_tell(click), [*self.load(click, pixel["code"]), *self.identify(click)])]

    def load(self, click: Click, code: str) -> list[str]:
        """Load the pixel and report the page to it, once; a second load would forget what it was told."""
        if code in self.pixels:
            return []
        self.pixels.add(code)
        options = [{"limited_data_use": True}] if click.limits_data else []
        free = self.once(HOLD_NO_MORE) if HOLD in self.statements else []
        return [*free, call("ttq.load", code, *options), *self.identify(click), on_pixel(code, "page")]

    def is_new(self) -> str:
        """What asks the guard whether the page is shown for the first time."""
        return call("trackingIsNewPage", self.token)

    def may_tell(self, click: Click) -> str:
        """What asks the guard whether it is, and the browser knows of no refusal."""
        return call("trackingMayTell", self.token, click.offer.slug)

    def where(self, condition: str, calls: Sequence[str], otherwise: Sequence[str] = ()) -> list[str]:
        """The calls for a page of which the guard says so, and others for one of which it does not."""
        if not calls:
            return []
        others = ["} else {", *otherwise] if otherwise else []
        return [f"if ({condition.rstrip(';')}) {{", *calls, *others, "}"]

    def once(self, statement: str) -> list[str]:
        if statement in self.statements:
            return []
        self.statements.add(statement)
        return [statement]

    def identify(self, click: Click) -> list[str]:
        """Tell the offer's pixel who it is, where it has not heard so last."""
        identity, code = identity_of(click), click.offer.pixel.code
        if not identity or identity == self.identities.get(code):
            return []
        self.identities[code] = identity
        return [on_pixel(code, "identify", identity)]

    def identification(self, click: Click, given: Mapping[str, str]) -> SafeString:
        """Keep the visitor's digests, those that the offer approves, and tell them to the Pixel."""
        keep_identity(click, given)
        before = self.opening(click)
        calls = self.where(self.may_tell(click), self.identify(click)) if has_pixel(click) and click.has_consent else []
        return before + self.script(calls)

    def event(self, click: Click, name: str, given: Mapping[str, Any], key: str) -> SafeString:
        """Record one occurrence of an event; what the page has to do for the Pixel's copy of it.

        Nothing where the offer has no rule by which a page may call it, nor for one that the click has too many of.
        """
        before = self.opening(click)
        rule = page_rule(click, name)
        conversion = self.record(click, rule, given, key) if rule else None
        if rule is None or conversion is None:
            return before
        event_id = str(conversion.event_id)
        if event_id in self.event_ids or not is_for_pixel(click, rule) or not may_fire(conversion, self.now):
            return before
        self.event_ids.add(event_id)
        return before + self.script(self.event_calls(click, rule, conversion))

    def record(self, click: Click, rule: EventRule, given: Mapping[str, Any], key: str) -> Conversion | None:
        said = read_properties(given, click.offer.currency)
        referrer, page_url = self.request.META.get("HTTP_REFERER", ""), self.request.build_absolute_uri()
        try:
            return record_page_event(click, rule, said, page_url, referrer, self.now, key)
        except TooManyEventsError:
            return None

    def event_calls(self, click: Click, rule: EventRule, conversion: Conversion) -> list[str]:
        """Fire the event, or have the script wait with it; a page that may do neither asks the server for it anew."""
        name, slug, code = rule.event_name, click.offer.slug, click.offer.pixel.code
        properties, event_id = pixel_properties(rule, conversion), str(conversion.event_id)
        anew = [track_later(slug, name, properties, conversion.occurrence_key)]
        if not click.has_consent:
            return self.where(self.is_new(), [push("event", name, properties, event_id, slug)], anew)
        track = on_pixel(code, "track", name, properties, {"event_id": event_id})
        return self.where(self.may_tell(click), [*self.identify(click), track, push("fired", event_id, slug)], anew)

    def script(self, statements: list[str]) -> SafeString:
        """A script element with these statements; nothing for none."""
        if not statements:
            return NOTHING
        body = mark_safe("\n".join(statements))  # noqa: S308
        return format_html("<script{}>{}</script>", self.nonce_attribute(), body)

    def linked_script(self, slug: str) -> SafeString:
        """The offer's script, which calls no event of its own accord."""
        address = f"{settings.PUBLIC_BASE_URL}/pixel/{quote(slug, safe='')}.js"
        return format_html('<script async src="{}" data-events=""{}></script>', address, self.nonce_attribute())

    def nonce_attribute(self) -> SafeString:
        return format_html(' nonce="{}"', self.nonce) if self.nonce else NOTHING


class PageFetchedAhead(TaggedPage):
    """A page that a browser fetches before anybody asked for it: its script does all this if somebody comes."""

    def later(self, slug: str) -> SafeString:
        """The offer's script, which registers the arrival."""
        if not slug or slug in self.offers:
            return NOTHING
        self.offers.add(slug)
        return self.linked_script(slug)

    def event_later(self, slug: str, name: str, given: Mapping[str, Any], key: str) -> SafeString:
        """The event as a call of the script; the server reads value and currency when it comes."""
        if not slug:
            return NOTHING
        money = {part: written(given[part]) for part in ("value", "currency") if given.get(part) not in (None, "")}
        properties = {**read_properties(given, "").others, **money}
        return self.later(slug) + self.script([track_later(slug, name, properties, key)])


def can_be_shown(click: Click) -> bool:
    """Whether somebody looks at the page, and the offer has a script that works."""
    return not click.robot and click.offer.is_active


def has_pixel(click: Click) -> bool:
    return can_be_shown(click) and pixel_of(click) is not None


def is_for_pixel(click: Click, rule: EventRule) -> bool:
    return rule.uses("pixel") and has_pixel(click)


def on_pixel(code: str, method: str, *arguments: object) -> str:
    """A call for one pixel alone, whichever others are on the page. It waits in that pixel's own queue."""
    return call(f"ttq.instance({script_json(code)}).{method}", *arguments)


def track_later(slug: str, name: str, properties: Mapping[str, Any], key: str) -> str:
    """The event as a call of the offer's script."""
    return push("track", name, properties, {"offer": slug, "key": key} if key else {"offer": slug})
