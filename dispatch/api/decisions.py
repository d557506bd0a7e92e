"""Whether spend on an offer may be raised, now and in the past."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.api.base import ApiView, Failure
from dispatch.api.pages import PAGE, Pages
from dispatch.models import ScaleDecision
from dispatch.scaling.deciding import decision_of
from offers.models import Offer


class DecisionAnswer(serializers.ModelSerializer[ScaleDecision]):
    offer = serializers.SlugField(source="offer.slug")
    name = serializers.CharField(source="offer.name")
    reasons = serializers.ListField(
        child=serializers.DictField(), help_text="Objects with code, title, words, value, target and link."
    )

    class Meta:
        model = ScaleDecision
        fields = ["id", "offer", "name", "verdict", "reasons", "clean_since", "decided_at", "looked_at"]


class DecisionHistoryAnswer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DecisionAnswer(many=True)


class DecisionsView(ApiView):
    """The present decision on each active offer that has one."""

    permission = "dispatch.view_scaledecision"

    @extend_schema(responses={200: DecisionAnswer(many=True), 401: Failure, 403: Failure})
    def get(self, request: Request) -> Response:
        offers = {offer.pk: offer for offer in Offer.objects.live().order_by("name")}
        found = decision_of(offers)
        decisions = [found[pk] for pk in offers if pk in found]
        for decision in decisions:
            decision.offer = offers[decision.offer_id]
        return Response(DecisionAnswer(decisions, many=True).data)


class DecisionHistoryView(ApiView):
    """Every decision on one offer, the newest first: the first one holds."""

    permission = "dispatch.view_scaledecision"

    @extend_schema(parameters=PAGE, responses={200: DecisionHistoryAnswer, 401: Failure, 403: Failure, 404: Failure})
    def get(self, request: Request, slug: str) -> Response:
        offer = get_object_or_404(Offer, slug=slug)
        pages = Pages()
        rows = ScaleDecision.objects.filter(offer=offer).select_related("offer")
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(DecisionAnswer(page, many=True).data)
