"""The three roles, and the pages on people."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.databases import at_home_in, copy_of
from tests.factories import make_credential, make_delivery, make_network, make_offer, make_pixel
from tests.staff import staff_client

VIEWS = {
    *("view_network", "view_offer", "view_eventrule", "view_pixel"),
    *("view_click", "view_postback", "view_conversion", "view_ledgerentry"),
    *("view_delivery", "view_deliveryattempt", "view_deadletter"),
}
LATER = {"view_upload", "view_exchangerate", "export_conversion", "export_click", "export_delivery"}
LATER |= {"export_consentrecord", "view_consentrecord", "view_sighting", "view_strangepage", "view_erasure"}
LATER |= {"view_report", "view_health", "trace", "view_scaledecision", "view_testconversion"}
LATER |= {"view_alert", "view_enrichment", "view_apitoken", "add_apitoken"}
VIEWS |= LATER
CHANNELS = {"add_alertchannel", "change_alertchannel", "delete_alertchannel"}
TESTS = {"run_testconversion", "view_alertchannel"}
INBOX = {
    *("change_network_key", "replay_postback", "attach_postback", "add_upload", "import_upload"),
    *("add_exchangerate", "change_exchangerate", "delete_exchangerate"),
}
MANAGER = {
    "view_credential",
    "view_network_secret",
    *("add_network", "change_network", "add_offer", "change_offer"),
    *("add_eventrule", "change_eventrule", "delete_eventrule"),
}
OPERATIONS = {
    "view_credential",
    *("rotate_credential", "rotate_network_secret", "view_network_secret"),
    *("change_network", "add_pixel", "change_pixel", "pause_pixel"),
    *("replay_postback", "requeue_deadletter", "discard_deadletter"),
}
PEOPLE = reverse("admin:auth_user_changelist")


def member(role: str) -> Client:
    user = User.objects.create_user(role.replace(" ", "-"), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def roles_after(*there: str) -> dict[str, set[str]]:
    """What each role may, once the database is migrated there."""
    call_command("migrate", *there, verbosity=0)
    return {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}


def test_a_fresh_database_has_the_roles_and_the_way_back_removes_them(
    tables: str, tmp_path: Path, django_db_blocker: Any
):
    with django_db_blocker.unblock(), copy_of(tables, tmp_path) as url, at_home_in(url):
        fresh, before_the_inbox = roles_after(), roles_after("dispatch", "0009_no_rate_indexed")
        none, again = roles_after("dispatch", "0001"), roles_after()
    ContentType.objects.clear_cache()

    assert fresh == {
        "Analyst": VIEWS,
        "Affiliate manager": VIEWS | MANAGER | INBOX | TESTS,
        "Operations": VIEWS | OPERATIONS | INBOX | TESTS | CHANNELS | {"erase_visitor"},
    }
    before = VIEWS - LATER
    assert before_the_inbox == {
        "Analyst": before,
        "Affiliate manager": before | MANAGER,
        "Operations": before | OPERATIONS,
    }
    assert none == {}
    assert again == fresh


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["Analyst", "Affiliate manager", "Operations"])
def test_each_role_opens_what_was_recorded_and_sent(role: str):
    make_delivery()
    client = member(role)

    for model in ("offers_offer", "conversions_conversion", "conversions_postback", "dispatch_deadletter"):
        assert client.get(reverse(f"admin:{model}_changelist")).status_code == 200


@pytest.mark.django_db
def test_what_each_role_may_not():
    pixel, network, offer = make_pixel(), make_network(), make_offer()
    rotate = reverse("admin:dispatch_credential_rotate", args=[pixel.pk])
    requeue = reverse("admin:dispatch_deadletter_all", args=["invalid", "requeue"])
    change_offer = reverse("admin:offers_offer_change", args=[offer.pk])
    change_network = reverse("admin:offers_network_change", args=[network.pk])

    analyst, manager, operations = member("Analyst"), member("Affiliate manager"), member("Operations")
    credentials, new_offer = reverse("admin:dispatch_credential_changelist"), reverse("admin:offers_offer_add")
    for client, closed in (
        (analyst, [rotate, requeue, credentials, new_offer, PEOPLE]),
        (manager, [rotate, requeue, PEOPLE]),
        (operations, [new_offer, PEOPLE]),
    ):
        assert {client.get(url).status_code for url in closed} == {403}
    assert {analyst.post(url, {}).status_code for url in (change_offer, change_network)} == {403}


@pytest.mark.django_db
def test_the_sidebar_leads_nobody_into_a_403():
    make_credential(make_pixel())
    client = member("Analyst")

    sidebar = [
        item["link"]
        for group in site.each_context(client.get(reverse("admin:index")).wsgi_request)["sidebar_navigation"]
        for item in group["items"]
        if item["has_permission"]
    ]

    assert {client.get(str(link)).status_code for link in sidebar} == {200}
    assert PEOPLE not in map(str, sidebar)


def test_the_queue_of_functions_is_not_in_the_admin():
    assert [model for model in site._registry if model._meta.app_label == "django_q"] == []


@pytest.mark.django_db
def test_people_are_listed_with_their_roles():
    member("Operations")

    page = staff_client("auth.view_user").get(PEOPLE).content.decode()

    assert "Operations" in page


@pytest.mark.django_db
def test_a_role_is_given_on_the_persons_page():
    person = User.objects.create_user("ada", is_staff=True)
    role = Group.objects.get(name="Analyst")
    url = reverse("admin:auth_user_change", args=[person.pk])

    client = staff_client("auth.view_user", "auth.change_user")
    response = client.post(url, {"username": "ada", "is_active": "on", "is_staff": "on", "groups": [role.pk]})

    assert response.status_code == 302
    assert list(person.groups.all()) == [role]


@pytest.mark.django_db
def test_nobody_makes_a_superuser_without_being_one():
    person = User.objects.create_user("ada", is_staff=True)
    client = staff_client("auth.view_user", "auth.change_user")

    client.post(
        reverse("admin:auth_user_change", args=[person.pk]),
        {"username": "ada", "is_active": "on", "is_superuser": "on", "user_permissions": ["1"]},
    )

    person.refresh_from_db()
    assert (person.is_superuser, person.user_permissions.count()) == (False, 0)


@pytest.mark.django_db
def test_a_superusers_account_is_out_of_reach_for_others():
    boss = User.objects.create_superuser("boss", password="x")
    client = staff_client("auth.view_user", "auth.change_user")

    def change(name: str, **data: Any) -> int:
        return client.post(reverse(f"admin:auth_user_{name}", args=[boss.pk]), data).status_code

    assert change("change", username="mine") == 403
    assert client.post(f"{PEOPLE}{boss.pk}/password/", {"password1": "p", "password2": "p"}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["add", "password", "change"])
def test_a_superuser_opens_every_page_on_people(page: str):
    boss = User.objects.create_superuser("boss", password="x")
    client = Client()
    client.force_login(boss)

    url = f"{PEOPLE}add/" if page == "add" else f"{PEOPLE}{boss.pk}/{page}/"

    assert client.get(url).status_code == 200
    assert client.get(reverse("admin:auth_group_add")).status_code == 200
