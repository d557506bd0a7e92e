"""Everything that is wrong now: what the first page, scale decisions and alerts speak of."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dispatch.findings import figures, networks, one_for_all, pages, pixels, queue, taken_back, volume
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.findings.sight import Sight
from dispatch.models import Delivery
from offers.models import Offer

CHECKS: list[Callable[[Sight], Iterator[Finding]]] = [
    queue.workers_stopped,
    pixels.in_trouble,
    queue.deliveries_late,
    pixels.taken_over,
    pixels.due_for_rotation,
    queue.digest_late,
    queue.dead_letters,
    queue.missing_rates,
    pixels.counted_by_nobody,
    networks.unusable,
    networks.turned_away,
    one_for_all.transactions,
    networks.switched_off,
    networks.silent,
    networks.hushed,
    figures.off_target,
    figures.unreported,
    figures.hardly_allowed,
    figures.hardly_identified,
    one_for_all.ttclids,
    volume.dropped,
    volume.revalued,
    taken_back.lately,
    queue.sums_late,
    pages.strange,
]


def current(now: datetime) -> list[Finding]:
    """Everything that is wrong now, the bad before the warnings, in a constant number of queries."""
    sight = Sight(now)
    return sorted((each for check in CHECKS for each in check(sight)), key=lambda each: each.tone)


def of_offer(offer: Offer, findings: Iterable[Finding]) -> list[Finding]:
    """Those that concern the offer: its own, its network's, its pixel's and the site's."""
    subjects = {(Scope.OFFER, offer.pk), (Scope.NETWORK, offer.network_id), (Scope.PIXEL, offer.pixel_id)}
    return [each for each in findings if each.scope == Scope.SITE or (each.scope, each.subject_id) in subjects]


def concerning(offer: Offer, findings: Iterable[Finding]) -> list[Finding]:
    """The same, less what waits for a person though nothing of the offer is among it; a query for each kind of that."""
    return [each for each in of_offer(offer, findings) if may_be_of(offer, each)]


def may_be_of(offer: Offer, finding: Finding) -> bool:
    match finding.code:
        case Code.DEAD_LETTERS:
            rows = Delivery.objects.undecided_because(finding.detail)
        case Code.NO_RATE:
            rows = Delivery.objects.lacking_rate([finding.detail]).filter(is_test=False)
        case _:
            return True
    return rows.filter(conversion__offer=offer).exists()
