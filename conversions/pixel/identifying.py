"""Who a visitor is, as far as the offer may tell: hashed here at once, the one way for both legs."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import HttpResponse

from conversions.browser_news import take
from conversions.erased import erased_among, let_nobody_be_erased
from conversions.identity import hash_email, hash_external_id, hash_phone
from conversions.models import Click, Conversion
from conversions.page_state import identity_of
from conversions.pixel.answers import reply
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of
from conversions.signals import announce, recount
from conversions.visitor import clean_text

NAMES = {"email": "sha256_email", "phone": "sha256_phone_number", "external_id": "external_id"}
"""What pages say, with its name on the Pixel."""
MAX_IDENTIFIER = 1000


def identify(call: Call) -> HttpResponse:
    """Keep the digests that the offer approves, unless the visitor has refused; of these, what the Pixel may tell.

    Nobody learns here what the click was told before, as whoever knows its id can ask.
    """
    click = click_of(call)
    ignored = keep_identity(click, call.body)
    told = {key for name, key in NAMES.items() if is_given(call.body, name) and name not in ignored}
    known = {} if click.has_refused else identity_of(click)
    return reply({"identity": {key: digest for key, digest in known.items() if key in told}, "ignored": ignored})


def is_given(given: Mapping[str, Any], name: str) -> bool:
    return given.get(name) not in (None, "")


def keep_identity(click: Click, given: Mapping[str, Any]) -> list[str]:
    """Hash the identifiers and store what the offer approves; the names of those that are none.

    Nothing is stored of a visitor who has refused.
    """
    texts = {name: identifier(given[name]) for name in NAMES if is_given(given, name)}
    digests = {name: digest_of(name, text, click.country) for name, text in texts.items()}
    if not click.has_refused:
        store(click, {name: digest for name, digest in digests.items() if digest and approves(click, name)})
    return [name for name, digest in digests.items() if not digest]


def identifier(value: Any) -> str:
    """The text of an identifier; empty for what is none. Numbers may be ids and phone numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_IDENTIFIER:
        return ""
    return clean_text(str(value), MAX_IDENTIFIER)


def digest_of(name: str, text: str, country: str) -> str:
    """Digest of an identifier; empty for what is none. The country completes a number without its prefix."""
    match name:
        case "email":
            return hash_email(text)
        case "phone":
            return hash_phone(text, country)
    return hash_external_id(text)


def approves(click: Click, name: str) -> bool:
    return bool(getattr(click.offer, f"send_{name}"))


def store(click: Click, digests: dict[str, str]) -> None:
    """Write the digests that are new. A click that was erased in this moment takes none, nor an erased person's."""
    news = {f"{name}_sha256": digest for name, digest in digests.items()}
    news = {column: digest for column, digest in news.items() if getattr(click, column) != digest}
    if not news:
        return
    with transaction.atomic():
        let_nobody_be_erased()
        if erased_among(digests.items()):
            return
        Click.objects.filter(pk=click.pk, erased_at=None).update(**news)
        if Conversion.objects.filter(click=click).plan_anew():  # one may have had nothing to be matched by
            recount(clicks=[click.pk])
        transaction.on_commit(announce)
    take(click, news)
