"""Any Django project that installs the two apps can use the tags; it need not have our URLs, middleware or settings."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.template import engines
from django.urls import path

settings.configure(
    SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", PUBLIC_BASE_URL="https://track.example",
    FIELD_ENCRYPTION_KEYS=["dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdDE="],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "offers", "conversions"],
    MIDDLEWARE=["conversions.middleware.ClickCookieMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": ["django.template.context_processors.request"]}}],
)
django.setup()

PAGE = '''{% load tiktok %}{% tiktok_identify offer="lamp" email="a@b.example" %}
{% tiktok_event "ViewContent" value=3 %}{% offer_link %}'''
urlpatterns = [path("", lambda request: HttpResponse(engines["django"].from_string(PAGE).render({}, request)))]

from django.core.management import call_command
from django.test import Client
from offers.models import EventRule, Network, Offer, Pixel

call_command("migrate", verbosity=0)
offer = Offer.objects.create(
    name="Lamp", slug="lamp", network=Network.objects.create(name="N", slug="n"), consent_required=False,
    pixel=Pixel.objects.create(name="P", code="CODE"), offer_url="https://network.example/?s={click_id}",
)
EventRule.objects.create(offer=offer, trigger="page", event_name="ViewContent")
response = Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0").get("/")
print(response.content.decode())
print(response.cookies["click_id"].value)
"""


def run(project: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", project], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_another_project_has_the_tags_for_two_apps_and_two_settings():
    told = run(PROJECT)

    assert told.returncode == 0, told.stderr
    page, click_id = told.stdout.rsplit("\n", 2)[:2]
    assert 'src="https://track.example/pixel/lamp.js"' in page
    assert 'ttq.load("CODE");' in page
    assert 'ttq.instance("CODE").track("ViewContent", {"value": 3.0, "currency": "USD"}' in page
    assert page.endswith(f"https://track.example/go/{click_id}/")


def test_a_project_without_the_keys_is_told_so_at_its_start():
    told = run(PROJECT.replace("FIELD_ENCRYPTION_KEYS=", "OTHER_KEYS="))

    assert told.stderr.rstrip().endswith(
        "ImproperlyConfigured: The app “conversions” needs the setting FIELD_ENCRYPTION_KEYS: "
        "those of the tracking site, a list: they tell who was erased on request."
    )
