"""The page of one postback: what it says beside its fields, and what may be done with it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from conversions import identity
from conversions.admin.badges import status_badge
from conversions.admin.history import history_of
from conversions.admin.inbox import sent_of
from conversions.admin.inbox_attach import ATTACH
from conversions.admin.inbox_replay import may_replay
from conversions.admin.story import ledger_table
from conversions.attaching import ATTACHABLE
from conversions.models import Postback
from conversions.networks.values import is_no_click_id
from conversions.outcomes import UNREADABLE, Outcome
from offers.admin_parts import admin_link, mono, table

SEALED = (
    "No key of the network proves it. The whole call is kept encrypted, so that it can be checked again when the "
    "signing key on the network's page is corrected."
)
UNSEALED = "No key of the network proves it, and the call is kept no more, so it can't be checked again."
TO_CORRECT = [Outcome.BAD_SIGNATURE, Outcome.IP_NOT_ALLOWED]
HIDDEN = "E-mail addresses and phone numbers are hidden; only their hashes are kept."


def fieldsets_of(postback: Postback) -> list[tuple[str, dict[str, Any]]]:
    """The fields that say something about this one."""
    became: list[Any] = [
        ("outcome_shown", True),
        ("whole_detail", postback.detail),
        ("advice", True),
        ("signature", postback.network.format.is_signed),
        ("attached", postback.attached_to),
        ("left_out", postback.leaves_out_macros),
        (("digested", "next_try"), postback.due_at),
        (("digested", "tries"), not postback.due_at),
    ]
    sent: list[Any] = [
        (("network_link", "received"), True),
        (("whole_click_id", "whole_transaction"), postback.params),
        ("whole_word", postback.params),
        ("parameters", postback.params),
        ("body", not postback.params),
        (("caller", "method"), True),
    ]
    return [
        ("What became of it", {"fields": [field for field, says_something in became if says_something]}),
        (
            "What the network sent",
            {"fields": [field for field, says_something in sent if says_something], "description": HIDDEN},
        ),
    ]


def page_context(request: HttpRequest, postback: Postback) -> dict[str, Any]:
    """What the template of the page shows around the fields."""
    outcome = Outcome(postback.outcome)
    is_sealed = outcome == Outcome.BAD_SIGNATURE and bool(postback.sealed_call)
    can_be_read = is_sealed or outcome not in (*UNREADABLE, Outcome.BAD_SIGNATURE)
    may_look = outcome in TO_CORRECT and request.user.has_perm("offers.view_network")
    has_word = outcome == Outcome.UNMAPPED_STATUS and request.user.has_perm("offers.change_network")
    macros = macro_table(postback) if outcome == Outcome.UNREPLACED_MACRO else ""
    return {
        "may_replay": may_replay(request) and can_be_read,
        "replay_words": "Check the signature again" if is_sealed else "Digest again",
        "macros": macros,
        "lacks_click": bool(macros) and is_no_click_id(sent_of(postback).click_id),
        "network_url": reverse("admin:offers_network_change", args=[postback.network_id]) if may_look else "",
        "attach_url": attach_url(request, postback) if outcome in ATTACHABLE else "",
        "unmapped_url": reverse("admin:conversions_postback_unmapped") if has_word else "",
        "ledger": ledger_of(postback),
        "conversion_shown": conversion_line(postback),
        "history": history_of(postback),
    }


def attach_url(request: HttpRequest, postback: Postback) -> str:
    may = request.user.has_perm(ATTACH)
    return reverse("admin:conversions_postback_attach", args=[postback.pk]) if may else ""


def macro_table(postback: Postback) -> SafeString:
    """The parameters that would be left out."""
    left_out = [pair for pair in postback.params.items() if is_no_click_id(pair[1]) and pair[1] != identity.HIDDEN]
    rows = [[mono(name), mono(value)] for name, value in left_out]
    return table(["Parameter", "Came as"], rows, "")


def ledger_of(postback: Postback) -> SafeString | str:
    """The ledger of its conversion; nothing where there is none."""
    if postback.conversion is None:
        return ""
    return ledger_table(postback.conversion.ledger_entries.select_related("postback").order_by("pk"))


def conversion_line(postback: Postback) -> SafeString | str:
    conversion = postback.conversion
    if conversion is None:
        return ""
    cells = [[
        admin_link(conversion, conversion.event_name), status_badge(conversion), admin_link(conversion.offer),
        mono(conversion.transaction_id),
    ]]  # fmt: skip
    return table(["Conversion", "Status", "Offer", "Transaction"], cells, "")


def signature_words(postback: Postback) -> str:
    """Whether the call was proven to be the network's own; empty for formats without signature."""
    network = postback.network
    if not network.format.is_signed:
        return ""
    if postback.outcome == Outcome.BAD_SIGNATURE:
        return SEALED if postback.sealed_call else UNSEALED
    if postback.outcome in UNREADABLE:
        return "Not checked: the call could not be read."
    if not network.signing_key_set_at or (
        postback.received_at < network.signing_key_set_at and not network.previous_signing_key
    ):
        return "It came before today's signing key was set."
    return "Good: a signing key of the network proves the call."
