"""The table of failures names tests that exist."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
README = (HERE / "README.md").read_text()
NAMED = sorted(set(re.findall(r"((?:\.\./\w+/)?test_\w+\.py)(?:::(test_\w+))?", README)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_it_names_tests_that_exist(file: str, name: str):
    assert f"def {name}" in (HERE / file).read_text()


def test_it_has_a_line_for_each_failure():
    assert re.findall(r"^\| (F\d+) \|", README, re.MULTILINE) == [f"F{number}" for number in range(1, 33)]
