"""What is said of a postback URL as somebody entered it at the network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.models import Network
from offers.postback_linting import Expected, known_macros, lint_own_macros, lint_postback_url, macros_of

BASE = "https://track.example"
HOUSE = Network(name="House", slug="house", adapter="everflow", link_parameter="sub1")
GENERIC = Network(name="House", slug="house", adapter="generic")
SIGNED = Network(name="House", slug="house", adapter="shopify")
CLICK_NAMES = frozenset({"click_id", "clickid", "sub_id"})
NAMES = CLICK_NAMES | {"txid", "payout", "amount", "currency", "status", "event_id", "event_name", "order_id"}
GOOD = f"{BASE}/postback/house/new/?click_id={{sub1}}&txid={{transaction_id}}&payout={{payout_amount}}&currency=USD"


def expected_of(network: Network) -> Expected:
    return Expected(BASE, "house", ["new", "old"], CLICK_NAMES, NAMES, known_macros(network))


def codes(url: str, network: Network = HOUSE) -> list[str]:
    return [finding.code for finding in lint_postback_url(url, expected_of(network), network)]


def words(url: str, network: Network = HOUSE) -> str:
    return " ".join(finding.words for finding in lint_postback_url(url, expected_of(network), network))


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        GOOD.replace("new/", "new"),
        GOOD.replace("click_id", "ClickID"),
        GOOD + "&event_name={event_name}&wait=1",
        GOOD + "&sub_id2={sub2}",
    ],
)
def test_a_url_that_works_has_no_findings(url: str):
    assert codes(url) == []


@pytest.mark.parametrize(
    ("given", "written", "code"),
    [
        ("https://track", "http://track", "http"),
        ("https://", "", "no_address"),
        ("track.example", "other.example", "other_host"),
        ("https://track.example", "https://[track", "other_host"),
        ("/postback/", "/postbacks/", "other_path"),
        ("/house/", "/hose/", "other_network"),
        ("/new/", "/", "no_secret"),
        ("/new/", "/your-postback-secret/", "wrong_secret"),
        ("/new/", "/old/", "old_secret"),
        ("&txid", "?txid", "double_question_mark"),
        ("&txid", "&amp;txid", "escaped"),
        ("&txid", " &txid", "blank"),
        ("click_id={sub1}&", "", "no_click_id"),
        ("click_id={sub1}", "visitor={sub1}", "no_click_id"),
        ("click_id={sub1}", "click_id=", "fixed_click_id"),
        ("click_id={sub1}", "click_id=abc", "fixed_click_id"),
        ("click_id={sub1}", "click_id={sub2}", "other_macro"),
        ("click_id={sub1}", "click_id=[sub1]", "spelling"),
        ("click_id={sub1}", "click_id={SUB1}", "spelling"),
        ("click_id={sub1}", "click_id=sub1", "spelling"),
        ("click_id={sub1}", "click_id=%7Bsub1%7D", "encoded"),
        ("click_id={sub1}", "click_id={sub1}&click_id={sub1}", "repeated"),
        ("{payout_amount}", "{payout_amont}", "misspelt_macro"),
        ("{payout_amount}", "{nonsense}", "unknown_macro"),
        ("payout=", "payot=", "unknown_name"),
    ],
)
def test_each_mistake_is_named(given: str, written: str, code: str):
    assert code in codes(GOOD.replace(given, written))


@pytest.mark.parametrize(
    ("given", "written", "hint"),
    [
        ("{payout_amount}", "{payout_amont}", "Do you mean {payout_amount}?"),
        ("{payout_amount}", "{nonsense}", "Check its spelling in the network's own list."),
        ("payout=", "payot=", "Do you mean payout?"),
        ("click_id={sub1}", "visitor={sub1}", "Rename it to click_id."),
        ("click_id={sub1}&", "", "Add click_id={sub1}."),
        ("click_id={sub1}", "click_id=#sub1#", "House writes {sub1} and not #sub1#"),
    ],
)
def test_a_finding_says_what_is_meant(given: str, written: str, hint: str):
    assert hint in words(GOOD.replace(given, written))


def test_a_secret_is_not_repeated_in_a_finding():
    assert "hunter2" not in words(GOOD.replace("/new/", "/hunter2/"))


def test_the_sub_id_may_be_another_where_the_links_fill_that():
    network = Network(name="House", slug="house", adapter="everflow", link_parameter="sub4")

    assert codes(GOOD.replace("{sub1}", "{sub4}"), network) == []


def test_macros_of_the_network_itself_are_known():
    network = Network(name="House", slug="house", adapter="everflow", macros={"click_id": "{sub1}", "payout": "{gain}"})

    assert codes(GOOD.replace("{payout_amount}", "{gain}"), network) == []


def test_a_cake_macro_does_not_cut_the_url_off():
    network = Network(name="House", slug="house", adapter="cake", link_parameter="s2")
    url = f"{BASE}/postback/house/new/?click_id=#s2#&txid=#leadid#&payout=#prise#"

    assert codes(url, network) == ["misspelt_macro"]
    assert "Do you mean #price#?" in words(url, network)


def test_any_macro_may_stand_in_a_generic_url_but_not_only_placeholders():
    url = f"{BASE}/postback/house/new/?click_id=[anything]&payout=[gain]"
    untouched = "&".join(f"{name}={macro}" for name, macro in GENERIC.format.macros.items())

    assert codes(url, GENERIC) == []
    assert codes(f"{BASE}/postback/house/new/?{untouched}", GENERIC) == ["placeholders"]


def test_fixed_fields_need_no_parameters():
    assert codes(f"{BASE}/postback/house/new/", SIGNED) == []
    assert codes(f"{BASE}/postback/house/wrong/", SIGNED) == ["wrong_secret"]


def test_every_preset_is_free_of_findings():
    for adapter in ("affise", "awin", "buygoods", "cake", "everflow", "impact", "tune"):
        network = Network(name="House", slug="house", adapter=adapter)

        assert lint_own_macros(network, expected_of(network)) == []


def test_macros_here_are_compared_with_those_of_the_format():
    macros = {"click_id": "{sub2}", "payout": "{payout_amont}", "txid": "{our_own}"}
    network = Network(name="House", slug="house", adapter="everflow", link_parameter="sub1", macros=macros)

    found = lint_own_macros(network, expected_of(network))

    assert [finding.code for finding in found] == ["other_macro", "misspelt_macro"]


def test_macros_here_need_the_click_id():
    network = Network(name="House", slug="house", adapter="everflow", macros={"payout": "{payout_amount}"})

    assert [finding.code for finding in lint_own_macros(network, expected_of(network))] == ["no_click_id"]


def test_without_macros_there_is_nothing_to_compare():
    assert lint_own_macros(SIGNED, expected_of(SIGNED)) == []


def test_a_networks_macros_come_in_the_order_of_its_format():
    network = Network(adapter="everflow", macros={"zz": "1", "payout": "{p}", "click_id": "{sub1}", "aa": "2"})

    assert list(macros_of(network)) == ["click_id", "payout", "aa", "zz"]


@given(st.text(alphabet="htps:/.trackexmlbo?&=#{}[]%!<>$ \x00ü", max_size=80))
def test_no_text_breaks_it(text: str):
    for url in (text, f"{BASE}/{text}", f"{BASE}/postback/house/new/?{text}", f"https://[{text}"):
        for network in (HOUSE, GENERIC, SIGNED):
            assert isinstance(codes(url, network), list)
