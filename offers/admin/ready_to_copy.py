"""What staff paste elsewhere: tracking link into TikTok, snippet into pages, postback URL into the network."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from offers.admin.copyable import Copyable, Group
from offers.admin.page_snippets import of_pages
from offers.encryption import SecretUnreadableError
from offers.linting import CLICK_ID, TOKEN_LENGTHS, link_parameter_of
from offers.models import EventRule, Network, Offer
from offers.postback_linting import Expected, known_macros, macros_of

AD_MACROS = (
    "ttclid=__CLICKID__&utm_source=tiktok&campaign_id=__CAMPAIGN_ID__&adgroup_id=__AID__&ad_id=__CID__"
    "&placement=__PLACEMENT__"
)
HIDDEN_SECRET = "your-postback-secret"  # noqa: S105 - it stands where the secret is not shown
PLACEHOLDER_ADVICE = (
    "The {…} are placeholders. Write the network's own macros into “Macros” on the network's page, for click_id that "
    "of the sub-id which your offer link fills, and remove the lines that it has no macro for. Then this URL can be "
    "pasted there as it is."
)
MACRO_ADVICE = (
    "The macros are the network's own, which it replaces with each call. If yours writes one of them in another way, "
    "correct it in “Macros” on the network's page, and it changes here."
)
NO_MACRO_ADVICE = "It sends fixed fields, so nothing is added to this address."


def of_offer(offer: Offer, rules: Sequence[EventRule], request: HttpRequest) -> list[Group]:
    """Everything that an offer needs elsewhere, in the order of the work."""
    link = f"{settings.PUBLIC_BASE_URL}{reverse('tracking_link', args=[offer.slug])}"
    ad = [
        Copyable(
            "Link for the TikTok ad",
            f"{link}?{AD_MACROS}",
            "Paste it as the ad's URL. TikTok replaces the __MACROS__. Where “Auto-attach URL parameters” is on, "
            "TikTok adds ttclid itself; naming it here as well does no harm.",
        ),
        Copyable("Tracking link", link, "The same link for other places. Any utm_… parameters may be added."),
    ]
    return [
        Group("Into the ad", ad),
        *of_pages(offer, rules),
        Group("At the network", of_network(offer.network, request)),
    ]


def of_network(network: Network, request: HttpRequest) -> list[Copyable]:
    """What connects a network: the address that it calls, and what its offer links must carry."""
    return [postback(network, request), *link_parameter(network)]


def link_parameter(network: Network) -> list[Copyable]:
    """What an offer link of this network must carry, with an example."""
    name = link_parameter_of(network)
    if not name:
        return []
    note = (
        f"Into each offer link of this network, for example https://network.example/offer?id=123&{name}={CLICK_ID}. "
        f"Each visitor's click id of {TOKEN_LENGTHS['click_id']} characters stands there then, and the postback sends "
        "it back."
    )
    return [Copyable("In its offer links", f"{name}={CLICK_ID}", note)]


def postback(network: Network, request: HttpRequest) -> Copyable:
    """The address that the network calls, with its secret for those who may see it."""
    name = f"Postback URL for {network}"
    if not request.user.has_perm("offers.view_network_secret"):
        note = (
            "The secret is only shown to people with the permission “Can see a network's postback address with its "
            "secret”. Ask one of them to paste it at the network."
        )
        return Copyable(name, postback_url(network, HIDDEN_SECRET), note, is_complete=False)
    try:
        return Copyable(name, postback_url(network, network.secret.reveal()), advice_of(network))
    except SecretUnreadableError as error:
        return Copyable(name, postback_url(network, HIDDEN_SECRET), f"The secret can't be read: {error}", False)


def advice_of(network: Network) -> str:
    """Where the postback URL goes, and what is still to be done to it."""
    if macros_of(network) and not known_macros(network):
        return PLACEHOLDER_ADVICE
    return f"{network.format.help} {MACRO_ADVICE if macros_of(network) else NO_MACRO_ADVICE}"


def postback_url(network: Network, secret: str) -> str:
    """The whole address; a format with fixed fields has no query. Macros stand in it to the letter."""
    address = settings.PUBLIC_BASE_URL + reverse("postback", args=[network.slug, secret])
    query = "&".join(f"{name}={macro}" for name, macro in macros_of(network).items())
    return f"{address}?{query}" if query else address


def expected_of(network: Network, click_names: frozenset[str], names: frozenset[str]) -> Expected:
    """What a postback URL of this network is compared with. No secret is known where none can be read."""
    try:
        secrets = network.live_secrets(timezone.now())
    except SecretUnreadableError:
        secrets = []
    own = {name.casefold() for name in network.parameter_names.values()}
    return Expected(
        base=settings.PUBLIC_BASE_URL,
        slug=network.slug,
        secrets=secrets,
        click_names=click_names,
        names=names | own,
        macros=known_macros(network),
    )


def overlap_end(network: Network, now: datetime) -> datetime | None:
    """Until when the previous secret is still taken; None when it is not."""
    end = network.previous_secret_expires_at
    return end if network.previous_secret and end and end > now else None
