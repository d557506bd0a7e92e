"""What a page says of an event is read in the browser as it is on the server, or left to the server."""

import json
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from conversions import page_properties
from conversions.page_properties import read_properties

FOLDER = Path(page_properties.__file__).parent / "pixel"
READ = """([config, cases]) => {
  const attempt = (action) => { try { return action(); } catch { return undefined; } };
  PROPERTIES
  const read = (given) => attempt(() => toldOf({value: "page"}, plain(given), config.currency)) || null;
  return cases.map((given) => [read(given), JSON.stringify(given)]);
}"""

WORDS = st.sampled_from(
    ["", " ", "lamp ", "Łódź", "灯", "a@b.example", "phone=1", "50%", "a\nb", "x" * 201, "💡", "\x00", "0"]
)
NUMBERS = st.one_of(
    st.integers(-5, 2_000_000_000),
    st.floats(-10, 1e10, allow_nan=False),
    st.sampled_from(["19.90", "1,5", " 7 ", "1_000", "007", "1e3", "-1", ".5", "5.", "NaN", 2.675, 19.999]),
)
ANY = st.one_of(WORDS, NUMBERS, st.booleans(), st.none(), st.lists(WORDS, max_size=2))
THINGS = st.dictionaries(
    st.sampled_from(["content_id", "content_name", "price", "quantity", "brand", "colour"]), st.one_of(ANY, NUMBERS)
)
PAGES = st.fixed_dictionaries(
    {},
    optional={
        "value": st.one_of(NUMBERS, ANY),
        "currency": st.sampled_from(["EUR", "eur", " EUR", "USD", "XXX", "", None, 5, []]),
        "contents": st.one_of(THINGS, st.lists(st.one_of(THINGS, ANY), max_size=3)),
        "content_ids": st.one_of(ANY, st.lists(ANY, max_size=60)),
        "content_type": st.one_of(st.sampled_from(["product", "product_group"]), ANY),
        "description": ANY,
        "order_id": st.one_of(NUMBERS, ANY),
        "num_items": st.one_of(NUMBERS, ANY),
        "colour": ANY,
    },
)


def on_the_server(said: str) -> dict[str, Any]:
    """What comes of the JSON that the browser sends."""
    read = read_properties(json.loads(said), "EUR")
    money = {} if read.value is None else {"value": float(read.value), "currency": read.currency}
    return {**read.others, **money}


def test_both_read_alike_or_the_server_is_asked(browser: Browser):
    page = browser.new_page()
    reading = READ.replace("PROPERTIES", (FOLDER / "properties.js").read_text())
    sure = []

    @settings(max_examples=8, deadline=None, database=None, phases=[Phase.generate])
    @given(st.lists(PAGES, min_size=60, max_size=60))
    def compare(cases: list[dict[str, Any]]) -> None:
        found = page.evaluate(reading, [{"currency": "EUR"}, cases])
        for told, said in found:
            assert told is None or told == on_the_server(said), said
            sure.append(told is not None)

    compare()
    plain = {"value": 19.9, "contents": [{"content_id": 7, "quantity": 2}], "description": "Red lamp", "num_items": "3"}
    [[told, said]] = page.evaluate(reading, [{"currency": "EUR"}, [plain]])
    page.close()

    assert told == on_the_server(said)
    assert any(sure)
