"""Figures of health, as the pages of health show them."""

from typing import Any

from django.db.models import Model
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import clock
from dispatch.api.asking import PERIOD, Period, period_of
from dispatch.api.base import ApiView, Failure
from dispatch.findings.finding import Scope
from dispatch.health.figures import Figures
from dispatch.health.reading import figures
from dispatch.health.targets import Target, targets_of
from dispatch.rollups.keeping import as_of
from offers.models import Network, Offer, Pixel

SCOPES: dict[str, tuple[Scope, type[Model], str]] = {
    "offers": (Scope.OFFER, Offer, "slug"),
    "networks": (Scope.NETWORK, Network, "slug"),
    "pixels": (Scope.PIXEL, Pixel, "code"),
}
COUNTS = (
    "clicks", "conversions", "doubles", "expected", "unreported", "due", "fresh", "accepted", "waiting", "dead",
    "discarded", "held", "suppressed", "tried", "retried", "both_legs", "fired", "blocked",
)  # fmt: skip


class RatioAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField(help_text="Its name for people.")  # type: ignore[assignment]
    unit = serializers.ChoiceField(["share", "seconds"], help_text="A share is from 0 to 1.")
    value = serializers.FloatField(allow_null=True, help_text="Null where there is nothing to speak of.")
    cases = serializers.IntegerField(help_text="How many rows it is about.")
    tone = serializers.ChoiceField(["good", "warn", "bad", "calm"], help_text="Calm: too few cases, or no target.")
    target = serializers.CharField(allow_blank=True)
    counts = serializers.CharField(help_text="What it counts.")


class SubjectAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.CharField(help_text="The offer's or network's slug, or the pixel's code.")
    name = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())
    postbacks = serializers.DictField(child=serializers.IntegerField(), help_text="Of a network, by outcome.")
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="Of what is dead, held or suppressed.")
    figures = RatioAnswer(many=True)


class HealthAnswer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="The half-hour it begins with.")
    until = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="When the sums were last brought up to date.")
    subjects = SubjectAnswer(many=True)


class HealthView(ApiView):
    """Counts and ratios of every offer, network or pixel over a period, with their targets."""

    permission = "dispatch.view_health"
    scope = "offers"

    @extend_schema(parameters=PERIOD, responses={200: HealthAnswer, 400: Failure, 401: Failure, 403: Failure})
    def get(self, request: Request) -> Response:
        scope, model, key = SCOPES[self.scope]
        period = period_of(request, clock.now())
        rows = list(model._default_manager.order_by("name"))
        return Response(
            {
                "since": period.since,
                "until": period.until,
                "as_of": as_of(),
                "subjects": subjects(scope, rows, key, period),
            }
        )


def subjects(scope: Scope, rows: list[Any], key: str, period: Period) -> list[dict[str, Any]]:
    found = figures(scope, period.since, period.until, [row.pk for row in rows])
    targets = targets_of(scope)
    return [subject(row, key, found[row.pk], targets) for row in rows]


def subject(row: Any, key: str, sums: Figures, targets: list[Target]) -> dict[str, Any]:
    return {
        "id": row.pk,
        "key": getattr(row, key),
        "name": row.name,
        "counts": {name: getattr(sums, name) for name in COUNTS},
        "postbacks": dict(sums.postbacks),
        "reasons": dict(sums.reasons),
        "figures": [figure(target, sums) for target in targets],
    }


def figure(target: Target, sums: Figures) -> dict[str, Any]:
    return {
        "name": target.name,
        "label": target.label,
        "unit": target.unit,
        "value": target.read(sums),
        "cases": target.cases(sums),
        "tone": target.tone(sums),
        "target": target.wanted,
        "counts": target.counts,
    }
