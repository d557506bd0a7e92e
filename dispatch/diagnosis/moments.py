"""What the timeline is made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model, TextChoices

from offers.admin_parts import page_url

MOST_SHOWN = 200


class Stage(TextChoices):
    """Where on the way from the click to TikTok something happened."""

    CLICK = "click", "Click"
    CONSENT = "consent", "Consent"
    PAGE = "page", "Page"
    PIXEL = "pixel", "Pixel"
    POSTBACK = "postback", "Postback"
    LEDGER = "ledger", "Ledger"
    ENRICHMENT = "enrichment", "Enrichment"
    PLANNING = "planning", "Planning"
    ATTEMPT = "attempt", "Sending"
    DECISION = "decision", "Decision"
    CREDENTIAL = "credential", "Credential"


ICONS = {
    Stage.CLICK: "touch_app",
    Stage.CONSENT: "fact_check",
    Stage.PAGE: "web",
    Stage.PIXEL: "visibility",
    Stage.POSTBACK: "inbox",
    Stage.LEDGER: "receipt_long",
    Stage.ENRICHMENT: "add_notes",
    Stage.PLANNING: "rule",
    Stage.ATTEMPT: "send",
    Stage.DECISION: "gavel",
    Stage.CREDENTIAL: "key",
}


@dataclass(frozen=True)
class Moment:
    """One thing that happened; `link` is an address of the admin, `permission` what a person needs to open it."""

    at: datetime
    stage: Stage
    title: str
    words: str = ""
    tone: str = "calm"
    link: str = ""
    permission: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.stage]


def about(row: Model, at: datetime, stage: Stage, title: str, words: str = "", tone: str = "calm") -> Moment:
    """A moment with a link to its row's own page, where it has one."""
    label, name = row._meta.app_label, str(row._meta.model_name)
    link = page_url(f"{label}_{name}_change", row.pk)
    return Moment(at, stage, title, words, tone, link, f"{label}.view_{name}" if link else "")


def in_order(moments: Iterable[Moment]) -> list[Moment]:
    """By time; what happened in one instant stays in the order that it was told in."""
    return sorted(moments, key=lambda moment: moment.at)


def sentence(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part and part.strip())
