"""What a postback format is to those who set a network up. `conversions.networks` fills the list."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KILOBYTE = 1024


@dataclass(frozen=True)
class Format:
    """A format of postbacks, and what its preset fills in.

    `macros` are our parameters with the network's own macros, for the postback URL that staff paste there; empty where
    the network sends fixed fields. `link_parameter` is the offer link's parameter that carries our click id, whose
    values may have `sub_id_limit` characters. `status_words` are the network's own words with our statuses.
    `key_label` names the secret that the network signs with, and is empty for formats without signature; where the
    network sends the secret itself along, `key_parameter` is the parameter that holds it, which is shown nowhere.
    `joins_transactions` says that a postback's transaction gets its goal or order appended, which the network's reports
    do not do.
    """

    name: str
    label: str
    help: str
    macros: Mapping[str, str] = field(default_factory=dict)
    link_parameter: str = ""
    sub_id_limit: int = 255
    status_words: Mapping[str, str] = field(default_factory=dict)
    reply: str = "OK"
    duplicate_mode: str = "ignore"
    key_label: str = ""
    key_help: str = ""
    key_parameter: str = ""
    max_body_bytes: int = 64 * KILOBYTE
    joins_transactions: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether each call proves by a key that it is the network's own."""
        return bool(self.key_label)


FORMATS: dict[str, Format] = {}


def format_choices() -> list[tuple[str, str]]:
    """Name and label of every format, in the order of the list."""
    return [(known.name, known.label) for known in FORMATS.values()]
