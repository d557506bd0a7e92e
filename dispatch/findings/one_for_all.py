"""Ids that stand for many sales or visitors though each has one of its own: somebody filled in a macro by hand."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, F

from conversions.identity import hide_inside
from conversions.models import Click, Postback
from conversions.outcomes import Outcome
from dispatch.findings import limits
from dispatch.findings.finding import Code, Finding
from dispatch.findings.limits import DAY, LATELY
from dispatch.findings.sight import Sight, found, list_page
from dispatch.wording import in_words
from offers.models import Network, Offer

READ = 500
SHOWN = 20
ONE_TRANSACTION, ONE_TRANSACTION_LABEL = "one_transaction", "One transaction for several sales"
ONE_TTCLID = "one_ttclid"


def transactions(sight: Sight) -> Iterator[Finding]:
    """Networks whose repetitions name other clicks than the sale that they repeat, so that sales are lost."""
    day, _ = sight.postbacks
    suspects = [key for key, counts in day.items() if counts[Outcome.DUPLICATE] >= limits.ONE_FOR_SALES]
    if not suspects:
        return
    rows = Postback.objects.filter(
        network__in=suspects, received_at__gte=sight.now - DAY, outcome=Outcome.DUPLICATE, is_test=False
    )
    named = rows.exclude(click_ref="").exclude(click_ref=F("conversion__click")).order_by("-received_at")
    clicks: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for network, transaction, click in named.values_list("network_id", "transaction_id", "click_ref")[:READ]:
        clicks[network][transaction].add(click)
    networks = Network.objects.in_bulk(clicks)
    for key, by_transaction in clicks.items():
        transaction, others = max(by_transaction.items(), key=lambda item: len(item[1]))
        if len(others) >= limits.ONE_FOR_SALES:
            yield of_transaction(networks[key], transaction, len(others))


def of_transaction(network: Network, transaction: str, clicks: int) -> Finding:
    words = (
        f"In the last {in_words(DAY)} it named the transaction “{hide_inside(transaction)[:SHOWN]}” for {clicks:,} "
        "other clicks than the one whose sale that is. Each of these was taken for a repetition, so these sales are "
        "missing. Write the network's macro for the transaction into the postback URL, and have it send them again."
    )
    shown = list_page("conversions_postback", {"outcome__exact": Outcome.DUPLICATE, "network__id__exact": network.pk})
    return found(
        Code.POSTBACKS_UNUSABLE, network, "bad", f"{ONE_TRANSACTION_LABEL} ({network})", words,
        detail=ONE_TRANSACTION, link=shown, do="Look at them",
    )  # fmt: skip


def ttclids(sight: Sight) -> Iterator[Finding]:
    """Active offers most of whose visitors of the last hours bring the same ttclid; one query along an index."""
    clicks = Click.objects.filter(created_at__gte=sight.now - LATELY, is_test=False, robot="").exclude(ttclid="")
    counts = clicks.order_by().values_list("offer_id", "ttclid").annotate(count=Count("pk"))
    for key, ttclid, count in counts.filter(count__gte=limits.ONE_FOR_VISITORS):
        offer, sums = sight.offers.get(key), sight.lately.get(key)
        if offer is None or count < limits.MOST * (sums.clicks if sums else 0):
            continue
        people = clicks.filter(offer=offer, ttclid=ttclid).order_by().values("ip", "user_agent").distinct().count()
        if people >= limits.ONE_FOR_VISITORS:
            yield of_ttclid(offer, ttclid, people)


def of_ttclid(offer: Offer, ttclid: str, people: int) -> Finding:
    words = (
        f"In the last {in_words(LATELY)} {people:,} visitors came with the same ttclid "
        f"({hide_inside(ttclid)[:SHOWN]}…), so TikTok takes them for one. Somebody has copied it into the ad's URL: "
        "use the link for the TikTok ad from the offer's page, with its macros as they are."
    )
    title = f"One ttclid for {people:,} visitors of {offer}"
    return found(Code.IDENTIFIERS_FEW, offer, "warn", title, words, detail=ONE_TTCLID)
