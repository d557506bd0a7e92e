"""What staff paste into an offer's pages: the tags where Django renders them, the one-line script anywhere else."""

from collections.abc import Sequence

from django.conf import settings

from offers.admin.copyable import Copyable, Group
from offers.linting import CLICK_ID, split_query
from offers.models import EventRule, Offer
from offers.models.offer import BY_APPROVAL

BY_ITSELF = "ViewContent"
QUEUE = "(window.tracking = window.tracking || []).push"
THANK_YOU = (
    "On the thank-you page, if it is yours. The network's postback carries the same event_id, so TikTok counts the two "
    "as one."
)
OWN_VALUE = " This rule tells the page's own value, if it gives one: add {}."
CONSENT_NOTE = (
    "Call it when the visitor answers your banner; “denied” and “withdrawn” are told in the same way. The last word "
    "says who asked, and stands in the record of answers. Before they have agreed nothing is sent to TikTok. What a "
    "page tells TikTok by ttq.grantConsent() or ttq.revokeConsent() is understood, too. A banner of IAB TCF needs one "
    'call instead: push(["tcf"]).'
)


def of_pages(offer: Offer, rules: Sequence[EventRule]) -> list[Group]:
    """The two ways to build a page; in each the order is that of the work."""
    called = [rule for rule in rules if rule.trigger == EventRule.Trigger.PAGE or rule.uses("pixel")]
    return [
        Group(
            "Into your pages: any other page",
            [script(offer), *buttons(called), *js_identify(offer), *js_consent(offer), static_link(offer)],
            "For page builders, static HTML and shops: everything that Django does not render.",
            is_folded=True,
        ),
        Group(
            "Into your pages: Django templates",
            [
                *base_tag(offer),
                *(event_tag(offer, rule) for rule in called),
                *tag_identify(offer),
                *js_consent(offer),
                tag_link(offer),
            ],
            "For pages of a Django project that has the apps installed.",
            is_folded=True,
        ),
    ]


def script(offer: Offer) -> Copyable:
    return Copyable(
        "The script",
        f'<script async src="{settings.PUBLIC_BASE_URL}/pixel/{offer.slug}.js"></script>',
        "Into the head of every page of this offer. It registers the visit, keeps the click id in the page's "
        "links, loads the Pixel as soon as the visitor may be told of, and tells ViewContent if there is a rule of it. "
        'Other events can be told as a page opens, too: add data-events="ViewContent Lead" for instance.',
    )


def buttons(rules: Sequence[EventRule]) -> list[Copyable]:
    """For what the visitor does; the script tells by itself that the page was opened."""
    return [row for rule in rules if rule.event_name != BY_ITSELF for row in rows_of(rule)]


def rows_of(rule: EventRule) -> list[Copyable]:
    """What a postback tells is no press of a button: a thank-you page calls it when it opens."""
    return [attribute(rule), js_call(rule)] if rule.trigger == EventRule.Trigger.PAGE else [js_call(rule)]


def attribute(rule: EventRule) -> Copyable:
    """An event without a line of JavaScript."""
    note = (
        f'Add it to the tag of a button, link or form, as in <button data-track="{rule.event_name}">: the event is '
        "told when it is pressed or sent."
    )
    if tells_own_value(rule):
        note += OWN_VALUE.format(f'data-track-value="49.90" data-track-currency="{rule.offer.currency}"')
    return Copyable(f"Event {rule.event_name}: button or form", f'data-track="{rule.event_name}"', note)


def js_call(rule: EventRule) -> Copyable:
    note = "For your own JavaScript, wherever the event happens. It may stand before the script."
    if rule.trigger != EventRule.Trigger.PAGE:
        note = THANK_YOU
    elif tells_own_value(rule):
        note += OWN_VALUE.format(f'a third entry such as {{value: 49.9, currency: "{rule.offer.currency}"}}')
    return Copyable(f"Event {rule.event_name}: script", f'{QUEUE}(["track", "{rule.event_name}"]);', note)


def tells_own_value(rule: EventRule) -> bool:
    return rule.value_source == EventRule.ValueSource.NONE


def approved(offer: Offer) -> list[str]:
    """The identifiers that the offer's pages may tell, in the words of their calls."""
    return [name for name in BY_APPROVAL if name not in offer.withheld]


def js_identify(offer: Offer) -> list[Copyable]:
    names = approved(offer)
    if not names:
        return []
    fields = ", ".join(f'{name}: "…"' for name in names)
    note = (
        "Call it with what the visitor has typed in, before the event. It is hashed on arrival and never kept in "
        "clear, and both legs carry the digest."
    )
    return [Copyable("Who it is", f'{QUEUE}(["identify", {{{fields}}}]);', note)]


def js_consent(offer: Offer) -> list[Copyable]:
    if not offer.consent_required:
        return []
    return [Copyable("Consent", f'{QUEUE}(["consent", "granted", "banner"]);', CONSENT_NOTE)]


def static_link(offer: Offer) -> Copyable:
    return Copyable(
        "Link to the offer",
        f"{settings.PUBLIC_BASE_URL}/go/{offer.slug}/",
        f"For the button of the landing page; the script puts the visitor's click id in. {travels(offer)}",
    )


def base_tag(offer: Offer) -> list[Copyable]:
    if not offer.allows("pixel"):
        return []
    note = "Into the head of every template of this offer. It loads the Pixel for the visitor's click, and the script."
    text = "{% load tiktok %}" + f'{{% tiktok_pixel "{offer.slug}" %}}'
    return [Copyable("Landing snippet", text, note)]


def event_tag(offer: Offer, rule: EventRule) -> Copyable:
    note = "On the page where it happens, below the landing snippet."
    if rule.trigger != EventRule.Trigger.PAGE:
        note = THANK_YOU
    elif tells_own_value(rule):
        note += OWN_VALUE.format(f'value=49.90 currency="{offer.currency}"')
    return Copyable(f"Event {rule.event_name}", f'{{% tiktok_event "{rule.event_name}" "{offer.slug}" %}}', note)


def tag_identify(offer: Offer) -> list[Copyable]:
    names = approved(offer)
    if not names:
        return []
    examples = {"email": "user.email", "phone": "user.phone", "external_id": "user.pk"}
    fields = " ".join(f"{name}={examples[name]}" for name in names)
    note = "Where the page knows its visitor, above the events. Both legs carry the digest, never the text itself."
    return [Copyable("Who it is", f'{{% tiktok_identify {fields} offer="{offer.slug}" %}}', note)]


def tag_link(offer: Offer) -> Copyable:
    return Copyable(
        "Link to the offer",
        f'{{% offer_link "{offer.slug}" %}}',
        f"For the href of the landing page's button. It is written with the visitor's click id. {travels(offer)}",
    )


def travels(offer: Offer) -> str:
    """Where the click id goes on from there."""
    sub_ids = [name for name, value in split_query(offer.offer_url) if CLICK_ID in value]
    where = f" in “{sub_ids[0]}”" if sub_ids else ""
    return (
        f"The visitor goes on to your offer link, which gives the network our click id{where}: its postback must send "
        "it back."
    )
