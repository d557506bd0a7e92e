"""The page of unmapped statuses."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils.html import escape

from conversions.digest import digest_one
from conversions.models import Conversion, Postback
from offers.models import Network
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_network, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:conversions_postback_unmapped")
VIEW, REPLAY, CHANGE = "conversions.view_postback", "conversions.replay_postback", "offers.change_network"


def waits(word: str, network: Network | None = None, **params: str) -> Postback:
    return digest_one(make_postback(network or make_network(), {"status": word, **params}).pk)


def answer(word: str, network_id: int | str, status: str) -> str:
    data = {"word": word, "network": network_id, "status": status}
    return staff_client(VIEW, REPLAY, CHANGE).post(PAGE, data, follow=True).content.decode()


def test_says_when_every_word_is_mapped():
    assert "Nothing waits" in staff_client(VIEW).get(PAGE).content.decode()


def test_shows_the_word_as_it_came_with_an_example():
    postback = waits("<b>sold!")

    shown = staff_client(VIEW, REPLAY, CHANGE).get(PAGE).content.decode()

    assert escape("<b>sold!") in shown
    assert "<b>sold!" not in shown
    assert reverse("admin:conversions_postback_change", args=[postback.pk]) in shown


def test_one_button_maps_the_word_and_brings_the_sales_in():
    click = make_click()
    waits("Sold!", click.offer.network, click_id=click.pk, txid="T-1")

    shown = answer("Sold!", click.offer.network_id, "approved")
    digest_everything()

    assert f"Mapped “Sold!” of {click.offer.network} to “Approved”. 1 is digested again." in shown
    assert Conversion.objects.get().status == "approved"
    assert "Mapped “Sold!”" in LogEntry.objects.get().change_message


def test_keeps_what_somebody_else_has_mapped_meanwhile():
    postback = waits("Sold!")
    Network.objects.update(status_map={"sold!": "pending"})

    shown = answer("Sold!", postback.network_id, "approved")

    assert "was mapped to “Pending” meanwhile" in shown
    assert Network.objects.get().status_map == {"sold!": "pending"}


def test_asks_for_a_meaning():
    postback = waits("Sold!")

    assert "Choose what the word means first." in answer("Sold!", postback.network_id, "")
    assert "Choose what the word means first." in answer("Sold!", postback.network_id, "nonsense")


@pytest.mark.parametrize("word", ["Sold", "So\x00ld!", "x" * 100])
def test_a_word_that_nobody_waits_for_is_not_mapped(word: str):
    network = waits("Sold!").network

    assert "no postback waits for this word" in answer(word, network.pk, "approved")
    assert Network.objects.get().status_map == network.status_map


def test_a_form_that_is_not_ours_is_not_found():
    client = staff_client(VIEW, REPLAY, CHANGE)

    for network in ("999", "x", ""):
        assert client.post(PAGE, {"word": "x", "network": network, "status": "approved"}).status_code == 404
    assert client.post(PAGE, {"word": " ", "network": make_network().pk, "status": "approved"}).status_code == 404


@pytest.mark.parametrize("permissions", [(VIEW,), (VIEW, REPLAY), (VIEW, CHANGE)])
def test_mapping_needs_both_permissions(permissions: tuple[str, ...]):
    postback = waits("Sold!")
    client = staff_client(*permissions)

    data = {"word": "Sold!", "network": postback.network_id, "status": "approved"}

    assert client.post(PAGE, data).status_code == 403
    assert "Map and digest again" not in client.get(PAGE).content.decode()


def test_is_closed_to_who_may_not_see_postbacks():
    assert staff_client(CHANGE, REPLAY).get(PAGE).status_code == 403


def test_leads_to_a_replay_of_what_came_before_words_were_kept():
    waits("Sold!")
    Postback.objects.update(status_word="")

    shown = staff_client(VIEW, REPLAY).get(PAGE).content.decode()

    assert reverse("admin:conversions_postback_replay_reason", args=["unmapped_status"]) in shown


def test_stands_in_the_sidebar():
    assert PAGE in staff_client(VIEW).get(reverse("admin:index")).content.decode()
