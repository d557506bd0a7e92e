"""The API of reports: the same question as the page's address, the same figures, as JSON."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.core.validators import slug_re
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import clock
from dispatch.api.base import ApiView, BadRequest
from dispatch.reports.asking import Question, UnreadableReportError, read
from dispatch.reports.columns import FIGURES, Number, unconverted
from dispatch.reports.currencies import Converter, converter
from dispatch.reports.dimensions import DIMENSIONS, FILTERS
from dispatch.reports.figures import Sums
from dispatch.reports.names import Names, names, plain
from dispatch.reports.periods import PRESETS
from dispatch.reports.query import EXPORTED, Answer, Line, answer
from dispatch.rollups.keeping import as_of
from offers.models import Network, Offer


def parameter(name: str, words: str, choices: list[str] | None = None) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=words, enum=choices)


PARAMETERS = [
    parameter("period", "Which days; “own” are since and until. Default: 7, or own with these.", list(PRESETS)),
    parameter("since", "First day, such as 2026-01-31."),
    parameter("until", "Last day, included."),
    parameter("by", "What the lines are. Default: offer.", list(DIMENSIONS)),
    parameter("then", "What the lines are told apart by beside that.", list(DIMENSIONS)),
    *(parameter(key, f"Only this {dimension.label.lower()}.") for key, dimension in FILTERS.items()),
    parameter("zone", "Time zone of the days, such as Europe/Berlin. Default: UTC."),
    parameter("currency", "Currency of the sums, by today's rates. Default: USD."),
    parameter("compare", "0 leaves out the days before.", ["0", "1"]),
]


LONGEST_NUMBER = 18
SLUGGED: dict[str, Any] = {"offer": Offer.objects, "network": Network.objects}


class Period(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Not included.")


class Values(serializers.Serializer[Any]):
    """Every figure by name; null where there is nothing to speak of, decimals as text."""

    figures = serializers.DictField(child=serializers.CharField(allow_null=True))
    unconverted = serializers.DictField(help_text="Payout and pending payout without a rate, by currency.")


class ReportLine(serializers.Serializer[Any]):
    key = serializers.DictField(child=serializers.CharField(), help_text="Value of each dimension; empty if not given.")
    name = serializers.ListField(child=serializers.CharField())
    now = Values()
    before = Values(allow_null=True)


class ReportAnswer(serializers.Serializer[Any]):
    period = Period()
    before = Period(allow_null=True)
    zone = serializers.CharField()
    currency = serializers.CharField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the sums were last brought up to date.")
    total = ReportLine()
    others = ReportLine(allow_null=True, help_text=f"All beyond the {EXPORTED:,} lines with the most clicks.")
    lines = ReportLine(many=True)


class ReportView(ApiView):
    """`GET /api/v1/report/`."""

    permission = "dispatch.view_report"

    @extend_schema(parameters=PARAMETERS, responses=ReportAnswer, summary="Clicks, conversions, payout by anything")
    def get(self, request: Request) -> Response:
        """The figures of a period, grouped; what is wrong with a question is said in words, with status 400."""
        now = clock.now()
        try:
            question = read(asked(request), now)
        except UnreadableReportError as error:
            raise BadRequest(str(error)) from error
        found = answer(question, now, EXPORTED)
        return Response(as_data(question, found, names(), converter(question.currency, now.date()), now))


def asked(request: Request) -> dict[str, str]:
    """The question in the address; who names days means these. Raises BadRequest for what no question has."""
    said: dict[str, str] = request.query_params.dict()
    known = [each.name for each in PARAMETERS]
    unknown = sorted(said.keys() - set(known))
    if unknown:
        raise BadRequest(f"There is no parameter {', '.join(unknown)[:100]}. There are {', '.join(known)}.")
    said |= {key: number_of(key, said[key]) for key in SLUGGED if said.get(key)}
    is_own = bool(said.get("since") or said.get("until"))
    return {**({"period": "own"} if is_own else {}), **said}


def number_of(key: str, given: str) -> str:
    """An offer or network by its number or slug. Raises BadRequest where there is none."""
    known = SLUGGED[key].values_list("pk", flat=True)
    found = known.filter(slug=given).first() if slug_re.fullmatch(given) else None
    if found is None and given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER:
        found = known.filter(pk=int(given)).first()
    if found is None:
        raise BadRequest(f"There is no such {key}. Name it by its slug or its number.")
    return str(found)


def as_data(question: Question, found: Answer, named: Names, rates: Converter, now: Any) -> dict[str, Any]:
    period, before = question.period, question.period.before()

    def line(each: Line | None) -> dict[str, Any] | None:
        return line_data(each, question, named, rates) if each else None

    return {
        "period": {"since": period.since, "until": period.until},
        "before": {"since": before.since, "until": period.ends_before(now)} if question.before else None,
        "zone": question.zone.key,
        "currency": question.currency,
        "as_of": as_of(),
        "total": line(found.whole),
        "others": line(found.others),
        "lines": [line(each) for each in found.lines],
    }


def line_data(line: Line, question: Question, named: Names, rates: Converter) -> dict[str, Any]:
    values = list(zip(question.by, line.key, strict=False))
    return {
        "key": {key: plain(key, value, question.zone) for key, value in values},
        "name": [named.of(key, value, question.zone) for key, value in values],
        "now": values_of(line.sums, rates),
        "before": values_of(line.before, rates) if line.before else None,
    }


def values_of(sums: Sums, rates: Converter) -> dict[str, Any]:
    figures = {figure.key: said(figure.read(sums, rates)) for figure in FIGURES}
    return {"figures": figures, "unconverted": dict(left_out(sums, rates))}


def left_out(sums: Sums, rates: Converter) -> Iterator[tuple[str, Mapping[str, str]]]:
    for figure in FIGURES:
        found = unconverted(figure, sums, rates)
        if found:
            yield figure.key, {currency: str(amount) for currency, amount in found.items()}


def said(value: Number) -> int | str | None:
    """Decimals as text, in full: a JSON number would be a binary fraction."""
    return f"{value:f}" if isinstance(value, Decimal) else value
