"""Test conversions by program: started here, done by the workers, asked for until they end."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch import clock
from dispatch.api.base import ApiView, Conflict, Failure
from dispatch.models import TestConversion
from dispatch.test_conversions.running import CannotTestError, advance, start
from offers.models import Offer


class TestQuestion(serializers.Serializer[Any]):
    offer = serializers.SlugField(max_length=50, help_text="The offer's slug.")


class TestAnswer(serializers.ModelSerializer[TestConversion]):
    offer = serializers.SlugField(source="offer.slug")
    click = serializers.CharField(source="click_id", allow_null=True)
    stages = serializers.ListField(
        child=serializers.DictField(), help_text="Objects with name, state, words, at and what was compared."
    )

    class Meta:
        model = TestConversion
        fields = ["id", "offer", "click", "started_at", "ended_at", "passed", "stages"]


class StartTestView(ApiView):
    """Run a test conversion of an offer: a click, its page, a postback and a delivery that TikTok does not count."""

    permission = "dispatch.run_testconversion"

    @extend_schema(
        request=TestQuestion,
        responses={201: TestAnswer, 400: Failure, 401: Failure, 403: Failure, 404: Failure, 409: Failure},
    )
    def post(self, request: Request) -> Response:
        asked = TestQuestion(data=request.data)
        asked.is_valid(raise_exception=True)
        offer = Offer.objects.select_related("network", "pixel").filter(slug=asked.validated_data["offer"]).first()
        if offer is None:
            raise Http404("There is no offer with this slug.")
        try:
            run = start(offer, request.user, clock.now())
        except CannotTestError as error:
            raise Conflict(str(error), "cannot_test") from None
        return Response(TestAnswer(run).data, status=status.HTTP_201_CREATED)


class TestView(ApiView):
    """How far a test conversion has come; ask about once a second until `passed` is true or false."""

    permission = "dispatch.view_testconversion"

    @extend_schema(responses={200: TestAnswer, 401: Failure, 403: Failure, 404: Failure})
    def get(self, request: Request, pk: int) -> Response:
        get_object_or_404(TestConversion, pk=pk)
        run = advance(pk, clock.now())
        return Response(TestAnswer(run).data)
