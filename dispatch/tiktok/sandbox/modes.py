"""Which failure the sandbox plays at the moment; set at runtime, for all pixels or for one."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dispatch.tiktok.sandbox.weird import WEIRD

DEFAULT_SECONDS = {"timeout": 60.0, "delay": 2.0, "drip": 0.2, "drip_headers": 0.2, "http_429": 5.0}
LONGEST = 3600
KINDS: dict[str, Callable[[Any], Any]] = {
    "mode": str,
    "count": int,
    "seconds": float,
    "pixel_code": str,
    "code": int,
    "status": int,
    "event_id": str,
    "variant": str,
}
NAMES = (
    "ok",
    "delay",
    "code",
    "reject_event_id",
    "http_429",
    "http_500",
    "redirect",
    "garbage",
    "weird",
    "truncated",
    "huge",
    "drip",
    "drip_headers",
    "timeout",
    "reset",
    "accept_then_reset",
)


@dataclass(frozen=True)
class Mode:
    """`count` requests are left to spoil, or None for all; `seconds` is the wait of the modes that wait."""

    mode: str = "ok"
    count: int | None = None
    seconds: float = 0.0
    pixel_code: str = ""
    code: int = 50000
    status: int = 502
    event_id: str = ""
    variant: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError with words for the person who typed it."""
        for is_right, words in self._rules():
            if not is_right:
                raise ValueError(words)

    def _rules(self) -> list[tuple[bool, str]]:
        return [
            (self.mode in NAMES, f"mode must be one of {', '.join(NAMES)}"),
            (self.count is None or self.count > 0, "count must be at least 1, or empty for no end"),
            (0 <= self.seconds <= LONGEST, f"seconds must be between 0 and {LONGEST}"),
            (300 <= self.status <= 599, "status must be between 300 and 599"),
            (not self.variant or self.variant in WEIRD, f"variant must be one of {', '.join(WEIRD)}"),
            (bool(self.event_id) or self.mode != "reject_event_id", "reject_event_id needs an event_id"),
        ]


def parse_mode(data: Mapping[str, Any]) -> Mode:
    """A mode from JSON or from a form, where an empty field means the usual value."""
    given = {key: value for key, value in data.items() if value not in (None, "")}
    unknown = given.keys() - KINDS.keys()
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    seconds = DEFAULT_SECONDS.get(str(given.get("mode")), 0.0)
    settings: dict[str, Any] = {"mode": "", "seconds": seconds}
    return Mode(**settings | {key: _read(key, given[key]) for key in given})


def _read(key: str, value: object) -> Any:
    try:
        return KINDS[key](value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{key} must be a number") from error


class Modes:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._modes: dict[str, Mode] = {}

    def set(self, mode: Mode) -> None:
        """A pixel's own mode outlives other pixels' modes; `ok` for all pixels clears everything."""
        with self._lock:
            if mode.mode == "ok" and not mode.pixel_code:
                self._modes.clear()
            self._modes[mode.pixel_code] = mode

    def current(self) -> list[Mode]:
        with self._lock:
            return [mode for mode in self._modes.values() if mode.mode != "ok"]

    def names_pixels(self) -> bool:
        return any(self._modes)

    def take(self, pixel_code: str) -> Mode:
        """The mode for the next request, which uses up one of its count."""
        with self._lock:
            key = pixel_code if pixel_code in self._modes else ""
            mode = self._modes.get(key, Mode())
            if mode.count is not None:
                self._count_down(key, mode, mode.count - 1)
            return mode

    def _count_down(self, key: str, mode: Mode, left: int) -> None:
        if left > 0:
            self._modes[key] = replace(mode, count=left)
        else:
            del self._modes[key]
