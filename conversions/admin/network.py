"""What the app that takes postbacks adds to the networks' pages: whether it works, a test, a check of the URL."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db import Error
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from conversions import clock
from conversions.admin.badges import OUTCOME_TONES, money
from conversions.admin.elsewhere import VIEW_HEALTH, health_url
from conversions.admin.network_forms import PastedUrlForm, RehearsalForm
from conversions.calls import Call
from conversions.example_calls import click_names
from conversions.models import Postback
from conversions.networks import adapter_of
from conversions.networks.generic import BESIDE_NAMES
from conversions.outage import is_outage
from conversions.outcomes import GOOD, Outcome
from conversions.rehearsal import Rehearsal, rehearse, sample_click
from offers.admin import ready_to_copy
from offers.admin.network import NetworkAdmin
from offers.admin_parts import badge, mono, page_url, shortened, table
from offers.encryption import SecretUnreadableError
from offers.models import Network
from offers.postback_linting import Expected, lint_postback_url

NEWEST_POSTBACKS = 20_000  # of a day: more would take longer than the rest of the page
MOST_UNMAPPED = 10_000
BUSY = "The database is busy, so nothing was tried. Try again in a moment."
ALL_WELL = "Nothing is wrong with it. A test postback shows what a call leads to."
HIDDEN = "••••••••"
LONGEST_SHOWN = 2000
CONVERSION_HEADERS = ["Event for TikTok", "Status", "Value", "Sold", "Offer", "Transaction", "event_id"]
admin.site.unregister(Network)


@admin.register(Network)
class ConnectedNetworkAdmin(NetworkAdmin):
    change_form_template = "admin/conversions/network/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/test-postback/", wrap(self.rehearse_view), name="offers_network_rehearse"),
            path("<path:object_id>/check-url/", wrap(self.check_url_view), name="offers_network_check_url"),
        ]
        return [*own, *super().get_urls()]

    def now(self) -> datetime:
        return clock.now()

    def expected(self, network: Network) -> Expected:
        names = {name.casefold() for name in (*adapter_of(network).CRITICAL, *network.format.macros, *BESIDE_NAMES)}
        return ready_to_copy.expected_of(network, click_names(network), frozenset(names))

    def facts_of(self, network: Network, request: HttpRequest) -> dict[str, Any]:
        may_try = self.has_change_permission(request, network)
        may_see = request.user.has_perm("conversions.view_postback")
        news = {
            "heard": self.last_heard(network),
            "counts": counts_of(network, self.now()) if may_see else [],
            "unmapped": unmapped_of(network) if may_see else None,
            "rehearse_url": own_page(network, "rehearse") if may_try else "",
            "check_url": own_page(network, "check_url") if may_try else "",
            "may_see_postbacks": may_see,
            "health_url": health_url("network", network.pk) if request.user.has_perm(VIEW_HEALTH) else "",
        }
        return {**super().facts_of(network, request), **news}

    @method_decorator(sensitive_post_parameters("call"))
    def rehearse_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A test postback: made up or pasted, played through, taken back."""
        network = self.network_for(request, object_id, "offers.change_network")
        if network is None:
            return self.back_to(None)
        shown: dict[str, Any] = {}
        form = RehearsalForm(network=network)
        try:
            if request.method == "POST":
                form = RehearsalForm(request.POST, network=network)
                shown = result_of(form) if form.is_valid() else {}
        except SecretUnreadableError as error:
            shown = {"trouble": str(error)}
        except Error as error:
            if not is_outage(error):
                raise
            shown = {"trouble": BUSY}
        title = f"Send a test postback as {network.name}"
        return self.guided_page(request, network, title, page="network/rehearse", form=form, **shown)

    @method_decorator(sensitive_post_parameters("url"))
    def check_url_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What is wrong with the postback URL as it was entered at the network."""
        network = self.network_for(request, object_id, "offers.change_network")
        if network is None:
            return self.back_to(None)
        form = PastedUrlForm(request.POST if request.method == "POST" else None)
        findings = None
        if form.is_valid():
            findings = lint_postback_url(form.cleaned_data["url"].strip(), self.expected(network), network)
        facts = {
            "form": form,
            "findings": findings,
            "all_well": ALL_WELL,
            "rehearse_url": own_page(network, "rehearse"),
        }
        title = f"Check the postback URL entered at {network.name}"
        return self.guided_page(request, network, title, page="network/check_url", **facts)


def own_page(network: Network, name: str) -> str:
    return reverse(f"admin:offers_network_{name}", args=[network.pk])


def counts_of(network: Network, now: datetime) -> list[tuple[SafeString, int, str]]:
    """Its postbacks of the last 24 hours by outcome, as far as they are among the newest 20,000; each with its list."""
    since = (now - timedelta(days=1)).replace(microsecond=0)
    today = Postback.objects.filter(network=network, received_at__gte=since, is_test=False).order_by("-received_at")
    newest = Postback.objects.filter(pk__in=today.values("pk")[:NEWEST_POSTBACKS]).order_by()
    counted = newest.values_list("outcome").annotate(count=Count("pk")).order_by("-count")
    return [(outcome_badge(Outcome(outcome)), count, list_since(network, outcome, since)) for outcome, count in counted]


def outcome_badge(outcome: Outcome) -> SafeString:
    return badge(outcome.label, OUTCOME_TONES.get(outcome, "good" if outcome in GOOD else "bad"))


def postbacks_url(network: Network, outcome: str, **more: str) -> str:
    chosen = {"network__id__exact": network.pk, **more, "outcome__exact": outcome}
    return reverse("admin:conversions_postback_changelist", query=chosen)


def list_since(network: Network, outcome: str, since: datetime) -> str:
    """The list with exactly those rows that are counted."""
    span = {"received_at_from_0": f"{since:%Y-%m-%d}", "received_at_from_1": f"{since:%H:%M:%S}"}
    return postbacks_url(network, outcome, test="no", **span)


def unmapped_of(network: Network) -> dict[str, Any] | None:
    """How many postbacks wait for a word to be mapped, and where that is done; None when none do."""
    waiting = Postback.objects.filter(network=network, outcome=Outcome.UNMAPPED_STATUS, is_test=False).order_by()
    count = waiting[:MOST_UNMAPPED].count()
    mapping = page_url("conversions_postback_unmapped")
    url = mapping or postbacks_url(network, Outcome.UNMAPPED_STATUS)
    return {"count": count, "is_capped": count >= MOST_UNMAPPED, "url": url} if count else None


def result_of(form: RehearsalForm) -> dict[str, Any]:
    """What the page shows of a rehearsal. Raises django.db.Error and SecretUnreadableError."""
    network, click = form.network, None
    if form.needs_click:
        offer = form.cleaned_data["offer"]
        click = sample_click(offer.pk, offer.landing_url)
        click.pk = form.made_up_click
    result = rehearse(network, form.calls, click)
    tone = "bad"
    if result.outcome:
        tone = OUTCOME_TONES.get(result.outcome, "good" if result.outcome in GOOD else "bad")
    return {
        "result": result,
        "result_badge": badge(result.outcome.label if result.outcome else "Not taken", tone),
        "sent": [sent_text(call, network.live_keys()) for call in form.calls],
        "reply": f"{result.reply_status} {result.reply}",
        "conversion": conversion_table(result),
        "parameters": table(
            ["Parameter", "Value"],
            [[mono(name), mono(value)] for name, value in result.parameters.items()],
            "Nothing was read, because the call was refused before.",
        ),
    }


def sent_text(call: Call, keys: Iterable[str]) -> str:
    """The call as it goes over the line, without the keys that some formats send in clear."""
    parts = [call.method, f"?{call.query}" if call.query else ""]
    headers = [f"{name}: {value}" for name, value in call.headers.items()]
    body = call.body.decode("utf-8", "replace")
    text = "\n".join(filter(None, [" ".join(filter(None, parts)), *headers, body]))
    for key in keys:
        text = text.replace(quote(key, safe=""), HIDDEN).replace(key, HIDDEN)
    return shortened(text, LONGEST_SHOWN)


def conversion_table(result: Rehearsal) -> SafeString:
    """The conversion that the call would make or change."""
    found = result.conversion
    rows = [
        [
            found.event,
            found.status,
            money(found.money, found.currency),
            found.kind,
            found.offer,
            mono(found.transaction_id),
            mono(found.event_id),
        ]
    ] if found else []  # fmt: skip
    return table(CONVERSION_HEADERS, rows, "No conversion, and nothing for TikTok.")
