"""Macros in an ad's address that TikTok did not replace, however they are mistyped."""

import secrets

import pytest

from conversions.ad_macros import is_ad_macro, is_no_ttclid, macros_left

MISTYPED = [
    "__CLICKID__", "__CLICKID", "CLICKID__", "__clickid__", "_CLICKID_", "{{clickid}}", "{clickid}", "${clickid}",
    "%%ttclid%%", "[[ttclid]]", "%5F%5FCLICKID%5F%5F", "%7B%7Bttclid%7D%7D", "{{ad.id}}", "__AID_2__",
    " __CLICKID__ ", "__CLICKID__;", "%255F%255FCLICKID%255F%255F",
]  # fmt: skip


@pytest.mark.parametrize("value", MISTYPED)
def test_a_macro_is_known_in_every_spelling(value: str):
    assert is_ad_macro(value)
    assert is_no_ttclid(value)


@pytest.mark.parametrize(
    "value",
    [
        "CLICKID",
        "[ttclid]",
        "ttclid",
        "null",
        "undefined",
        "<clickid>",
        "{clickid",
        "clickid}",
        "%CLICKID%",
        "(clickid)",
        "$clickid$",
        "#clickid#",
        "@CLICKID@",
        "!!!CLICKID!!!",
        "*CLICKID*",
        "&lt;clickid&gt;",
        "CLICK-ID",
        "__CLICK ID__",
        "YOUR_TTCLID",
        "-",
    ],
)
def test_as_a_ttclid_bare_names_and_brackets_are_macros_as_well(value: str):
    assert is_no_ttclid(value)


@pytest.mark.parametrize(
    "value", ["E.C.P.abc", f"E.C.P.{secrets.token_urlsafe(150)}", "E.C.P.a/b+c=", "E.C.P.a%5Bb", "100%", "x?y"]
)
def test_what_tiktok_gives_is_none(value: str):
    assert not is_no_ttclid(value)


@pytest.mark.parametrize(
    "value",
    [
        "[US] Lamp [v2]",
        "_BF_",
        "{US}",
        "[[DE]]",
        "PROMO__",
        "SUMMER_SALE__",
        "placement",
        "click_id",
        "summer_sale",
        "SUMMER_SALE",
        "50% off",
        "_test",
        "1790000000",
        "a__b",
        "{}",
    ],
)
def test_the_name_of_a_campaign_is_none(value: str):
    assert not is_ad_macro(value)


def test_an_address_tells_which_macros_were_left():
    url = "https://shop.example/?ttclid=CLICKID&campaign_id=__CAMPAIGN_ID__&ad_id=7&utm_campaign=undefined#__X__"

    assert macros_left(url) == {"ttclid": "CLICKID", "campaign_id": "__CAMPAIGN_ID__"}
    assert macros_left("https://shop.example/?ttclid=[hidden]") == {}


@pytest.mark.parametrize("value", ["%26%23" + "1" * 5000, "%26%23x" + "f" * 5000, "%25" * 2000, "{" * 5000])
def test_what_is_longer_than_any_macro_is_none(value: str):
    assert macros_left(f"https://shop.example/?x={value}&ttclid={value}") == {}
