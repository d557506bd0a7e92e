"""The format of /metrics, and the page that lists them."""

import re
from pathlib import Path

import pytest
from django.conf import settings as site_settings
from django.test import Client

pytestmark = pytest.mark.django_db
PAGE = Path(site_settings.BASE_DIR) / "docs" / "operations.md"


def test_is_what_prometheus_asks_for():
    answer = Client().get("/metrics")

    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE trackingsite_tiktok_requests_total counter" in answer.content


def test_every_help_is_a_sentence():
    helps = re.findall(r"^# HELP trackingsite_\w+ (.*)$", Client().get("/metrics").content.decode(), re.MULTILINE)

    assert len(helps) >= 25
    assert all(text[0].isupper() and text.endswith(".") for text in helps)


def test_the_page_for_operators_lists_every_metric():
    text = PAGE.read_text()
    listed = re.findall(r"^\| `(trackingsite_\w+)` \| (\w+) ", text, re.MULTILINE)

    told = re.findall(r"^# TYPE (\w+) (\w+)$", Client().get("/metrics").content.decode(), re.MULTILINE)

    assert sorted(listed) == sorted(told)
    assert set(re.findall(r"trackingsite_\w+", text)) == {name for name, _ in told}
