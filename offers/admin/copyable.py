from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Copyable:
    """One text to copy, with what it is for. A text that is not complete has no button."""

    name: str
    text: str
    note: str = ""
    is_complete: bool = True


@dataclass(frozen=True)
class Group:
    """What is pasted at one place. A group that is folded opens on a click."""

    title: str
    items: Sequence[Copyable]
    note: str = ""
    is_folded: bool = False
