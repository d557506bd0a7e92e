"""What is said where nothing has an id: what was looked for, and where to look now."""

from django.conf import settings

from dispatch.diagnosis.typed import Typed


def advice_for(typed: Typed) -> str:
    """In a few sentences, for whoever pasted it."""
    if not typed.text:
        return "Paste a click id, an event_id, a transaction id or the number of a conversion."
    if typed.looks_like_ttclid:
        return (
            "This looks like a ttclid. There is no index of those, so nothing is traced by them: search the list of "
            "clicks for it, which may take a while, and trace the click id that you find."
        )
    if "@" in typed.text:
        return "People are not traced by their e-mail address. Ask for the order number, or the click id."
    if typed.click_id:
        return (
            f"No click has the id {typed.click_id}, and no call of a network names it. Compare it letter by letter "
            f"with what the network shows: it may have cut it off, or sent an id of its own. {kept()}"
        )
    if typed.event_id:
        return (
            f"No conversion has the event_id {typed.event_id}. Every event_id is made here, so another one is that of "
            "another site, or a page has made it itself: the Pixel's own code stands on a page beside this site's."
        )
    return (
        f"Nothing here is called “{typed.text[:100]}”: no click, no event, no transaction of a conversion, of a "
        "network's call or of a file. Transactions are compared letter by letter. If the network shows it as sent, "
        f"look into its log of postbacks: which address it called, and what was answered. {kept()}"
    )


def kept() -> str:
    """For how long there is anything to find."""
    days = settings.RETENTION_POSTBACK_DAYS
    return f"Clicks are kept here for ever, calls of networks {f'for {days:g} days' if days else 'as well'}."
