"""Adding and changing a network: presets of its format, and the key that it signs with."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from offers.formats import FORMATS
from offers.models import Network
from tests.factories import make_network, make_offer
from tests.staff import make_staff, staff_client

pytestmark = pytest.mark.django_db
ADD = reverse("admin:offers_network_add")
EDIT = ("offers.view_network", "offers.add_network", "offers.change_network")
SET_KEY = (*EDIT, "offers.change_network_key")
KEY, OTHER_KEY = "first-key-of-the-house", "second-key-of-the-house"


def page_of(network: Network) -> str:
    return reverse("admin:offers_network_change", args=[network.pk])


def end_page(network: Network) -> str:
    return reverse("admin:offers_network_end_key_overlap", args=[network.pk])


def add(client: Client | None = None, **fields: Any) -> Any:
    """Add a network as the page does without its script: what nobody filled in is empty."""
    data = {"name": "House", "slug": "house", "adapter": "generic", "default_currency": "USD", "is_active": "on"}
    client = client or staff_client(*SET_KEY)
    return client.post(ADD, {**data, "duplicate_mode": "ignore", "reply": "OK", **fields}, follow=True)


def lines(values: dict[str, str]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in values.items())


def change(network: Network, client: Client | None = None, **fields: Any) -> Any:
    """Post the network's page with everything as it stands but `fields`; the network is read anew."""
    data = {
        "name": network.name, "slug": network.slug, "adapter": network.adapter, "is_active": "on",
        "default_currency": "USD", "duplicate_mode": "ignore", "reply": network.reply,
        "macros": lines(network.macros), "parameter_names": lines(network.parameter_names),
        "link_parameter": network.link_parameter, **fields,
    }  # fmt: skip
    response = (client or staff_client(*SET_KEY)).post(page_of(network), data, follow=True)
    network.refresh_from_db()
    return response


def make_signed(**fields: Any) -> Network:
    return make_network(adapter="generic_hmac", signing_key=KEY, **fields)


def text_of(response: Any) -> str:
    return str(response.content.decode().replace("&#x27;", "'"))


def test_what_was_left_empty_is_filled_from_the_preset():
    add(adapter="everflow")

    network = Network.objects.get()
    preset = FORMATS["everflow"]
    assert (network.macros, network.link_parameter) == (dict(preset.macros), "sub1")


def test_the_formats_reply_replaces_the_usual_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(FORMATS["everflow"].__dict__, "reply", "DONE")

    add(adapter="everflow")

    assert Network.objects.get().reply == "DONE"


def test_what_was_written_is_kept():
    add(adapter="everflow", macros="click_id = {sub4}\n payout={gain}", link_parameter="sub4", reply="1")

    network = Network.objects.get()
    assert network.macros == {"click_id": "{sub4}", "payout": "{gain}"}
    assert (network.link_parameter, network.reply) == ("sub4", "1")


def test_adding_leads_to_the_url_to_paste():
    response = add(adapter="everflow")

    assert response.redirect_chain[-1][0] == page_of(Network.objects.get())
    assert "Now paste the postback URL below at the network, and sub1={click_id} into its offer links." in text_of(
        response
    )


def test_add_another_still_leads_to_an_empty_form():
    response = add(adapter="everflow", _addanother="1")

    assert response.redirect_chain[-1][0] == ADD


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("macros", "click_id", "Line 1: Write a name, an equals sign and a value"),
        ("macros", "click_id = {a}\nClick_ID = {b}", "Line 2: “Click_ID” stands here twice."),
        ("macros", "click id = {a}", "Line 1: Neither a parameter nor its macro has blanks"),
        ("macros", "click_id = {a}&x", "Line 1: Neither a parameter nor its macro has blanks"),
        ("macros", "a = \x00", "Line 1: Write a name"),
        ("macros", "a = " + "x" * 300, "Line 1: Write a name"),
        ("parameter_names", "= visitor", "Line 1: Write a name"),
    ],
)
def test_shows_what_is_wrong_with_a_line(field: str, text: str, words: str):
    assert words in text_of(add(**{field: text}))
    assert not Network.objects.exists()


def test_shows_the_macros_in_use_as_lines():
    written = make_network(macros={"txid": "{t}", "click_id": "{a=b}"})
    preset = make_network(adapter="cake")

    assert "click_id = {a=b}\ntxid = {t}" in text_of(staff_client(*EDIT).get(page_of(written)))
    assert "click_id = #s2#\npayout = #price#" in text_of(staff_client(*EDIT).get(page_of(preset)))


def test_names_of_its_own_are_kept():
    network = make_network()

    change(network, parameter_names="click_id = visitor")

    assert network.parameter_names == {"click_id": "visitor"}


def test_another_format_takes_its_own_presets_along_and_says_so():
    network = make_network(
        adapter="everflow", macros={"click_id": "{sub9}"}, link_parameter="sub9", parameter_names={"a": "b"}
    )

    response = change(network, adapter="cake")

    assert network.macros == dict(FORMATS["cake"].macros)
    assert (network.link_parameter, network.parameter_names) == ("s2", {})
    assert "these are its own now: macros, offer link's parameter, parameter names." in text_of(response)


def test_another_format_leaves_what_was_written_with_it():
    network = make_network(adapter="everflow", macros={"click_id": "{sub1}"}, link_parameter="sub1")

    change(network, adapter="cake", macros="click_id = #s4#", link_parameter="s4")

    assert (network.macros, network.link_parameter) == ({"click_id": "#s4#"}, "s4")


def test_what_the_person_saw_after_choosing_is_what_counts():
    network = make_network(adapter="everflow", macros={"click_id": "{sub1}"}, link_parameter="sub1")

    change(network, adapter="cake", presets_shown="1")

    assert (network.macros, network.link_parameter) == ({"click_id": "{sub1}"}, "sub1")


def test_the_page_has_every_preset_for_its_script():
    response = staff_client(*EDIT).get(ADD)

    assert set(response.context["presets"]) == set(FORMATS)
    assert '<script id="format-presets" type="application/json">' in text_of(response)
    assert "offers/network.js" in text_of(response)


def test_the_formats_own_words_stand_beside_the_status_map():
    text = text_of(staff_client(*EDIT).get(page_of(make_network(adapter="affise"))))

    assert '<span class="mono">3</span></td><td data-label="Means">Rejected' in text


def test_the_macros_stand_in_the_url_to_copy():
    network = make_network(adapter="cake", slug="house")
    client = staff_client(*EDIT, "offers.view_network_secret")

    [url, parameter] = client.get(page_of(network)).context["copyables"]

    secret = network.secret.reveal()
    assert url.text.endswith(f"/postback/house/{secret}/?click_id=#s2#&txid=#leadid#&payout=#price#&ts=#utcunixtime#")
    assert parameter.text == "s2={click_id}"


def test_fixed_fields_need_the_bare_address():
    network = make_network(adapter="shopify", slug="house", signing_key=KEY)
    client = staff_client(*EDIT, "offers.view_network_secret")

    url = client.get(page_of(network)).context["copyables"][0]

    assert url.text.endswith(f"/postback/house/{network.secret.reveal()}/")
    assert url.note.startswith(FORMATS["shopify"].help)
    assert "nothing is added" in url.note


def test_an_offers_page_has_the_same():
    offer = make_offer(network=make_network(adapter="everflow"), offer_url="https://n.example/?sub2={click_id}")
    client = staff_client("offers.view_offer", "offers.view_network_secret")

    response = client.get(reverse("admin:offers_offer_change", args=[offer.pk]))

    assert "click_id={sub1}&txid={transaction_id}" in response.context["copy_groups"][-1].items[0].text
    assert "Offer link: Our click id stands in “sub2”" in str(response.context["copy_warnings"])


def test_the_page_names_what_is_wrong_with_macros_and_offer_links():
    network = make_network(adapter="everflow", macros={"click_id": "{sub_1}", "payout": "{payout_amont}"})
    make_offer(network=network, name="Lamp", offer_url="https://n.example/?x={click_id}")

    warnings = "\n".join(map(str, staff_client(*EDIT).get(page_of(network)).context["copy_warnings"]))

    assert "Macros: {payout_amont} in “payout” is no macro that we know" in warnings
    assert "Lamp</a>: Our click id stands in “x”" in warnings


def test_a_signed_format_wants_its_key():
    response = add(adapter="generic_hmac")

    assert "Generic, HMAC-signed signs its calls, and without its key every one is refused." in text_of(response)
    assert not Network.objects.exists()


def test_a_key_is_taken_and_never_shown():
    response = add(adapter="generic_hmac", new_signing_key=KEY)

    network = Network.objects.get()
    assert network.live_keys() == [KEY]
    assert network.signing_key_set_at is not None
    assert KEY not in text_of(response)
    assert "One key is live, set on" in text_of(response)
    assert f"ending in {KEY[-4:]}" in text_of(response)


def test_a_refused_form_does_not_show_the_key_either():
    assert KEY not in text_of(add(adapter="generic_hmac", new_signing_key=KEY, slug="not a slug"))


def test_of_a_short_key_nothing_is_shown():
    network = make_network(adapter="generic_hmac", signing_key="abcdefghijk")

    assert "hijk" not in text_of(staff_client(*SET_KEY).get(page_of(network)))


def test_its_ending_is_for_those_who_may_set_it():
    network = make_signed()

    assert "ending in" not in text_of(staff_client(*EDIT).get(page_of(network)))
    assert "ending in" in text_of(staff_client(*SET_KEY).get(page_of(network)))


def test_a_format_without_signature_takes_no_key():
    response = add(adapter="everflow", new_signing_key=KEY)

    assert "Everflow does not sign its calls, so there is no key to set." in text_of(response)
    assert not Network.objects.exists()


def test_a_new_key_leaves_the_old_one_live():
    network = make_signed()

    response = change(network, new_signing_key=OTHER_KEY)

    assert network.live_keys() == [OTHER_KEY, KEY]
    assert "so is the one before it until you end the overlap" in text_of(response)
    assert "Two keys are live" in text_of(staff_client(*EDIT).get(page_of(network)))


def test_a_third_key_ends_the_oldest_and_says_so():
    network = make_signed(previous_signing_key="the-oldest-of-three")

    response = change(network, new_signing_key=OTHER_KEY)

    assert network.live_keys() == [OTHER_KEY, KEY]
    assert "The older of the two keys before it is no longer taken." in text_of(response)


def test_an_empty_field_keeps_the_key():
    network = make_signed()

    change(network, name="New name")

    assert (network.name, network.live_keys()) == ("New name", [KEY])


def test_the_same_key_again_changes_nothing():
    network = make_signed()

    response = change(network, new_signing_key=KEY)

    assert "This key is in use already." in text_of(response)
    assert network.live_keys() == [KEY]


def test_a_key_that_cannot_be_read_is_no_reason_for_an_error():
    network = make_signed()
    stored = network.signing_key.stored
    with connection.cursor() as cursor:
        cursor.execute("UPDATE offers_network SET signing_key = %s", ["kffffffff" + stored[9:]])

    page = staff_client(*SET_KEY).get(page_of(network))
    change(network, new_signing_key=OTHER_KEY)

    assert "which can't be read" in text_of(page)
    assert network.signing_key.reveal() == OTHER_KEY


def test_the_key_of_another_format_does_not_live_on():
    network = make_signed()

    response = change(network, adapter="shopify", macros="", reply="")
    assert "without its key every one is refused" in text_of(response)
    change(network, adapter="shopify", macros="", reply="", new_signing_key=OTHER_KEY)

    assert network.live_keys() == [OTHER_KEY]


def test_setting_a_key_needs_its_own_permission():
    network = make_signed()
    client = staff_client(*EDIT)

    page = text_of(client.get(page_of(network)))
    change(network, client, new_signing_key=OTHER_KEY)

    assert "new_signing_key" not in page
    assert network.live_keys() == [KEY]


def test_nobody_gets_past_the_signature_by_another_format():
    network = make_signed()

    response = change(network, staff_client(*EDIT), adapter="everflow")

    assert "you need the permission “Can set the key that a network signs with”" in text_of(response)
    assert network.adapter == "generic_hmac"


def test_a_network_without_its_key_says_what_happens():
    network = make_network(adapter="generic_hmac")

    asks, pastes = (text_of(staff_client(*may).get(page_of(network))) for may in (EDIT, SET_KEY))

    assert "There is no key yet, so every call of this network is refused" in asks
    assert "Ask somebody with the permission" in asks
    assert "Paste it below and save." in pastes


def test_those_who_only_look_see_everything_but_the_key():
    network = make_signed(macros={"click_id": "{sub1}"})

    response = staff_client("offers.view_network", "offers.change_network_key").get(page_of(network))

    assert response.status_code == 200
    assert "One key is live" in text_of(response)
    assert KEY not in text_of(response)
    assert 'name="new_signing_key"' not in text_of(response)


def test_the_history_has_the_step_and_not_the_key():
    network = make_signed()
    user = make_staff(*SET_KEY)
    client = Client()
    client.force_login(user)

    change(network, client, new_signing_key=OTHER_KEY)
    client.post(end_page(network), {"overlap": client.get(end_page(network)).context["overlap"]})

    entries = list(LogEntry.objects.order_by("pk"))
    assert [entry.user for entry in entries] == [user, user]
    assert "HMAC key" in entries[0].change_message
    assert entries[1].change_message == "Ended the overlap: only the newest signing key is taken."
    assert OTHER_KEY not in str([entry.change_message for entry in entries])


def test_opening_the_page_ends_no_overlap():
    network = make_signed(previous_signing_key=OTHER_KEY)

    response = staff_client(*SET_KEY).get(end_page(network))

    assert "From now on only the newest key is taken." in text_of(response)
    network.refresh_from_db()
    assert network.live_keys() == [KEY, OTHER_KEY]


def test_ending_the_overlap_leaves_the_newest_key():
    network = make_signed(previous_signing_key=OTHER_KEY)
    client = staff_client(*SET_KEY)
    overlap = client.get(end_page(network)).context["overlap"]

    response = client.post(end_page(network), {"overlap": overlap}, follow=True)

    network.refresh_from_db()
    assert network.live_keys() == [KEY]
    assert "Ended the overlap" in text_of(response)
    assert "end-key-overlap" not in text_of(response)


def test_a_page_from_before_another_key_ends_nothing():
    network = make_signed(previous_signing_key=OTHER_KEY)
    client = staff_client(*SET_KEY)
    overlap = client.get(end_page(network)).context["overlap"]
    change(network, new_signing_key="a-third-key-of-the-house")

    response = client.post(end_page(network), {"overlap": overlap}, follow=True)

    network.refresh_from_db()
    assert len(network.live_keys()) == 2
    assert "The keys have changed meanwhile, so nothing was ended." in text_of(response)


def test_without_an_overlap_there_is_nothing_to_end():
    network = make_signed()

    response = staff_client(*SET_KEY).get(end_page(network), follow=True)

    assert "There is no overlap to end" in text_of(response)


def test_ending_the_overlap_needs_the_permission():
    network = make_signed(previous_signing_key=OTHER_KEY)

    assert staff_client(*EDIT).post(end_page(network), {}).status_code == 403
    assert "end-key-overlap" not in text_of(staff_client(*EDIT).get(page_of(network)))


@pytest.mark.parametrize(("seen", "mode"), [({}, "update"), ({"presets_shown": "1"}, "ignore")])
def test_a_formats_duplicate_mode_stands_in_until_somebody_has_seen_it(seen: dict[str, str], mode: str):
    add(adapter="impact", **seen)

    assert Network.objects.get().duplicate_mode == mode
