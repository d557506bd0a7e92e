"""What became of any id, as the page “Trace” tells it."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import clock
from dispatch.api.base import ApiView, BadRequest, Failure
from dispatch.diagnosis.finding import NothingFoundError
from dispatch.diagnosis.moments import Stage
from dispatch.diagnosis.tracing import trace
from dispatch.diagnosis.verdicts import Cause, Verdict

LONGEST = 2048
ID = OpenApiParameter(
    "id",
    OpenApiTypes.STR,
    required=True,
    description="A click id, event_id, transaction id, or “conversion 12”, “postback 12”, “delivery 12”.",
)


class NextStepAnswer(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="What to do now.")
    do = serializers.CharField(allow_blank=True, help_text="What the page to open is for.")
    link = serializers.CharField(allow_blank=True, help_text="A page of the admin; empty where you may not open it.")
    runbook = serializers.CharField(help_text="The section of the documentation.")


class MomentAnswer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    after_seconds = serializers.FloatField(allow_null=True, help_text="How long after the moment before.")
    stage = serializers.ChoiceField(Stage.choices)
    title = serializers.CharField()
    words = serializers.CharField(allow_blank=True)
    tone = serializers.ChoiceField(["good", "busy", "warn", "bad", "calm"])
    link = serializers.CharField(allow_blank=True)


class RulingAnswer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(Verdict.choices)
    cause = serializers.ChoiceField(Cause.choices)
    words = serializers.CharField(help_text="Both in plain words.")
    next_step = NextStepAnswer()


class TracedAnswer(RulingAnswer):
    kind = serializers.ChoiceField(["conversion", "click", "postback", "upload_row"])
    id = serializers.CharField()
    offer = serializers.CharField(allow_blank=True, help_text="The offer's slug.")
    network = serializers.CharField(allow_blank=True, help_text="The network's slug.")
    pixel = serializers.CharField(allow_blank=True, help_text="The pixel's code.")
    click_id = serializers.CharField(allow_blank=True)
    event = serializers.CharField(allow_blank=True)
    event_id = serializers.CharField(allow_blank=True)
    transaction_id = serializers.CharField(allow_blank=True)
    status = serializers.CharField(allow_blank=True, help_text="The conversion's.")
    is_test = serializers.BooleanField()
    notes = serializers.ListField(child=serializers.CharField())
    timeline = MomentAnswer(many=True)
    left_out = serializers.IntegerField(help_text="How many moments there are beside these.")


class TraceAnswer(RulingAnswer):
    query = serializers.CharField()
    subjects = TracedAnswer(many=True)


class TraceView(ApiView):
    """One verdict, its cause and the next step for any id, and everything that it may mean, with a timeline each."""

    permission = "dispatch.trace"

    @extend_schema(
        parameters=[ID], responses={200: TraceAnswer, 400: Failure, 401: Failure, 403: Failure, 404: Failure}
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("id", "").strip()
        if not text or len(text) > LONGEST:
            raise BadRequest(
                "Say what to trace: ?id= and a click id, an event_id, a transaction id, or “conversion 12”."
            )
        try:
            found = trace(text, clock.now())
        except NothingFoundError as error:
            raise NotFound(error.advice) from error
        return Response(found.as_json(request.user.has_perm))
