"""The network's page as the app that takes postbacks completes it: news, a test postback, a check of the URL."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from conversions.models import Click, Postback
from conversions.outcomes import Outcome
from offers.models import Network, Offer
from tests.factories import make_click, make_network, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
EDIT = ("offers.view_network", "offers.change_network")
SEES_POSTBACKS = (*EDIT, "conversions.view_postback")
KEY = "a-key-of-the-house-1"


def url_of(network: Network, name: str = "change") -> str:
    return reverse(f"admin:offers_network_{name}", args=[network.pk])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode().replace("&#x27;", "'"))


def page(network: Network, *permissions: str) -> str:
    return text_of(staff_client(*permissions or SEES_POSTBACKS).get(url_of(network)))


def rehearse(chosen: Offer, **fields: Any) -> Any:
    data = {"offer": chosen.pk, "status": "approved", **fields}
    return staff_client(*EDIT).post(url_of(chosen.network, "rehearse"), data)


def check(network: Network, url: str) -> Any:
    return staff_client(*EDIT).post(url_of(network, "check_url"), {"url": url})


def test_counts_the_postbacks_of_the_last_day_by_outcome():
    network, now = make_network(), timezone.now()
    for outcome in (Outcome.RECORDED, Outcome.RECORDED, Outcome.BAD_AMOUNT):
        make_postback(network, {}, outcome=outcome)
    for outcome in (Outcome.NO_RULE, Outcome.RECORDED, Outcome.RECORDED):
        make_postback(network, {}, outcome=outcome, received_at=now - timedelta(hours=25))
    make_postback(network, {}, outcome=Outcome.RECORDED, is_test=True)
    make_postback(make_network(), {}, outcome=Outcome.WRONG_NETWORK)

    counts = staff_client(*SEES_POSTBACKS).get(url_of(network)).context["counts"]

    assert [(count, url.partition("outcome__exact=")[2]) for _, count, url in counts] == [
        (2, "recorded"),
        (1, "bad_amount"),
    ]
    assert staff_client("conversions.view_postback").get(counts[0][2]).context["cl"].result_count == 2


def test_says_when_it_was_heard_and_that_nothing_came():
    network = make_network(heard_at=timezone.now() - timedelta(hours=3))

    assert "3\xa0hours ago" in page(network)
    assert "No postback came in the last 24 hours." in page(network)
    assert "Never heard" in page(make_network())


def test_says_when_its_address_was_called_with_a_wrong_secret():
    network = make_network(turned_away_at=timezone.now() - timedelta(hours=2))

    assert "2\xa0hours ago" in page(network)


@pytest.mark.parametrize(("turned_away", "heard", "is_said"), [(2, 1, True), (50, 51, True), (50, 1, False)])
def test_says_on_top_what_to_do_about_a_wrong_secret_until_it_is_past(turned_away: int, heard: int, is_said: bool):
    now = timezone.now()
    network = make_network(
        heard_at=now - timedelta(hours=heard), turned_away_at=now - timedelta(hours=turned_away), silence_hours=100
    )

    top, _, below = page(network).partition("When it falls silent")

    assert ("Compare the postback URL entered at the network with the one on this page" in top) == is_said
    assert ("Last call with a wrong secret (UTC)" in top) == is_said
    assert "last call with a wrong secret" in below.lower()


def test_a_silent_network_is_marked_in_its_page_and_in_the_list():
    heard_at = timezone.now() - timedelta(hours=30)
    network = make_network(heard_at=heard_at, silence_hours=24)

    assert "Silent for 30 hours" in page(network)
    assert "Silent for 30 hours" in text_of(staff_client(*EDIT).get(reverse("admin:offers_network_changelist")))


def test_leads_to_the_words_that_nobody_has_mapped():
    network = make_network()
    make_postback(network, {}, outcome=Outcome.UNMAPPED_STATUS, status_word="strange")

    assert "1 postback waits for a status word" in page(network)
    assert reverse("admin:conversions_postback_unmapped") in page(network)
    assert "status word that nobody" not in page(make_network())


def test_each_part_is_for_those_who_may_see_it():
    network = make_network()
    make_postback(network, {}, outcome=Outcome.UNMAPPED_STATUS)

    assert "last 24 hours" not in page(network, *EDIT)
    assert "status word that nobody" not in page(network, *EDIT)
    assert "test-postback" not in page(network, "offers.view_network")


def test_costs_no_query_more_for_more_postbacks(django_assert_num_queries: Any, django_assert_max_num_queries: Any):
    network, client = make_network(), staff_client(*SEES_POSTBACKS)
    make_postback(network, {})
    client.get(url_of(network))  # what is asked once a process is asked
    with django_assert_max_num_queries(20) as for_one:
        client.get(url_of(network))
    for outcome in (Outcome.RECORDED, Outcome.FAILED, Outcome.UNMAPPED_STATUS):
        make_postback(network, {}, outcome=outcome)

    with django_assert_num_queries(len(for_one)):
        client.get(url_of(network))


def test_a_test_postback_shows_what_it_would_lead_to():
    text = text_of(rehearse(make_offer(name="Lamp")))

    for words in ("Recorded", "Nothing to do: the conversion is recorded.", "Purchase", "10.00", "Lamp", "200 OK"):
        assert words in text
    assert not Postback.objects.exists()
    assert not Click.objects.exists()


def test_a_refund_comes_after_its_sale():
    text = text_of(rehearse(make_offer(), status="refunded"))

    assert "First sent" in text
    assert "Then sent" in text
    assert "Refunded" in text


def test_a_click_of_ones_own_is_taken():
    click = make_click()

    text = text_of(rehearse(click.offer, offer="", click_id=f" {click.pk.upper()} "))

    assert f"click_id={click.pk}" in text
    assert "Recorded" in text


def test_a_pasted_call_goes_before_everything_else():
    offer = make_offer()

    text = text_of(rehearse(offer, call="click_id={sub1}&payout=3"))

    assert "Macro not replaced" in text
    assert "click_id came as {sub1} instead of a value." in text
    assert "No conversion, and nothing for TikTok." in text


def test_the_live_key_signs_the_example():
    offer = make_offer(network=make_network(adapter="generic_hmac", signing_key=KEY, previous_signing_key="old"))

    assert "Nothing to do: the conversion is recorded." in text_of(rehearse(offer))


def test_a_key_that_travels_with_the_call_is_not_shown():
    offer = make_offer(network=make_network(adapter="warriorplus", signing_key=KEY))

    text = text_of(rehearse(offer))

    assert "Nothing to do: the conversion is recorded." in text
    assert KEY not in text


def test_a_wrong_signature_is_named():
    offer = make_offer(network=make_network(adapter="generic_hmac", signing_key=KEY))

    text = text_of(rehearse(offer, call="click_id=a&sig=00"))

    assert "Signature refused" in text
    assert "404 Not found." in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"offer": ""}, "Choose an offer, or enter a click id."),
        ({"offer": "999999"}, "Select a valid choice"),
        ({"click_id": "ABC-1"}, "A click id has 26 small letters and digits."),
        ({"status": "sold"}, "Select a valid choice"),
        ({"call": "x" * 8001}, "at most 8000 characters"),
    ],
)
def test_what_is_missing_is_said(fields: dict[str, str], words: str):
    assert words in text_of(rehearse(make_offer(), **fields))


def test_an_offer_of_another_network_is_no_choice():
    other = make_offer()

    assert "Select a valid choice" in text_of(rehearse(make_offer(), offer=other.pk))


def test_a_network_without_offers_says_so():
    network = make_network()

    response = staff_client(*EDIT).post(url_of(network, "rehearse"), {"offer": "", "status": "approved"})

    assert "This network has no offers yet." in text_of(response)


def test_a_signed_example_can_only_be_a_sale():
    offer = make_offer(network=make_network(adapter="generic_hmac", signing_key=KEY))

    assert "The example of Generic, HMAC-signed is a sale only" in text_of(rehearse(offer, status="refunded"))


def test_without_a_key_nothing_can_be_signed():
    offer = make_offer(network=make_network(adapter="generic_hmac"))

    assert "There is no signing key yet" in text_of(rehearse(offer))


def test_a_busy_database_is_said(monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("conversions.admin.network.rehearse", fail)

    assert "The database is busy, so nothing was tried." in text_of(rehearse(make_offer()))


def test_keys_that_cannot_be_read_are_said(settings: Any):
    offer = make_offer()
    settings.FIELD_ENCRYPTION_KEYS = ["bm90IHRoZSBrZXkgdGhhdCBpdCB3YXMgc2VhbGVkISE="]

    assert "FIELD_ENCRYPTION_KEYS lacks the key" in text_of(rehearse(offer))


def test_hostile_calls_are_escaped():
    assert "<script>alert" not in text_of(rehearse(make_offer(), call="click_id=<script>alert(1)</script>"))


@pytest.mark.parametrize("name", ["rehearse", "check_url"])
def test_trying_needs_the_permission_to_change(name: str):
    network = make_network()

    assert staff_client("offers.view_network").get(url_of(network, name)).status_code == 403
    assert staff_client("offers.view_network").post(url_of(network, name), {}).status_code == 403
    assert staff_client(*EDIT).get(url_of(network, name)).status_code == 200


@pytest.mark.parametrize("name", ["rehearse", "check_url", "end_key_overlap"])
def test_no_such_network_leads_back_to_the_list(name: str):
    response = staff_client(*EDIT).get(reverse(f"admin:offers_network_{name}", args=["nonsense"]))

    assert response.url == reverse("admin:offers_network_changelist")


def test_a_url_that_works_has_nothing_to_correct(settings: Any):
    network = make_network(slug="house", adapter="everflow")
    url = f"{settings.PUBLIC_BASE_URL}/postback/house/{network.secret.reveal()}/?clickid={{sub1}}&sum={{payout_amount}}"

    assert "Nothing is wrong with it." in text_of(check(network, url))


def test_what_is_wrong_with_a_url_is_named(settings: Any):
    network = make_network(slug="house", adapter="everflow")
    url = f"{settings.PUBLIC_BASE_URL}/postback/house/wrong/?visitor={{sub1}}&payout={{payout_amont}}"

    text = text_of(check(network, url))

    assert "3 things to correct at the network" in text
    assert "Rename it to click_id." in text
    assert "Do you mean {payout_amount}?" in text


def test_an_empty_check_asks_for_the_url():
    assert "Paste the URL that you entered at the network." in text_of(check(make_network(), ""))


def test_every_formats_own_url_passes_its_check():
    for adapter in ("affise", "awin", "buygoods", "cake", "everflow", "impact", "tune", "shopify"):
        network = make_network(adapter=adapter)
        client = staff_client(*EDIT, "offers.view_network_secret")
        context = client.get(url_of(network)).context

        assert context["copy_warnings"] == [], adapter
        assert "Nothing is wrong with it." in text_of(check(network, context["copyables"][0].text)), adapter
