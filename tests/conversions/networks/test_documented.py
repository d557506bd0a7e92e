"""docs/networks.md knows every format, and where its click id goes."""

from pathlib import Path

import pytest

from conversions.networks import ADAPTERS, Adapter

LINES = Path("docs/networks.md").read_text().splitlines()


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=list(ADAPTERS))
def test_the_table_has_the_format_with_its_link_parameter(adapter: Adapter):
    row = next(line for line in LINES if line.startswith(f"| {adapter.FORMAT.label} |"))

    _, _, link_parameter, key, _ = (cell.strip() for cell in row.split("|"))

    assert link_parameter == (adapter.FORMAT.link_parameter or "any")
    assert (key != "–") == adapter.FORMAT.is_signed
