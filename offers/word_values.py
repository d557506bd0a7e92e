"""What words are worth, as staff write it in one line: hot=40 warm=15 "very cold"=0."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

PAIR = re.compile(r"""\s*(?:"([^"]+)"|([^\s,;="]+))\s*=\s*(\d{1,10}(?:\.\d{1,2})?)(?=[\s,;]|$)[\s,;]*""")
SHOWN, CENT = 30, Decimal("0.01")


@lru_cache(maxsize=256)
def read_word_values(text: str) -> Mapping[str, Decimal]:
    """The worth of each word, case-folded. Raises ValueError with the reason, in words for whoever typed it."""
    worth: dict[str, Decimal] = {}
    rest = text.strip()
    while rest:
        pair = PAIR.match(rest)
        if pair is None:
            raise ValueError(
                f"“{rest[:SHOWN]}” is no word with its value. Write hot=40 warm=15 cold=0: a value is a plain number "
                'from zero on such as 12.50, and a word with spaces stands in quotes, "very hot"=60.'
            )
        word = key_of(pair[1] or pair[2])
        if word in worth:
            raise ValueError(f"“{word}” has two values. Upper and lower case do not matter; leave one of them.")
        worth[word] = Decimal(pair[3]).quantize(CENT)
        rest = rest[pair.end() :]
    return worth


def key_of(word: str) -> str:
    """What two spellings of a word have in common."""
    return " ".join(word.split()).casefold()
