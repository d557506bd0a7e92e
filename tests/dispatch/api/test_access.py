import json
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from dispatch.api.throttling import PerCaller
from dispatch.models import ApiToken
from tests.dispatch.api.support import bearer, caller, failure, key_of, long_ago
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db
ALERTS = "/api/v1/alerts/"
MAY = "dispatch.view_alert"


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    cache.clear()


class TestWho:
    def test_a_token_may_do_what_its_owner_may(self):
        assert caller(MAY).get(ALERTS).status_code == 200
        assert failure(caller().get(ALERTS)) == (403, "permission_denied")

    def test_nobody_gets_in_without_one(self):
        response = Client().get(ALERTS)

        assert failure(response) == (401, "not_authenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    def test_a_person_who_is_logged_in_needs_none(self):
        assert staff_client(MAY).get(ALERTS).status_code == 200

    def test_an_expired_a_revoked_a_wrong_and_a_former_colleagues_token_are_refused(self):
        user, gone = make_staff(MAY), make_staff(MAY)
        expired, revoked, former = key_of(user, now=long_ago()), key_of(user), key_of(gone)
        ApiToken.objects.filter(last_four=revoked[-4:]).update(revoked_at=long_ago())
        gone.is_active = False
        gone.save()

        for key in (expired, revoked, former, "trk_wrong", "\u00ff", "two words"):
            assert failure(bearer(key).get(ALERTS)) == (401, "authentication_failed"), key

    def test_the_token_is_kept_as_a_digest_only(self):
        key = key_of(make_staff())

        row = json.dumps(ApiToken.objects.values().get(), default=str)

        assert key.startswith("trk_")
        assert key not in row
        assert key.removeprefix("trk_") not in row

    def test_its_use_is_noted(self):
        key = key_of(make_staff(MAY))

        bearer(key).get(ALERTS)

        assert ApiToken.objects.get().last_used_at is not None

    def test_one_token_is_slowed_down_and_no_other(self, monkeypatch):
        monkeypatch.setattr(PerCaller, "rate", "2/min")
        greedy = caller(MAY)

        answers = [greedy.get(ALERTS) for _ in range(3)]

        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        assert failure(answers[2]) == (429, "throttled")
        assert caller(MAY).get(ALERTS).status_code == 200

    def test_the_session_alone_starts_nothing_from_elsewhere(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(make_staff("dispatch.run_testconversion"))

        assert failure(client.post("/api/v1/test-conversions/", {"offer": "x"})) == (403, "permission_denied")


class TestErrors:
    def test_an_address_that_is_none_is_answered_in_json(self):
        assert failure(Client().get("/api/v1/nothing/")) == (404, "not_found")

    def test_a_wrong_method_is_answered_in_json(self):
        assert failure(caller(MAY).post(ALERTS)) == (405, "method_not_allowed")


class TestDescription:
    def test_is_complete(self):
        call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())

    def test_leaves_the_postback_gateway_out(self):
        schema = caller().get("/api/schema/?format=json").json()

        assert schema["paths"]
        assert all(path.startswith("/api/v1/") for path in schema["paths"])

    @pytest.mark.parametrize("path", ["/api/v1/alerts/", "/api/v1/decisions/{slug}/"])
    def test_says_how_long_lists_are_paged(self, path):
        schema = caller().get("/api/schema/?format=json").json()

        assert {"cursor", "page_size"} <= {each["name"] for each in schema["paths"][path]["get"]["parameters"]}

    def test_is_shown_to_staff_from_this_site_alone(self):
        page = staff_client().get("/api/docs/")

        assert page.status_code == 200
        text = page.content.decode() + staff_client().get("/api/docs/?script=").content.decode()
        assert "://" not in text.replace("http://www.w3.org/", "")
        assert Client().get("/api/docs/").status_code == 302
        assert failure_of_schema(Client())

    def test_has_its_files_here(self):
        assert Client().get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js").status_code == 200


def failure_of_schema(client: Client) -> bool:
    return client.get("/api/schema/").status_code in (401, 403)


class TestTokenPages:
    MAKE = "/admin/dispatch/apitoken/make/"
    PERMISSIONS = ("dispatch.view_apitoken", "dispatch.add_apitoken")

    def test_a_new_token_is_shown_once_and_works(self):
        client = staff_client(*self.PERMISSIONS, MAY)

        page = client.post(self.MAKE, {"name": "Weekly report", "days": "30"}).content.decode()

        token = ApiToken.objects.get()
        key = page.split('id="new-token">')[1].split("<")[0]
        assert bearer(key).get(ALERTS).status_code == 200
        assert (token.expires_at - token.created_at).days == 30
        assert key not in client.get(reverse("admin:dispatch_apitoken_changelist")).content.decode()

    def test_revoking_asks_first_and_ends_it(self):
        user = make_staff(*self.PERMISSIONS, MAY)
        key = key_of(user)
        client = Client()
        client.force_login(user)
        url = reverse("admin:dispatch_apitoken_revoke", args=[ApiToken.objects.get().pk])

        client.get(url)
        assert bearer(key).get(ALERTS).status_code == 200
        client.post(url)

        assert failure(bearer(key).get(ALERTS))[0] == 401

    def test_other_peoples_tokens_are_out_of_reach(self):
        key = key_of(make_staff(MAY))
        client = staff_client(*self.PERMISSIONS)
        token = ApiToken.objects.get()

        client.post(reverse("admin:dispatch_apitoken_revoke", args=[token.pk]))

        assert bearer(key).get(ALERTS).status_code == 200
        assert token.last_four not in client.get(reverse("admin:dispatch_apitoken_changelist")).content.decode()

    def test_making_one_needs_the_permission(self):
        assert staff_client("dispatch.view_apitoken").get(self.MAKE).status_code == 403


class TestCommand:
    def test_writes_a_token_to_stdout(self):
        user, out = make_staff(MAY), StringIO()

        call_command("api_token", user.username, days=7, stdout=out, stderr=StringIO())

        assert bearer(out.getvalue().strip()).get(ALERTS).status_code == 200

    def test_says_what_is_wrong(self):
        with pytest.raises(CommandError, match="There is no user 'nobody'"):
            call_command("api_token", "nobody")
        with pytest.raises(CommandError, match="--days must be from 1"):
            call_command("api_token", make_staff().username, days=0)
