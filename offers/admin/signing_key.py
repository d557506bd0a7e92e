"""What staff see of a network's signing key: how many are live, since when; never the key."""

import hashlib
from datetime import datetime

from django.urls import reverse

from offers.admin_parts import moment
from offers.encryption import Secret, SecretUnreadableError
from offers.models import Network

SHOWN_FROM = 12  # of a shorter key the last four would give too much away
NO_KEY = (
    "There is no key yet, so every call of this network is refused and kept as “Signature refused”. What came "
    "meanwhile can be digested again when the key is set."
)
PASTE = "Paste it below and save."
ASK = "Ask somebody with the permission “Can set the key that a network signs with” to do so."


def standing_of_key(network: Network, may_change: bool) -> str:
    """How many keys are taken and since when, in a sentence or two; empty for formats without signature."""
    if not network.format.is_signed:
        return ""
    if not network.signing_key:
        return f"{NO_KEY} {PASTE if may_change else ASK}"
    since = since_of(network.signing_key_set_at)
    current = ending(network.signing_key) if may_change else ""
    if network.previous_signing_key:
        return (
            f"Two keys are live: one set {since}{current}, and the one before it. When the network signs with the new "
            "one, end the overlap."
        )
    change = " To change it, paste the new one below: both are taken meanwhile." if may_change else ""
    return f"One key is live, set {since}{current}.{change}"


def since_of(time: datetime | None) -> str:
    return f"on {moment(time)} UTC" if time else "at an unknown time"


def ending(key: Secret) -> str:
    """Its last four characters, of a key long enough to give them away."""
    try:
        clear = key.reveal()
    except SecretUnreadableError as error:
        return f", which can't be read ({error})"
    return f", ending in {clear[-4:]}" if len(clear) >= SHOWN_FROM else ""


def overlap_of(network: Network) -> str:
    """Stands for the key that ends in a form, so that the button ends the overlap that its page showed."""
    return hashlib.sha256(network.previous_signing_key.stored.encode()).hexdigest()[:16]


def end_overlap_url(network: Network) -> str:
    return reverse("admin:offers_network_end_key_overlap", args=[network.pk])
