"""Attaching a postback to a click by hand: find the click, look at it, then do it."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.views.decorators.http import require_http_methods

from conversions.admin.badges import consent_badge
from conversions.admin.history import note
from conversions.admin.inbox_replay import tell_outcome
from conversions.admin.screens import show
from conversions.attaching import ATTACHABLE, AttachError, attach, find_click, suggested_clicks
from conversions.models import Click, Postback
from offers.admin_parts import admin_link, badge, link, moment, mono, shortened, table

ATTACH = "conversions.attach_postback"
HEADERS = ["Arrived", "Earlier by", "Offer", "Campaign", "Conversions", "Click"]
NO_CLICKS = "No click came to this network's offers in the seven days before the postback."
TAKEN = "has found its place already, so there is nothing to attach."


@require_http_methods(["GET", "POST"])
def attach_one(request: HttpRequest, model_admin: Any, key: int) -> HttpResponse:
    """The form with suggestions; with a click in the address, that click's facts; on POST the attaching."""
    if not request.user.has_perm(ATTACH):
        raise PermissionDenied
    postback = Postback.objects.select_related("network").filter(pk=key).first()
    if postback is None:
        raise Http404
    page = reverse("admin:conversions_postback_change", args=[key])
    if postback.outcome not in ATTACHABLE:
        messages.warning(request, f"{postback} {TAKEN}")
        return redirect(page)
    typed = (request.POST.get("click") or request.GET.get("click") or "").strip()
    click, error = look_up(postback, typed)
    if request.method == "POST" and click:
        return carry_out(request, postback, click, page)
    return show(
        request, "postback/attach", f"Attach postback {key} to a click", model_admin, postback=postback, typed=typed,
        error=error, facts=facts_of(click, postback) if click else "", click=click,
        suggestions=suggestion_table(postback, request.path), back_url=page,
    )  # fmt: skip


def look_up(postback: Postback, typed: str) -> tuple[Click | None, str]:
    """The click that was typed, or in a sentence why it can't be that one."""
    if not typed:
        return None, ""
    try:
        return find_click(postback, typed), ""
    except AttachError as error:
        return None, str(error)


def carry_out(request: HttpRequest, postback: Postback, click: Click, page: str) -> HttpResponse:
    try:
        done = attach(postback.pk, click)
    except AttachError as error:
        messages.warning(request, str(error))
        return redirect(page)
    note(request.user, done, f"Attached to click {click.pk}. Outcome: {done.get_outcome_display()}.")
    tell_outcome(request, done, f"Attached to click {click.pk}.")
    return redirect(page)


def suggestion_table(postback: Postback, path: str) -> SafeString:
    rows = [
        [
            moment(click.created_at),
            before(click, postback),
            click.offer.name,
            shortened(click.utm_campaign or click.campaign_id, 40) or "–",
            sales(click),
            mono(link(f"{path}?{urlencode({'click': click.pk})}", click.pk)),
        ]
        for click in suggested_clicks(postback)
    ]
    return table(HEADERS, rows, NO_CLICKS)


def facts_of(click: Click, postback: Postback) -> SafeString:
    """What a person has to know of a click before giving it a sale."""
    facts = [
        ["Click", link(reverse("admin:conversions_click_change", args=[click.pk]), click.pk)],
        ["Offer", admin_link(click.offer, click.offer.name)],
        ["Arrived", moment(click.created_at)],
        ["Earlier than the postback by", before(click, postback)],
        ["Campaign", click.utm_campaign or click.campaign_id or "–"],
        ["Ad", click.ad_id or "–"],
        ["TikTok click id (ttclid)", mono(shortened(click.ttclid)) if click.ttclid else badge("None", "warn")],
        ["Consent", consent_badge(click)],
        ["Conversions so far", sales(click)],
    ]
    return table(["What", "Value"], facts, "")


def before(click: Click, postback: Postback) -> str:
    """How long the click was there when the postback came."""
    if click.created_at > postback.received_at:
        return "It came after the postback"
    return timesince(click.created_at, postback.received_at)


def sales(click: Click) -> str:
    """What the click has led to so far: a second sale on it would be a surprise."""
    found = Counter(f"{c.event_name}: {c.get_status_display()}" for c in click.conversions.all())
    return ", ".join(f"{count} × {what}" if count > 1 else what for what, count in found.items()) or "None"
