"""Who a visitor is, as far as the offer may tell: hashed here at once, the one way for both legs."""

from typing import Any

from django.http import HttpResponse

from conversions.identity import SHA256_HEX, hash_email, hash_phone, sha256
from conversions.models import Click
from conversions.page_state import identity_of
from conversions.pixel.answers import reply
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of, take
from conversions.visitor import clean_text

NAMES = ("email", "phone", "external_id")
MAX_IDENTIFIER = 1000


def identify(call: Call) -> HttpResponse:
    """Keep the digests that the offer approves, unless the visitor has refused; those that the Pixel may tell."""
    given = {name: identifier(call.body[name]) for name in NAMES if call.body.get(name) not in (None, "")}
    click = click_of(call)
    digests = {name: digest_of(name, text, click.country) for name, text in given.items()}
    ignored = [name for name, digest in digests.items() if not digest]
    if click.has_refused:
        return reply({"identity": {}, "ignored": ignored})
    store(click, {name: digest for name, digest in digests.items() if digest and approves(click, name)})
    return reply({"identity": identity_of(click), "ignored": ignored})


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


def hash_external_id(text: str) -> str:
    """Digest of the advertiser's own id of a person; a digest passes through."""
    text = text.strip()
    if SHA256_HEX.fullmatch(text):
        return text.lower()
    return sha256(text) if text else ""


def approves(click: Click, name: str) -> bool:
    return bool(getattr(click.offer, f"send_{name}"))


def store(click: Click, digests: dict[str, str]) -> None:
    """Write the digests that are new. A click that was erased in this moment takes none."""
    news = {f"{name}_sha256": digest for name, digest in digests.items()}
    news = {column: digest for column, digest in news.items() if getattr(click, column) != digest}
    if news:
        Click.objects.filter(pk=click.pk, erased_at=None).update(**news)
        take(click, news)
