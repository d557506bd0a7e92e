"""Hosts that run an offer's script and are not known as its pages': shown on its page, entered there by a button."""

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from conversions.admin.history import note
from conversions.models import StrangePage
from offers.models import Offer
from offers.places import split_list

SHOWN = 20
GONE = "Nothing was changed: this host is not reported any more, or it was entered meanwhile."
FULL = "“{}” was not added: the list of hosts is full. Shorten it with a pattern such as *.shop.example."


def strange_pages_of(offer: Offer) -> Sequence[StrangePage]:
    """The hosts that called last, without those that have been entered since."""
    found = StrangePage.objects.filter(offer=offer).order_by("-last_at")[:SHOWN]
    return [page for page in found if not offer.has_page_on(page.host)]


def add_host(request: HttpRequest, offer: Offer, host: str) -> None:
    """Enter a host that has called, and say so; its script works from then on."""
    with transaction.atomic():
        locked = Offer.objects.select_for_update().get(pk=offer.pk)
        page = StrangePage.objects.filter(offer=locked, host=host).first()
        if page is None or locked.has_page_on(host):
            messages.warning(request, GONE)
            return
        was_refused = locked.refuses_strange_pages
        hosts = " ".join([*split_list(locked.page_hosts), host])
        try:
            locked.page_hosts = Offer._meta.get_field("page_hosts").clean(hosts, locked)
        except ValidationError:
            messages.error(request, FULL.format(host))
            return
        locked.save(update_fields=["page_hosts"])
        page.delete()
        words = f"Added “{host}” to the hosts of your pages. " + (
            f"The {page.calls:,} calls before were refused; new ones count."
            if was_refused
            else "From now on what other hosts report is refused."
        )
        note(request.user, locked, words)
    messages.success(request, words)
