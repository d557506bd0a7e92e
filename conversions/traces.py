"""Finding a person: all that is recorded under a click id, an e-mail address, a phone number or an external id."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import SHA256

from conversions.calls import Call, UnreadableCallError
from conversions.click_ids import is_click_id
from conversions.erased import DIGESTS, Named, Subject, marks_of
from conversions.identity import hash_email, hash_external_id, hash_phone, is_personal
from conversions.models import Click, Conversion, Erasure, Postback, UploadRow
from conversions.networks.record import PostbackRecord
from conversions.outcomes import UNREADABLE, Outcome
from conversions.reading import parse_body
from conversions.replaying import troubled
from conversions.stripping import reading
from offers.encryption import SecretUnreadableError
from offers.models import Network

AT_ONCE = 500
IN_ONE_TEXT = 25  # click ids that one look into a refused call asks for


class UnnamedError(ValueError):
    """What was typed names nobody; says what to type instead."""


@dataclass(frozen=True)
class Person:
    """Who is meant: by what, and the click id or digest.

    Of what no index leads to: `clicks` are those whose own id has the digest, `calls` the refused ones that name them.
    """

    subject: Subject
    value: str = field(repr=False)
    clicks: tuple[str, ...] = ()
    calls: tuple[int, ...] = ()

    @property
    def named(self) -> Named:
        return self.subject, self.value


@dataclass(frozen=True)
class Traces:
    """The primary keys of what is recorded of a person."""

    clicks: list[str]
    conversions: list[int]
    postbacks: list[int]
    rows: list[int]


class OwnDigest(SHA256):
    """SHA-256 of a text, on PostgreSQL without an extension."""

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super(SHA256, self).as_sql(
            compiler, connection, template="encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')", **context
        )


def read_person(subject: str, text: str) -> Person:
    """Who is meant by what somebody typed, in clear or as a digest, which is hashed at once. Raises UnnamedError."""
    text, named_by = text.strip(), Subject(subject)
    if named_by in (Subject.CLICK, Subject.EXTERNAL_ID) and is_click_id(text.lower()):
        return Person(Subject.CLICK, text.lower())  # where no page gives one, the click id is the external id
    value = READERS[named_by](text)
    if not value:
        raise UnnamedError(HINTS[named_by])
    return Person(named_by, value)


READERS = {
    Subject.CLICK: lambda text: "",
    Subject.EMAIL: hash_email,
    Subject.PHONE: hash_phone,
    Subject.EXTERNAL_ID: hash_external_id,
}
HINTS = {
    Subject.CLICK: "A click id has 26 lower-case letters and digits. It stands in the list of clicks, and as click_id "
    "in the address of the landing page.",
    Subject.EMAIL: "This is neither an e-mail address nor a SHA-256 digest of one, which has 64 hexadecimal digits.",
    Subject.PHONE: "Write the number with a plus and its country code, such as +49 30 1234567, or its SHA-256 digest, "
    "which has 64 hexadecimal digits.",
    Subject.EXTERNAL_ID: "Type the external id that the page told, or its SHA-256 digest.",
}


def resolve(person: Person) -> Person:
    """The person with what only a look at every row finds: seconds where there are millions, so before any lock."""
    if person.subject == Subject.EXTERNAL_ID and not with_digest(Click, "external_id_sha256", person.value).exists():
        own = Click.objects.alias(own=OwnDigest("id")).filter(own=person.value).order_by()
        person = replace(person, clicks=tuple(own.values_list("pk", flat=True)))
    clicks = clicks_of(person)
    return replace(person, calls=tuple({*sealed_calls(person, clicks), *refused_calls(sorted(clicks))}))


def erased_before(person: Person) -> Erasure | None:
    """The last erasure of the same name."""
    return Erasure.objects.filter(key__in=marks_of(person.named)).order_by("-pk").first()


def find(person: Person, lock: bool = False) -> Traces:
    """Everything recorded of the person: the clicks that the name leads to, and what came of those clicks.

    With `lock` nothing comes of them meanwhile: pages lock their click, too, before they store an event.
    """
    clicks = sorted(clicks_of(person))
    for part in pieces(clicks) if lock else ():
        list(Click.objects.select_for_update().filter(pk__in=part).order_by("pk").values_list("pk"))
    conversions = keys(Conversion.objects.filter(click__in=part) for part in pieces(clicks))
    calls = keys(rows_of(Postback, person, clicks)) | set(person.calls)
    rows = keys(rows_of(UploadRow, person, clicks))
    rows |= keys(UploadRow.objects.filter(postback__in=part) for part in pieces(sorted(calls)))
    return Traces(clicks, sorted(conversions), sorted(calls), sorted(rows))


def clicks_of(person: Person) -> set[str]:
    """The ids of the person's clicks."""
    match person.subject:
        case Subject.CLICK:
            return keys([Click.objects.filter(pk=person.value)])
        case Subject.EXTERNAL_ID:
            return keys([with_digest(Click, "external_id_sha256", person.value)]) | set(person.clicks)
    column = DIGESTS[person.subject]
    sold = with_digest(Conversion, column, person.value).values_list("click_id", flat=True)
    calls = with_digest(Postback, column, person.value).select_related("network", "conversion")
    return keys([with_digest(Click, column, person.value)]) | set(sold) | clicks_named(calls)


def with_digest(model: type[Model], column: str, digest: str) -> QuerySet[Any]:
    """Rows by their index, which leaves out the empty ones."""
    return model._default_manager.filter(**{column: digest}).exclude(**{column: ""}).order_by()


def rows_of(model: type[Postback | UploadRow], person: Person, clicks: Sequence[str]) -> Iterator[QuerySet[Any]]:
    """Calls, or rows of files, that came of the clicks, or name the person whether or not they led to a click."""
    column = {Subject.CLICK: "click_ref", **DIGESTS}.get(person.subject)
    if column:
        yield with_digest(model, column, person.value)
    for part in pieces(clicks):
        yield model._default_manager.filter(conversion__click__in=part)
        yield model._default_manager.filter(click_ref__in=part).exclude(click_ref="")


def clicks_named(calls: Iterable[Postback]) -> set[str]:
    """The clicks that calls name, digested or not: only those of offers of the network that called."""
    found: set[str] = set()
    named: set[tuple[str, int]] = set()
    for call in calls:
        if call.conversion:
            found.add(call.conversion.click_id)
        named.add((call.attached_to or call.click_ref or said_click(call), call.network_id))
    for part in pieces(sorted({click_id for click_id, _ in named if is_click_id(click_id)})):
        clicks = Click.objects.filter(pk__in=part).order_by().values_list("pk", "offer__network")
        found |= {click_id for click_id, _ in named.intersection(clicks)}
    return found


def said_click(call: Postback) -> str:
    record = reading(call, call.params)
    return record.click_id if isinstance(record, PostbackRecord) else ""


def refused_calls(clicks: list[str]) -> set[int]:
    """Calls that could not be read and in whose beginning one of the click ids stands."""
    texts = [
        Q(*(("raw_call__contains", click_id) for click_id in clicks[start : start + IN_ONE_TEXT]), _connector=Q.OR)
        for start in range(0, len(clicks), IN_ONE_TEXT)
    ]
    refused = [*UNREADABLE, Outcome.BAD_SIGNATURE]
    return keys(troubled(outcome).exclude(raw_call="").filter(text) for outcome in refused for text in texts)


def sealed_calls(person: Person, clicks: set[str]) -> Iterator[int]:
    """Calls kept sealed for their refused signature that name one of the clicks, or the person."""
    sealed = troubled(Outcome.BAD_SIGNATURE).exclude(sealed_call="").select_related("network")
    for postback in sealed.iterator(chunk_size=AT_ONCE):
        try:
            call = Call.unpack(postback.sealed_call.reveal())
        except SecretUnreadableError:
            continue
        text = call.query + call.body.decode("utf-8", "replace")
        if any(click_id in text for click_id in clicks) or person.value in digests_in(call, postback.network):
            yield postback.pk


def digests_in(call: Call, network: Network) -> set[str]:
    """The digests of what stands in a raw call under a name for an e-mail address or a phone number."""
    pairs = parse_qsl(call.query)
    with suppress(UnreadableCallError):
        pairs += parse_body(call)
    values = [value for name, value in pairs if is_personal(name)]
    return {digest for value in values for digest in (hash_email(value), hash_phone(value, network.default_region))}


def keys(found: Iterable[QuerySet[Any]]) -> set[Any]:
    return {key for rows in found for key in rows.order_by().values_list("pk", flat=True)}


def pieces(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
