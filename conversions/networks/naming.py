"""What a refused call names, so that whoever looks for its click or transaction finds it, too."""

from conversions.identity import HIDDEN
from conversions.models import Postback
from conversions.networks.generic import values_of
from conversions.networks.values import is_macro, is_no_click_id, shortened


def note_names(postback: Postback) -> None:
    """Note the click id and transaction that stand in a call under the usual names. Does not save."""
    said = values_of(postback.params, postback.network)
    click_id, transaction_id = (readable(said[name]) for name in ("click_id", "transaction_id"))
    click_id = "" if is_no_click_id(click_id) else click_id
    postback.click_ref = postback.attached_to or click_id.lower()[:100]
    postback.transaction_id = shortened(transaction_id)


def readable(text: str) -> str:
    return "" if is_macro(text) or HIDDEN in text else text
