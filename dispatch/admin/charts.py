"""Charts of the admin's pages, in the words of Chart.js and of Unfold's components."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Points = Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """`data` is what Chart.js draws, `words` what a screen reader says of it."""

    title: str
    data: str
    words: str


def drawn(moments: Sequence[str], *datasets: dict[str, Any], ticks: int) -> str:
    """Values over these moments, of which no more than so many are named below."""
    shape = {"displayYAxis": True, "maxTicksXLimit": ticks}
    return json.dumps({"labels": moments, "datasets": [{**each, **shape} for each in datasets]})


def bars(label: str, values: Points, colour: str = "primary-600") -> dict[str, Any]:
    """Numbers that stand beside each other."""
    return {"label": label, "data": values, "backgroundColor": f"var(--color-{colour})"}


def line(label: str, values: Points, unit: str) -> dict[str, Any]:
    """One value over time; gaps where there was nothing to speak of are bridged, and every point is marked."""
    colour = "var(--color-primary-500)"
    return {
        "label": label, "data": values, "borderColor": colour, "backgroundColor": colour, "spanGaps": True,
        "pointStyle": "circle", "pointRadius": 2, "suffixYAxis": unit,
    }  # fmt: skip
