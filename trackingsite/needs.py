"""What waits for a person on the admin's first page; those of the offers' own pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse

from conversions.models import StrangePage

RECENT = timedelta(days=1)
READ = 500
NAMED = 3


@dataclass(frozen=True)
class Need:
    """One thing that waits for a person; `tone` is bad when money stands still, else warn."""

    tone: str
    title: str
    words: str
    link: str
    do: str


def strange_pages(now: datetime, request: HttpRequest) -> Iterator[Need]:
    """Offers whose script ran on a host that nobody entered, in the last day: what those pages report is refused."""
    rows = StrangePage.objects.filter(last_at__gt=now - RECENT, offer__is_active=True).select_related("offer")
    by_offer: dict[int, list[StrangePage]] = {}
    for page in rows.order_by("-calls")[:READ]:
        if page.offer.refuses_strange_pages and not page.offer.has_page_on(page.host):
            by_offer.setdefault(page.offer_id, []).append(page)
    for pages in by_offer.values():
        yield need_of_offer(pages)


def need_of_offer(pages: list[StrangePage]) -> Need:
    """One need for all the hosts of an offer."""
    offer = pages[0].offer
    more = f" and {len(pages) - NAMED} more" if len(pages) > NAMED else ""
    hosts, calls = ", ".join(page.host for page in pages[:NAMED]), sum(page.calls for page in pages)
    words = (
        f"{hosts}{more}: {calls:,} call{'' if calls == 1 else 's'}, all refused. "
        "If a page is yours, add its host on the offer's page; else somebody may have copied yours."
    )
    link = reverse("admin:offers_offer_change", args=[offer.pk]) + "#strange-pages"
    return Need("warn", f"The script of {offer} runs on pages that are not entered", words, link, "Look at the offer")
