"""What is said of an offer link before it loses a sale."""

import pytest

from offers.linting import lint_offer_link
from offers.models import Network

EVERFLOW = Network(name="House", adapter="everflow", link_parameter="sub1")
CAKE = Network(name="House", adapter="cake", link_parameter="s2")
GENERIC = Network(name="House", adapter="generic")


def codes(url: str, network: Network = EVERFLOW) -> list[str]:
    return [finding.code for finding in lint_offer_link(url, network)]


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("https://house.example/?o=1&sub1={click_id}", EVERFLOW),
        ("https://house.example/?a=1&s2={click_id}&s1={offer}", CAKE),
        ("https://house.example/{click_id}/", GENERIC),
        ("http://127.0.0.1:8000/checkout/?click_id={click_id}", GENERIC),
    ],
)
def test_a_link_that_works_has_no_findings(url: str, network: Network):
    assert codes(url, network) == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://house.example/?sub1={click_id}", "http"),
        ("https://house.example/?o=1?sub1={click_id}", "double_question_mark"),
        ("https://house.example/?o=1&amp;sub1={click_id}", "escaped"),
        ("https://house.example/? sub1={click_id}&sub1={click_id}", "blank"),
        ("https://house.example/?sub1=", "no_click_id"),
        ("https://house.example/?sub2={click_id}", "other_parameter"),
        ("https://house.example/{click_id}/?o=1", "other_parameter"),
        ("https://house.example/?SUB1={click_id}", "other_parameter"),
        ("https://house.example/?sub1=x&sub1={click_id}", "repeated"),
        ("https://house.example/?sub1={click_id}-{utm_campaign}-{utm_content}", "too_long"),
        ("https://[broken/?sub1={click_id}&sub1=1", "repeated"),
    ],
)
def test_each_way_to_lose_a_click_id_is_named(url: str, code: str):
    assert code in codes(url)


def test_a_finding_says_where_the_click_id_belongs():
    [finding] = lint_offer_link("https://house.example/?sub5={click_id}", EVERFLOW)

    assert "stands in “sub5”" in finding.words
    assert "Write sub1={click_id}" in finding.words


def test_the_networks_own_parameter_comes_before_its_formats():
    network = Network(name="House", adapter="everflow", link_parameter="sub3")

    assert codes("https://house.example/?sub3={click_id}", network) == []
    assert codes("https://house.example/?sub1={click_id}", network) == ["other_parameter"]


def test_the_formats_parameter_stands_in_where_the_network_names_none():
    assert codes("https://house.example/?x={click_id}", Network(name="House", adapter="tune")) == ["other_parameter"]


def test_a_click_id_of_26_characters_fits_every_format():
    for adapter in ("everflow", "cake", "tune", "affise", "impact", "awin", "buygoods"):
        network = Network(name="House", adapter=adapter)
        assert codes(f"https://house.example/?{network.format.link_parameter}={{click_id}}", network) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://house.example/?s1={utm_campaign}&s2={click_id}", ["spill"]),
        ("https://house.example/?s1={ad_id}&s2={click_id}", ["spill"]),
        ("https://house.example/?s3={utm_term}&s2={click_id}", ["spill"]),
        ("https://house.example/?s2={click_id}{utm_term}", ["too_long"]),
        ("https://house.example/?s3={ad_id}&s2={click_id}", []),
    ],
)
def test_cake_is_known_to_spill_into_the_next_sub_id(url: str, expected: list[str]):
    assert codes(url, CAKE) == expected
