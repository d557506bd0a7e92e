import pytest
from django.core.checks import run_checks

from trackingsite.environment import new_field_key


def ids() -> set[str]:
    return {message.id for message in run_checks() if message.id.startswith("trackingsite")}


def test_the_defaults_are_sound():
    assert ids() == set()


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("FIELD_ENCRYPTION_KEYS", [], "trackingsite.E001"),
        ("FIELD_ENCRYPTION_KEYS", ["short"], "trackingsite.E002"),
        ("FIELD_ENCRYPTION_KEYS", [new_field_key(), "not base64 é"], "trackingsite.E002"),
        ("PUBLIC_BASE_URL", "track.example.com", "trackingsite.E003"),
        ("PUBLIC_BASE_URL", "https://track.example.com/path", "trackingsite.E003"),
        ("TIKTOK_API_URL", "https://[broken", "trackingsite.E003"),
        ("TIKTOK_API_URL", "http://tiktok.example", "trackingsite.W001"),
        ("TRUSTED_PROXIES", ["10.0.0.0/8", "proxy.local"], "trackingsite.E004"),
        ("TIKTOK_BATCH_SIZE", 1001, "trackingsite.E005"),
        ("TIKTOK_DEADLINE_SECONDS", 60.0, "trackingsite.E006"),
        ("DELIVERY_LEASE_SECONDS", 20.0, "trackingsite.E006"),
        ("REDIS_URL", "localhost:6379", "trackingsite.E007"),
        ("RETENTION_VISITOR_DAYS", 27.0, "trackingsite.W002"),
        ("GEOIP_PATH", "/nowhere/places.mmdb", "trackingsite.W004"),
        ("GEOIP_PATH", __file__, "trackingsite.W004"),
    ],
)
def test_a_broken_setting_is_named_at_start(settings, setting, value, expected):
    setattr(settings, setting, value)

    assert ids() == {expected}


def test_every_message_says_what_to_do(settings):
    settings.FIELD_ENCRYPTION_KEYS = []
    settings.TRUSTED_PROXIES = ["nonsense"]

    assert all(message.hint for message in run_checks() if message.id.startswith("trackingsite"))


def test_a_stand_in_on_this_machine_may_use_http(settings):
    settings.TIKTOK_API_URL = "http://127.0.0.1:8081"

    assert ids() == set()
