"""A working demo: network, pixel, two offers, rules, credential and an administrator. Repeating it changes nothing."""

import json
import secrets
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac

from dispatch import clock
from dispatch.models import Credential
from offers.encryption import SecretUnreadableError
from offers.models import EventRule, Network, Offer, Pixel
from trackingsite.demo import CONSENT_SLUG, DEMO_SLUG

ADMIN = "admin"
PIXEL_CODE = "CDEMO0000000000000AB"
POSTBACK_PARAMETERS = "click_id={click_id}&payout={payout}&currency={currency}&txid={txid}&status={status}"
RULES: list[dict[str, Any]] = [
    {"trigger": "page", "event_name": "ViewContent"},
    {"trigger": "page", "event_name": "InitiateCheckout"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]
LEAD: dict[str, Any] = {"trigger": "page", "event_name": "Lead"}


class Command(BaseCommand):
    help = "Create the demo offer and everything that it needs; print where to find it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                facts = seed()
        except SecretUnreadableError as error:
            raise CommandError(
                f"{error} This database was filled under other FIELD_ENCRYPTION_KEYS: give those, or another database."
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps(facts))
        else:
            self.stdout.write(f"Demo offer “{facts['offer']}” is ready: {facts['tracking_url']}")


def seed() -> dict[str, Any]:
    """Make what is missing of the demo; the facts that a script needs to use it."""
    password = seed_admin()
    network, _ = Network.objects.get_or_create(slug="demo-network", defaults={"name": "Demo network"})
    pixel, _ = Pixel.objects.get_or_create(
        code=PIXEL_CODE, defaults={"name": "Demo pixel", "test_event_code": "TEST12345"}
    )
    offer = seed_offer(network, pixel, DEMO_SLUG, RULES, name="Demo offer", consent_required=False)
    asking = seed_offer(
        network, pixel, CONSENT_SLUG, [*RULES, LEAD], name="Demo offer that asks for consent", consent_required=True
    )
    base = settings.PUBLIC_BASE_URL
    postback = reverse("postback", args=[network.slug, network.secret.reveal()])
    return {
        "admin": {"username": ADMIN, "password": password},
        "offer": offer.slug,
        "pixel_code": pixel.code,
        "access_token": seed_credential(pixel),
        "tracking_url": f"{base}{reverse('tracking_link', args=[offer.slug])}",
        "landing_url": offer.landing_url,
        "postback_url": f"{base}{postback}?{POSTBACK_PARAMETERS}",
        "consent_offer": asking.slug,
        "consent_tracking_url": f"{base}{reverse('tracking_link', args=[asking.slug])}",
        "consent_landing_url": asking.landing_url,
    }


def seed_admin() -> str:
    """The administrator, with the password that quickstart generated or one that follows from SECRET_KEY.

    An existing administrator keeps the password that they have.
    """
    password: str = settings.DEMO_ADMIN_PASSWORD or salted_hmac("seed_demo", ADMIN).hexdigest()[:16]
    users = get_user_model()._default_manager
    if not users.filter(username=ADMIN).exists():
        get_user_model().objects.create_superuser(ADMIN, "", password)
    return password


def seed_offer(network: Network, pixel: Pixel, slug: str, rules: list[dict[str, Any]], **fields: Any) -> Offer:
    offer, created = Offer.objects.get_or_create(
        slug=slug,
        defaults={
            "network": network,
            "pixel": pixel,
            **demo_links(slug),
            "payout": Decimal("42.50"),
            "tracking_mode": Offer.TrackingMode.BOTH,
            "send_email": True,
            "send_phone": True,
            "send_external_id": True,
            **fields,
        },
    )
    if created:
        for rule in rules:
            EventRule.objects.create(offer=offer, **rule)
    elif is_on_demo_pages(offer):
        Offer.objects.filter(pk=offer.pk).update(**demo_links(slug))
        offer.refresh_from_db()
    return offer


def demo_links(slug: str) -> dict[str, str]:
    """Where the demo's pages are now; they follow the site to another port or host."""
    base = settings.PUBLIC_BASE_URL
    named = "" if slug == DEMO_SLUG else f"offer={slug}"
    checkout = f"{base}{reverse('demo_page', args=['checkout'])}?click_id={{click_id}}"
    return {
        "landing_url": f"{base}{landing_page()}{named and '?' + named}",
        "offer_url": f"{checkout}{named and '&' + named}",
    }


def is_on_demo_pages(offer: Offer) -> bool:
    """Whether nobody has pointed the demo offer somewhere else."""
    return urlsplit(offer.landing_url).path == landing_page()


def landing_page() -> str:
    return reverse("demo_page", args=["landing"])


def seed_credential(pixel: Pixel) -> str:
    """The clear token of the pixel's active credential, made when there is none."""
    credential = Credential.objects.usable().filter(pixel=pixel).first()
    if credential is None:
        now = clock.now()
        credential = Credential(
            pixel=pixel, token=secrets.token_hex(20), state=Credential.State.ACTIVE, created_at=now, activated_at=now
        )
        credential.identify()
        credential.save()
    return credential.reveal()
