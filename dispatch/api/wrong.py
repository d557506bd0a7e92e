"""What is wrong now, and what was: findings and alerts."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import clock
from dispatch.alerts.wording import absolute, runbook
from dispatch.api.asking import one_of
from dispatch.api.base import ApiView, Failure
from dispatch.api.pages import PAGE, Pages
from dispatch.findings.current import current
from dispatch.findings.finding import PERMISSIONS, Code, Finding
from dispatch.models import Alert

TONES = ["bad", "warn"]


class FindingAnswer(serializers.Serializer[Any]):
    code = serializers.ChoiceField(Code.choices)
    scope = serializers.CharField()
    subject_id = serializers.IntegerField(allow_null=True)
    subject = serializers.CharField(allow_blank=True)
    tone = serializers.ChoiceField(TONES, help_text="Bad: money stands still.")
    title = serializers.CharField()
    words = serializers.CharField()
    value = serializers.CharField(allow_blank=True)
    target = serializers.CharField(allow_blank=True)
    link = serializers.CharField()
    runbook = serializers.CharField()


class AlertAnswer(serializers.ModelSerializer[Alert]):
    runbook = serializers.SerializerMethodField()
    link = serializers.SerializerMethodField()

    class Meta:
        model = Alert
        fields = [
            "id", "code", "scope", "subject_id", "subject", "tone", "title", "words", "link", "runbook",
            "began_at", "seen_at", "ended_at", "told_at",
        ]  # fmt: skip

    def get_runbook(self, alert: Alert) -> str:
        return runbook(alert.code)

    def get_link(self, alert: Alert) -> str:
        return absolute(alert.link)


class AlertsAnswer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AlertAnswer(many=True)


class FindingsView(ApiView):
    """Everything that is wrong now and that your account may see, the worst first."""

    permission = ""

    def may_call(self, user: Any) -> bool:
        """Each finding has a permission of its own; who has none of them may see nothing here."""
        return any(user.has_perm(permission) for permission in PERMISSIONS)

    @extend_schema(responses={200: FindingAnswer(many=True), 401: Failure, 403: Failure})
    def get(self, request: Request) -> Response:
        found = [finding for finding in current(clock.now()) if request.user.has_perm(finding.permission)]
        return Response([as_answer(finding) for finding in found])


def as_answer(finding: Finding) -> dict[str, Any]:
    names = ("code", "scope", "subject_id", "subject", "tone", "title", "words", "value", "target")
    told = {name: getattr(finding, name) for name in names}
    return {**told, "link": absolute(finding.link), "runbook": runbook(finding.code)}


class AlertsView(ApiView):
    """What was found wrong and when, the newest first."""

    permission = "dispatch.view_alert"

    @extend_schema(
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=["open", "ended"], description="Both unless said."),
            OpenApiParameter("code", OpenApiTypes.STR, enum=Code.values),
            *PAGE,
        ],
        responses={200: AlertsAnswer, 400: Failure, 401: Failure, 403: Failure},
    )
    def get(self, request: Request) -> Response:
        rows, asked = Alert.objects.all(), request.query_params
        if "state" in asked:
            rows = rows.filter(ended_at__isnull=one_of("state", asked["state"], ["open", "ended"]) == "open")
        if "code" in asked:
            rows = rows.filter(code=one_of("code", asked["code"], Code.values))
        pages = Pages()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(AlertAnswer(page, many=True).data)
