"""Pages that run an offer's script without being entered."""

from collections.abc import Iterator

from conversions.models import StrangePage
from dispatch.findings.finding import Code, Finding
from dispatch.findings.limits import DAY
from dispatch.findings.sight import Sight, found, own_page

READ = 500
NAMED = 3


def strange(sight: Sight) -> Iterator[Finding]:
    """Offers whose script ran on a host that nobody entered, in the last day: what those pages report is refused."""
    rows = StrangePage.objects.filter(last_at__gt=sight.now - DAY, offer__is_active=True).select_related("offer")
    by_offer: dict[int, list[StrangePage]] = {}
    for page in rows.order_by("-calls")[:READ]:
        if page.offer.refuses_strange_pages and not page.offer.has_page_on(page.host):
            by_offer.setdefault(page.offer_id, []).append(page)
    for pages in by_offer.values():
        yield of_offer(pages)


def of_offer(pages: list[StrangePage]) -> Finding:
    """One finding for all the hosts of an offer."""
    offer = pages[0].offer
    more = f" and {len(pages) - NAMED} more" if len(pages) > NAMED else ""
    hosts, calls = ", ".join(page.host for page in pages[:NAMED]), sum(page.calls for page in pages)
    words = (
        f"{hosts}{more}: {calls:,} call{'' if calls == 1 else 's'}, all refused. "
        "If a page is yours, add its host on the offer's page; else somebody may have copied yours."
    )
    title = f"The script of {offer} runs on pages that are not entered"
    link = f"{own_page(offer)}#strange-pages"
    return found(Code.STRANGE_PAGES, offer, "warn", title, words, link=link, do="Look at the offer")
