"""What each class of a difference is called, what it means, and which rows are behind it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`rows` names the list that shows them: recorded, after, inbox; empty for none."""

    label: str
    words: str
    rows: str = ""


TICKED = "You ticked it as part of the network's number, and a report counts no sale that was taken back."
NETWORK = {
    "ours": Words(
        "Our sales",
        "Pending, approved and refunded in part, recorded in the period: as in the report. The sum is payout and "
        "pending payout, less what was refunded in part.",
    ),
    "late": Words(
        "Late: happened in the period, recorded outside of it",
        "The network counts by its own time, a report by when its call came. Calls that come late, and files uploaded "
        "afterwards, are here; looked for up to 31 days after the period.",
        "after",
    ),
    "early": Words(
        "Recorded in the period, happened outside of it",
        "The other way round: sales of days before whose call came in these days.",
        "recorded",
    ),
    "pending": Words(
        "Held: pending", "The network has not decided on them, and you did not tick pending as part of its number.",
        "recorded",
    ),
    "approved": Words("Approved", "You did not tick approved as part of the network's number.", "recorded"),
    "partial": Words(
        "Refunded in part", "You did not tick refunded in part as part of the network's number.", "recorded"
    ),
    "rejected": Words("Rejected", TICKED, "recorded"),
    "refunded": Words("Refunded", TICKED, "recorded"),
    "chargeback": Words("Charged back", TICKED, "recorded"),
    "duplicates": Words(
        "Duplicates", "Sales of a transaction that is recorded already: they are two here and one there. See the "
        "duplicate ratio under Health.", "recorded",
    ),
    "unusable": Words(
        "Unmatched or unusable postbacks",
        "The network has told of them, and nothing could be recorded: the inbox says why, and most can be digested "
        "again. Their money is not known here.",
        "inbox",
    ),
    "tests": Words("The network's tests", "Test calls that it has sent; they count nowhere here."),
}  # fmt: skip
TIKTOK = {
    "recorded": Words("Recorded here", "All conversions of the event recorded in the period, whatever became of them."),
    "accepted": Words("Accepted by TikTok", "As in the report: the Events API said that it took them."),
    "late": Words(
        "Late: happened in the period, recorded outside of it",
        "TikTok dates an event by when it happened, a report by when it was recorded.", "shift",
    ),
    "early": Words(
        "Recorded in the period, happened outside of it", "TikTok shows them on the days when they happened.", "shift"
    ),
    "pixel": Words(
        "The Pixel alone", "The browser said that its Pixel fired, and the Events API did not tell them or not yet.",
        "shift",
    ),
    "window": Words(
        "Outside of the attribution window",
        "They happened longer after their click than the window that you chose: TikTok has them, and counts them for "
        "no ad.",
        "shift",
    ),
}  # fmt: skip
STATES = {
    "": Words("Not to be told", "No event rule tells them in their present status, or they are planned in a moment."),
    "waiting": Words("Waiting", "They are sent in their turn."),
    "leased": Words("Being sent", "They are on their way now."),
    "held": Words("Held", "Their reason says what they wait for."),
    "suppressed": Words("Not to be sent", "Their reason says why."),
    "dead": Words("Dead letters", "TikTok refused them, or nothing could be sent; the dead-letter review says why."),
    "discarded": Words("Discarded", "Somebody decided not to send them."),
}
