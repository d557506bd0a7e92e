"""Whose click a rendered page belongs to, by what the browser keeps and by the page's address."""

import pytest
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click
from tests.conversions.tags import BROWSER, PIXEL, RULES, VIEW, page_request, render
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db
CONSENT = "{% tiktok_consent as consent %}{{ consent }}"


def test_a_strangers_click_id_in_a_shared_address_brings_an_arrival_of_ones_own():
    offer = make_offer(RULES, send_email=True, consent_required=True)
    click = make_click(offer, consent="granted", email_sha256="e" * 64, user_agent="Mozilla/5.0 (Android)")

    html = render(PIXEL + VIEW + CONSENT, page_request(query={"click_id": click.pk}))

    own = Click.objects.exclude(pk=click.pk).get()
    assert (own.offer, own.consent) == (offer, "unknown")
    assert html.endswith("ask")
    assert "e" * 64 not in html


def test_who_comes_by_the_tracking_link_keeps_the_agreement_on_a_host_without_its_cookie():
    click = make_click(make_offer(RULES, consent_required=True), consent="granted", user_agent=BROWSER)

    assert render(CONSENT, page_request(query={"click_id": click.pk})) == "granted"


def test_a_refusal_at_another_offer_goes_before_the_link_of_a_page():
    click = make_click()
    record_answer(click.pk, "denied", "banner", "", timezone.now())
    request = page_request(query={"consent": "granted"})
    request.COOKIES = {"click_id": click.pk}

    html = render(CONSENT, request, offer=make_offer(RULES))

    assert html == "denied"
