"""What is true beside the verdict and worth knowing."""

from collections.abc import Callable, Iterator

from conversions.ad_macros import as_text, macros_left
from conversions.models import Conversion
from conversions.outcomes import Outcome
from dispatch.diagnosis.case import Case, Ruling, said
from dispatch.diagnosis.rules import is_overdue
from dispatch.diagnosis.verdicts import Cause, Verdict
from dispatch.models import Delivery

STRONG = {"ttclid": "ttclid", "email": "e-mail", "phone": "phone number"}
MOST_NAMED = 5
OTHERS = {"ttp": "_ttp", "ip": "address", "user_agent": "browser", "external_id": "external id"}
Note = Callable[[Case, Ruling], Iterator[str]]


def notes_of(case: Case, ruling: Ruling) -> list[str]:
    return [*ruling.notes, *(words for note in NOTES for words in note(case, ruling))]


def test(case: Case, ruling: Ruling) -> Iterator[str]:
    if case.click and case.click.is_test and ruling.cause != Cause.TEST:
        yield "It belongs to a test conversion, which counts nowhere."


def capped(case: Case, ruling: Ruling) -> Iterator[str]:
    if case.click and case.click.capped_offer and ruling.cause != Cause.CAPPED:
        yield f"The visitor came by the tracking link of “{case.click.capped_offer}”, whose cap was reached."


def erased(case: Case, ruling: Ruling) -> Iterator[str]:
    if case.click and case.click.erased_at and ruling.cause != Cause.ERASED:
        yield f"The visitor's data was erased at {case.at(case.click.erased_at)}."


def told_again(case: Case, ruling: Ruling) -> Iterator[str]:
    """Doubles of this one, and what this one would double if it were told."""
    copies = [key for key, original in case.evidence.originals.items() if case.conversion == original]
    for key in copies:
        yield f"The same sale stands under another event_id as well, that of conversion {key}."
    if case.original and ruling.cause != Cause.SAME_SALE:
        yield f"It is the same sale as conversion {case.original.pk}, under another event_id."


def repeated(case: Case, ruling: Ruling) -> Iterator[str]:
    calls = case.evidence.postbacks_of(case.conversion) if case.conversion else []
    count = sum(call.outcome == Outcome.DUPLICATE for call in calls)
    if count:
        yield f"The network reported it {'once' if count == 1 else f'{count} times'} more, which changed nothing."


def remarked(case: Case, ruling: Ruling) -> Iterator[str]:
    """What was noted of a call that counts, such as a time that can't be; each once."""
    calls = case.evidence.postbacks_of(case.conversion) if case.conversion else []
    yield from dict.fromkeys(call.detail for call in calls if call.outcome == Outcome.RECORDED and call.detail)


def refunded_in_part(case: Case, ruling: Ruling) -> Iterator[str]:
    if case.conversion and case.conversion.status == Conversion.Status.PARTIAL and case.may_have_been_told:
        yield "The network refunded a part of it. TikTok can't take that off, and keeps the value that it was told."


def unreported(case: Case, ruling: Ruling) -> Iterator[str]:
    """A page has told it, and TikTok knows of it, but not the network, where the verdict is about something else."""
    if ruling.verdict == Verdict.DELIVERED and ruling.cause != Cause.SALE_UNREPORTED and is_overdue(case):
        yield "A page reported it. The network has not, though the offer expects that of it."


def warned(case: Case, ruling: Ruling) -> Iterator[str]:
    delivery = case.delivery
    if delivery and delivery.status == Delivery.Status.ACCEPTED and delivery.detail:
        yield said(delivery.detail)


def few_identifiers(case: Case, ruling: Ruling) -> Iterator[str]:
    """By what was sent, as long as that is kept."""
    attempts = case.evidence.attempts[case.delivery.pk] if case.delivery else []
    user = attempts[-1].payload.get("user") if attempts else None
    if ruling.verdict != Verdict.DELIVERED or not isinstance(user, dict) or any(user.get(key) for key in STRONG):
        return
    known = ", ".join(label for key, label in OTHERS.items() if user.get(key))
    words = "TikTok has little to match the visitor by: neither ttclid nor e-mail nor phone number"
    yield f"{words}, only {known}." if known else f"{words}."


def macros_of_the_ad(case: Case, ruling: Ruling) -> Iterator[str]:
    """Why an identifier or the ad's own ids are missing, by the page's address, as the columns leave macros out."""
    left = list(macros_left(case.click.landing_url).items()) if case.click else []
    if not left:
        return
    what, of = ("a macro", "it") if len(left) == 1 else ("macros", "them")
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    yield (
        f"The ad's link came with {what} that TikTok did not replace ({as_text(left[:MOST_NAMED])}{more}), so it told "
        f"nothing by {of}. Correct the URL in the ad, unless somebody opened the link by hand."
    )


def fired_all_the_same(case: Case, ruling: Ruling) -> Iterator[str]:
    fired = case.seen("fired")
    if fired and ruling.verdict not in (Verdict.DELIVERED, Verdict.REFUNDED, Verdict.DUPLICATED):
        yield f"The Pixel fired it at {case.at(fired.created_at)}, so TikTok knows of it by the browser."


def maybe_there(case: Case, ruling: Ruling) -> Iterator[str]:
    delivery = case.delivery
    if delivery and delivery.maybe_accepted and delivery.status != Delivery.Status.ACCEPTED:
        yield "An earlier try got no clear answer, so TikTok may have it already."


def other_pixels(case: Case, ruling: Ruling) -> Iterator[str]:
    for delivery in case.deliveries:
        if delivery != case.delivery:
            yield f"For {delivery.pixel.name} it stands at “{delivery.get_status_display()}”."


NOTES: list[Note] = [
    test,
    told_again,
    repeated,
    remarked,
    refunded_in_part,
    unreported,
    warned,
    macros_of_the_ad,
    few_identifiers,
    fired_all_the_same,
    maybe_there,
    other_pixels,
    capped,
    erased,
]
