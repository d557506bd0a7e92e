"""What somebody pasted, as the ids that it can be."""

import re
from dataclasses import dataclass
from uuid import UUID

from conversions.click_ids import is_click_id
from conversions.networks.values import shortened
from conversions.visitor import clean_text

LONGEST = 2048
AROUND = " \t\r\n\"'`´‘’‚“”„«»<>[](),;\N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"
NAMED = re.compile(
    r"(click|event|transaction|conversion|postback|delivery|dead letter)(?:[ _-]?id)?\s*[:#=]?\s+(\S.*)|"
    r"(click|event|transaction|conversion|postback|delivery)(?:[ _-]?id)?\s*[:#=]\s*(\S.*)",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[0-9]{1,18}")
TTCLID = re.compile(r"E\.C\.P\.|.{201,}")


@dataclass(frozen=True)
class Typed:
    """`kind` is what the text names itself, such as "conversion" in “conversion 12”; empty where it does not."""

    text: str
    kind: str = ""

    @property
    def click_id(self) -> str:
        """In the form of our own; empty when it has another one."""
        folded = self.text.lower()
        return folded if self.may_be("click") and is_click_id(folded) else ""

    @property
    def event_id(self) -> UUID | None:
        try:
            return UUID(self.text) if self.may_be("event") else None
        except ValueError:
            return None

    @property
    def transaction_id(self) -> str:
        """As it would be stored; empty when it says that it is something else."""
        return shortened(self.text) if self.may_be("transaction") else ""

    @property
    def click_ref(self) -> str:
        """As it would be kept of a postback, whatever form the network has given it."""
        return self.text.lower()[:100] if self.may_be("click") else ""

    def number_of(self, kind: str) -> int | None:
        """The key of a row that is named by its kind; of a conversion the number alone is enough."""
        fits = self.kind == kind or (kind == "conversion" and not self.kind)
        return int(self.text) if fits and NUMBER.fullmatch(self.text) else None

    @property
    def looks_like_ttclid(self) -> bool:
        return TTCLID.match(self.text) is not None

    def may_be(self, kind: str) -> bool:
        return self.kind in ("", kind)


def read(text: str) -> Typed:
    """What is left without the blanks and quotes that came along when it was copied."""
    stripped = clean_text(text, LONGEST).strip(AROUND)
    named = NAMED.fullmatch(stripped)
    if named is None:
        return Typed(stripped)
    kind, rest = (named[1], named[2]) if named[1] else (named[3], named[4])
    kind = "delivery" if kind.lower() == "dead letter" else kind.lower()
    return Typed(rest.strip(AROUND), kind)
