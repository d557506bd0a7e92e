"""How a network's call, or a row of a file, is judged that has led to no conversion."""

from conversions.models import UploadRow
from conversions.outcomes import STRANGERS, UNJOINED, Outcome
from dispatch.diagnosis import refusals
from dispatch.diagnosis.case import Case, Rule, Ruling, detail_of
from dispatch.diagnosis.verdicts import Cause, Verdict, cause_of

HARMLESS = frozenset({Outcome.IGNORED, Outcome.TEST})


def not_digested(case: Case) -> Ruling | None:
    call = case.postback
    if not call or call.outcome != Outcome.RECEIVED:
        return None
    if case.evidence.is_alive:
        words = "The call has arrived and is digested within seconds."
        return Ruling(Verdict.DELAYED, Cause.ON_ITS_WAY, words)
    words = "The call has arrived, and no worker is there to digest it: none gives a sign of life."
    return Ruling(Verdict.DELAYED, Cause.WORKERS_STOPPED, words)


def repeated(case: Case) -> Ruling | None:
    call = case.postback
    if not call or call.outcome != Outcome.DUPLICATE:
        return None
    of = f" of conversion {call.conversion_id}" if call.conversion_id else ""
    words = (
        f"The call repeats what is known{of} already, so it changes nothing and TikTok is told once. {detail_of(call)}"
    )
    return Ruling(Verdict.DUPLICATED, Cause.DUPLICATE_POSTBACK, words.strip(), about=call.conversion)


def changed_on_its_way(case: Case) -> Ruling | None:
    """The click is here, and the network names it with its id cut off."""
    call, click = case.postback, case.click
    if not call or not click or not refusals.is_changed(call, click.pk):
        return None
    words = f"The network names the click as “{call.click_ref}”, and its id is {click.pk}: it was changed on its way."
    return Ruling(Verdict.UNMATCHED, Cause.CLICK_ID_CHANGED, words)


def without_click(case: Case) -> Ruling | None:
    call = case.postback
    if not call or call.outcome not in UNJOINED:
        return None
    if refusals.reason_of(call) == Outcome.MISSING_CLICK_ID:
        if call.outcome == Outcome.MISSING_CLICK_ID and not call.transaction_id:
            return None
        words = f"{detail_of(call)} The call is joined by itself once another one brings the transaction's click."
        return Ruling(Verdict.UNMATCHED, Cause.MISSING_CLICK_ID, words.strip())
    if call.due_at:
        words = (
            f"{detail_of(call)} It is looked for again at {case.at(call.due_at)}, and when a click of this id arrives."
        )
        return Ruling(Verdict.WAITING_FOR_CLICK, Cause.UNKNOWN_CLICK, words.strip())
    words = (
        f"{detail_of(call)} It was looked for {call.tries} times and is looked for no more, unless the click arrives."
    )
    return Ruling(Verdict.UNMATCHED, Cause.UNKNOWN_CLICK, words.strip())


def harmless(case: Case) -> Ruling | None:
    call = case.postback
    if not call or call.outcome not in HARMLESS:
        return None
    words = f"The call is no sale. {detail_of(call)}".strip()
    return Ruling(Verdict.NEVER_SENT, cause_of(call.outcome), words)


def refused(case: Case) -> Ruling | None:
    """Refused by the gateway or the digest: what is known of its click decides whether it is unmatched, too."""
    call = case.postback
    if not call:
        return None
    outcome = Outcome(call.outcome)
    if outcome in (Outcome.RECORDED, Outcome.UPDATED):
        words = "The call was recorded, and its conversion is another one's by now."
        return Ruling(Verdict.DUPLICATED, Cause.DUPLICATE_POSTBACK, words)
    is_joined = case.click is not None and outcome != Outcome.WRONG_NETWORK
    verdict = Verdict.NEVER_SENT if is_joined else Verdict.UNMATCHED
    who = f"Somebody called under {call.network}'s address" if outcome in STRANGERS else f"{call.network} reported it"
    words = f"{who}, and the call ended as “{outcome.label}”. {detail_of(call)}".strip()
    return Ruling(verdict, cause_of(outcome), words)


OF_CALLS: list[Rule] = [not_digested, repeated, changed_on_its_way, without_click, harmless, refused]


def of_row(row: UploadRow) -> Ruling:
    """A row of a file that was not brought in."""
    words = f"It stands in row {row.number} of the file “{row.upload}” only, which was not brought in."
    outcome = (
        f" When the file was checked, it would have ended as “{row.get_outcome_display()}”." if row.outcome else ""
    )
    return Ruling(Verdict.NOT_REPORTED, Cause.ONLY_IN_FILE, f"{words}{outcome}")
