"""How PostgreSQL reads what the coverage page needs, however big the tables are."""

import json
from typing import Any

import pytest
from django.utils import timezone

from conversions import coverage
from tests.factories import make_click, make_conversion, make_offer
from tests.plans import plan_by_index

pytestmark = pytest.mark.django_db


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def test_both_queries_walk_the_offers_index_from_its_newest_row():
    offer, now = make_offer(), timezone.now()
    make_conversion(make_click(offer))
    busier = make_offer()
    for _ in range(100):
        make_conversion(make_click(busier))
    asked = {
        "conversion_newest_of_offer": coverage.newest_conversions(offer, now),
        "click_newest_of_offer": coverage.newest_clicks(offer, now),
    }

    for index, rows in asked.items():
        (plan,) = json.loads(plan_by_index(rows, format="json"))
        found = nodes(plan["Plan"])
        assert index in [node.get("Index Name") for node in found]
        assert "Sort" not in [node["Node Type"] for node in found]
