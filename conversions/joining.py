"""Which click a postback belongs to when it does not say: that of its transaction, or of its parent's."""

from conversions.facts import CLAIMS
from conversions.models import Conversion, Postback
from conversions.networks.record import PostbackRecord
from conversions.outcomes import UNJOINED, Outcome

Fact = tuple[Postback, PostbackRecord]


def waiting_for(facts: list[Fact]) -> list[Postback]:
    """Locked postbacks that no click is known of and that name a transaction of this batch.

    They are digested with it, for a sale whose refund came first must never be told. Those that another worker holds
    come by themselves at their next try.
    """
    networks = {postback.network_id: postback.network for postback, _ in facts}
    sold = {record.transaction_id for postback, record in facts if postback.click_ref and record.transaction_id}
    if not sold:
        return []
    batch = {postback.pk for postback, _ in facts}
    unmatched = Postback.objects.filter(outcome__in=UNJOINED)  # its last try may be over
    rows = unmatched.filter(transaction_id__in=sold, network__in=networks).exclude(transaction_id="")
    found = [row for row in rows.select_for_update(skip_locked=True, of=("self",)) if row.pk not in batch]
    for postback in found:
        postback.network = networks[postback.network_id]
    return found


def join_by_transaction(facts: list[Fact]) -> None:
    """Give postbacks the click of their transaction where that is known (refunds often have no click id)."""
    lost = [fact for fact in facts if needs_join(*fact)]
    wanted = {name for _, record in lost for name in (record.transaction_id, record.parent) if name}
    if not wanted:
        return
    claims = [(p, r) for p, r in facts if p.click_ref and r.transaction_id and r.status in CLAIMS]
    clicks = {(postback.network_id, record.transaction_id): postback.click_ref for postback, record in claims}
    found = Conversion.objects.filter(transaction_id__in=wanted).exclude(transaction_id="")
    for network_id, name, click_id in found.order_by("-pk").values_list(
        "offer__network_id", "transaction_id", "click_id"
    ):
        clicks[network_id, name] = click_id
    for postback, record in lost:
        of_parent = postback.click_ref or clicks.get((postback.network_id, record.parent), "")
        postback.click_ref = clicks.get((postback.network_id, record.transaction_id), of_parent)


def needs_join(postback: Postback, record: PostbackRecord) -> bool:
    """Whether the transaction says more than the click id: none was sent, or something is taken back, which belongs
    to its sale even where the network sends another click id along."""
    return not postback.attached_to and (not postback.click_ref or record.status not in CLAIMS)


def unmatched(postback: Postback, record: PostbackRecord) -> tuple[Outcome, str]:
    """Why there is no click to join: it may still come, or none was named.

    What takes a sale back need not name a click, so there it is the sale that is missing.
    """
    if postback.click_ref:
        return Outcome.UNMATCHED_CLICK, f"There is no click “{postback.click_ref[:60]}”."
    if record.transaction_id:
        words = f"No click id, and no conversion has the transaction {record.transaction_id[:60]}."
        needs_click_id = record.status in CLAIMS and not record.parent
        return (Outcome.MISSING_CLICK_ID if needs_click_id else Outcome.UNMATCHED_CLICK), words
    return Outcome.MISSING_CLICK_ID, "The postback has neither a click id nor a known transaction id."
