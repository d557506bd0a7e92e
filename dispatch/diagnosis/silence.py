"""What the network has not reported: of a click without a sale, and of a sale that only a page has told."""

from collections import Counter
from datetime import timedelta

from conversions.models import Consent
from conversions.outcomes import Outcome
from dispatch.diagnosis import refusals
from dispatch.diagnosis.case import Case, Rule, Ruling, detail_of, first_that_fits
from dispatch.diagnosis.verdicts import Cause, Verdict, cause_of
from dispatch.wording import in_words
from offers.admin_parts import sentences
from offers.silence import in_hours, is_turned_away, limit_of, silent_for

PATIENCE = timedelta(hours=24)
"""Networks report most sales within a day; nothing is missing before that."""


def erased(case: Case) -> Ruling | None:
    if not (case.click and case.click.erased_at):
        return None
    words = f"The visitor's data was erased at {case.at(case.click.erased_at)}, so TikTok is told nothing of them."
    return Ruling(Verdict.NEVER_SENT, Cause.ERASED, words)


def robot(case: Case) -> Ruling | None:
    if not (case.click and case.click.robot):
        return None
    words = f"Not a person came but a {case.click.get_robot_display().lower()}, of which TikTok is told nothing."
    return Ruling(Verdict.NEVER_SENT, Cause.ROBOT, words)


def refused_by_visitor(case: Case) -> Ruling | None:
    if not (case.click and case.click.has_refused):
        return None
    did = "took back their agreement" if case.click.consent == Consent.WITHDRAWN else "refused"
    words = f"The visitor {did} at {case.at(case.click.consent_at)}, so TikTok is told on neither leg what they do."
    return Ruling(Verdict.NEVER_SENT, Cause.CONSENT_DENIED, words)


def capped(case: Case) -> Ruling | None:
    click = case.click
    if not (click and click.capped_offer):
        return None
    words = (
        f"A cap of “{click.capped_offer}” was reached, so its tracking link sent the visitor on to “{click.offer}”. "
        f"What they do there counts for “{click.offer}”."
    )
    return Ruling(Verdict.NEVER_SENT, Cause.CAPPED, words)


def refused_unread(case: Case) -> Ruling | None:
    """Calls that came since and name no click: the missing one may well be among them."""
    calls = case.evidence.nameless_since(case.click) if case.click else []
    if not calls:
        return None
    ((reason, count),) = Counter(map(refusals.reason_of, calls)).most_common(1)
    newest = [call for call in calls if refusals.reason_of(call) == reason][-1]
    words = (
        f"The network has reported nothing under this click's id, but {counted(count)} of it since then ended as "
        f"“{reason.label}” and can't be joined with a click. {detail_of(newest)} The sale may be one of them."
    )
    return Ruling(Verdict.NOT_REPORTED, cause_of(reason), " ".join(words.split()), about=newest)


def of_another_sale(case: Case) -> Ruling | None:
    """A call that names this click, and the transaction of another click's sale, so that it was taken for that one."""
    if not case.click:
        return None
    own = {conversion.pk for conversion in case.evidence.conversions_of(case.click)}
    calls = [row for row in case.evidence.postbacks.values() if row.click_ref == case.click.pk]
    taken = [row for row in calls if row.outcome == Outcome.DUPLICATE and row.conversion_id not in {*own, None}]
    if not taken:
        return None
    words = (
        "The network reported a sale of this click under a transaction that is another click's already, that of "
        f"conversion {taken[-1].conversion_id}. So it was taken for a repetition, and counts for nothing."
    )
    return Ruling(Verdict.DUPLICATED, Cause.ONE_TRANSACTION, words, about=taken[-1])


def counted(count: int) -> str:
    return "one call" if count == 1 else f"{count} calls"


def network_silent(case: Case) -> Ruling | None:
    """Nothing at all comes from the network: longer than it may be silent or than it usually is, or since the click."""
    network, click = case.network, case.click
    if network is None or click is None:
        return None
    quiet, hush, words = silent_for(network, case.now), case.evidence.hushes.get(network.pk), ""
    if quiet:
        words = f"{network} has not called for {in_hours(quiet)}, and it may be silent for {limit_of(network)}."
    elif hush:
        words = f"{network} has not called for {hush.lasts(case.now)}. {hush.words}"
    elif case.now - click.created_at >= PATIENCE and (network.heard_at is None or network.heard_at < click.created_at):
        words = f"{network} has not called at all since the visitor came, {in_words(case.now - click.created_at)} ago."
    return Ruling(Verdict.NOT_REPORTED, Cause.NETWORK_SILENT, words) if words else None


def network_off(case: Case) -> Ruling | None:
    """Staff have switched it off, so nothing that it says can arrive."""
    if case.network is None or case.network.is_active:
        return None
    words = f"{case.network} is not active here, so its calls are answered with a 404 and kept nowhere."
    return Ruling(Verdict.NOT_REPORTED, Cause.NETWORK_OFF, words)


def wrong_secret(case: Case) -> Ruling | None:
    """The last call, so that it says more than what came before it and was in order."""
    network = case.network
    if not (network and is_turned_away(network) and (turned_away := turned_away_since(case))):
        return None
    words = f"The network has reported nothing under this click's id. {turned_away} The sale may be one of them."
    return Ruling(Verdict.NOT_REPORTED, Cause.WRONG_SECRET, words)


def turned_away_since(case: Case) -> str:
    """In words that the network's address was called with a wrong secret after the click; empty when it was not."""
    network, click = case.network, case.click
    if not (network and click and network.turned_away_at and network.turned_away_at >= click.created_at):
        return ""
    return (
        f"{network}'s postback address was called with a wrong secret since the visitor came, last at "
        f"{case.at(network.turned_away_at)}, and such calls are kept nowhere."
    )


def nothing_is_told(case: Case) -> Ruling | None:
    if case.rules:
        return None
    words = f"The offer “{case.offer}” has no event rule, so TikTok is told nothing whatever happens."
    return Ruling(Verdict.NEVER_SENT, Cause.NO_RULE, words)


def reported_by_page(case: Case) -> Ruling | None:
    """A page has told of a sale and the network has not, for longer than it takes."""
    conversion = case.conversion
    if not conversion or case.now - conversion.created_at < PATIENCE:
        return None
    words = (
        f"A page reported it {in_words(case.now - conversion.created_at)} ago, and the network has not. The offer "
        "tells TikTok of it when the network does."
    )
    return Ruling(Verdict.NOT_REPORTED, Cause.SALE_UNREPORTED, sentences(words, turned_away_since(case)))


def too_young(case: Case) -> Ruling | None:
    click, conversion = case.click, case.conversion
    since = conversion.created_at if conversion else click.created_at if click else None
    if since is None or case.now - since >= PATIENCE:
        return None
    what = "A page reported it" if conversion else "The visitor came"
    words = f"{what} {in_words(case.now - since)} ago, and the network has not reported a sale. Most do within a day."
    return Ruling(Verdict.NOT_REPORTED, Cause.CLICK_TOO_YOUNG, sentences(words, turned_away_since(case)))


def nothing_yet(case: Case) -> Ruling | None:
    click = case.click
    if click is None:
        return None
    is_known = bool(case.evidence.conversions_of(click))
    nobody = "the network has reported no sale of theirs" if is_known else "nobody has reported a sale of theirs"
    words = f"The visitor came {in_words(case.now - click.created_at)} ago, and {nobody}. Most visitors buy nothing."
    return Ruling(Verdict.NOT_REPORTED, Cause.NO_CONVERSION_YET, sentences(words, turned_away_since(case)))


def unreported(case: Case) -> Ruling | None:
    """A conversion that a page has told, of an offer that waits for the network's word."""
    if not case.conversion or case.entries or not case.postback_rules:
        return None
    return first_that_fits(OF_PAGES, case)


OF_NETWORK: list[Rule] = [network_off, wrong_secret, network_silent]
OF_PAGES: list[Rule] = [of_another_sale, refused_unread, *OF_NETWORK, reported_by_page, too_young]
OF_CLICKS: list[Rule] = [
    erased,
    robot,
    refused_by_visitor,
    capped,
    of_another_sale,
    refused_unread,
    nothing_is_told,
    *OF_NETWORK,
    too_young,
    nothing_yet,
]
OF_CLICKS_WITH_PAGES: list[Rule] = [of_another_sale, refused_unread, *OF_NETWORK, too_young, nothing_yet]
"""Where pages have told something, it has verdicts of its own; what is left to say is what the network has not."""


def of_click(case: Case) -> Ruling | None:
    """The verdict on a click without a sale of the network's."""
    has_pages = case.click and case.evidence.conversions_of(case.click)
    return first_that_fits(OF_CLICKS_WITH_PAGES if has_pages else OF_CLICKS, case)
