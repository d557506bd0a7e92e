"""Why a postback ended as it did: a closed list, each with what to do about it."""

from django.db.models import TextChoices


class Outcome(TextChoices):
    """The outcome of a postback."""

    RECEIVED = "received", "Waiting to be digested"
    RECORDED = "recorded", "Recorded"
    UPDATED = "updated", "Updated a conversion"
    DUPLICATE = "duplicate", "Duplicate"
    UNMATCHED_CLICK = "unmatched_click", "No such click"
    MISSING_CLICK_ID = "missing_click_id", "No click id"
    UNREPLACED_MACRO = "unreplaced_macro", "Macro not replaced"
    WRONG_NETWORK = "wrong_network", "Click of another network"
    UNMAPPED_STATUS = "unmapped_status", "Status not mapped"
    BAD_AMOUNT = "bad_amount", "Amount not readable"
    BAD_CURRENCY = "bad_currency", "Currency not supported"
    NO_RULE = "no_rule", "No event rule"
    UNDECODABLE = "undecodable", "Not readable"
    TOO_LARGE = "too_large", "Too large"
    BAD_SIGNATURE = "bad_signature", "Signature refused"
    IGNORED = "ignored", "Not about money"
    TEST = "test", "Test"
    REPEATED_PARAMETER = "repeated_parameter", "Parameter sent twice"
    IP_NOT_ALLOWED = "ip_not_allowed", "Address not allowed"
    FAILED = "failed", "Our own error"

    @property
    def advice(self) -> str:
        """What the reader should do, in a sentence or two."""
        return ADVICE[self]


UNREADABLE = frozenset({Outcome.UNDECODABLE, Outcome.TOO_LARGE, Outcome.REPEATED_PARAMETER})
GOOD = frozenset({Outcome.RECORDED, Outcome.UPDATED, Outcome.DUPLICATE, Outcome.IGNORED, Outcome.TEST})
UNJOINED = [Outcome.UNMATCHED_CLICK, Outcome.MISSING_CLICK_ID]  # their click may still come or be named
STRANGERS = frozenset({Outcome.BAD_SIGNATURE, Outcome.IP_NOT_ALLOWED})  # not the network, as far as is known
TROUBLED = [outcome.value for outcome in Outcome if outcome not in GOOD and outcome != Outcome.RECEIVED]

ADVICE = {
    Outcome.RECEIVED: "Nothing to do: it is digested within seconds while the workers run.",
    Outcome.RECORDED: "Nothing to do: the conversion is recorded.",
    Outcome.UPDATED: "Nothing to do: the conversion took over the new status or amount.",
    Outcome.DUPLICATE: "Nothing to do: this fact was known already. The network's duplicate mode decides what a "
    "repetition does.",
    Outcome.UNMATCHED_CLICK: "No click has this id (yet), or no sale here has the transaction that is taken back. It "
    "is tried again for 24 hours. If it stays, check that the network passes our click id through unchanged.",
    Outcome.MISSING_CLICK_ID: "Put the network's sub-id macro into the click_id parameter of the postback URL, and "
    "{click_id} into the offer link. What has come already is joined by itself if another call of its transaction "
    "names the click, or by hand.",
    Outcome.UNREPLACED_MACRO: "The network sent the macro's name instead of a value. Correct its spelling in the "
    "postback URL at the network. What has come already can be digested without what is missing, or attached to its "
    "click by hand.",
    Outcome.WRONG_NETWORK: "The click belongs to an offer of another network. Check which network's postback URL was "
    "pasted there.",
    Outcome.UNMAPPED_STATUS: "Say on the page “Unmapped statuses” what the network's word means. All that came with it "
    "is then digested again.",
    Outcome.BAD_AMOUNT: "The amount must be a plain number such as 12.50. Correct the macro at the network.",
    Outcome.BAD_CURRENCY: "A currency is a three-letter code such as USD. Correct the currency parameter.",
    Outcome.NO_RULE: "Add an event rule for this postback status to the offer, then replay.",
    Outcome.BAD_SIGNATURE: "No key of this network proves that the call is its own. If the key here is wrong, correct "
    "it on the network's page and replay; the call is kept encrypted for that. If it is right, somebody else called.",
    Outcome.IGNORED: "Nothing to do: the network tells of something that changes no conversion, such as a cancelled "
    "subscription.",
    Outcome.TEST: "Nothing to do: a test of the network arrived and was understood. It counts nowhere.",
    Outcome.UNDECODABLE: "The call was neither a query, a form nor JSON in UTF-8. Ask the network what it sends.",
    Outcome.TOO_LARGE: "A postback may have 8 kB of query, 64 kB of body (256 kB in some formats) and 250 "
    "parameters. Remove what is not needed.",
    Outcome.REPEATED_PARAMETER: "A parameter that decides about money came twice with different values. Remove one.",
    Outcome.IP_NOT_ALLOWED: "The secret was right but the caller's address is not in the network's list. Add it there "
    "if it is theirs.",
    Outcome.FAILED: "Digesting failed through a fault of ours, which is logged. Replay it when it is mended.",
}
