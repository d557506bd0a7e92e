"""What the tests of the API share: callers with a token and named permissions."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dispatch.api.tokens import make_token
from tests.staff import make_staff


def bearer(key: str) -> Client:
    """A program that shows this token."""
    return Client(headers={"authorization": f"Bearer {key}"})


def caller(*permissions: str) -> Client:
    """A program whose owner may do exactly what is named."""
    return bearer(key_of(make_staff(*permissions)))


def key_of(user: User, days: int = 1, now: datetime | None = None) -> str:
    return make_token(user, "Test", days, now or timezone.now())[1]


def long_ago() -> datetime:
    return timezone.now() - timedelta(days=2)


def failure(response: Any) -> tuple[int, str]:
    """Status and code of an answer that is none; fails when it is not in the form that is promised."""
    answer = response.json()
    assert sorted(answer) == ["code", "message"]
    assert answer["message"]
    return response.status_code, answer["code"]
