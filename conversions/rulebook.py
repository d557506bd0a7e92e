"""What an offer's event rules make of a postback: the event it is told as, the kind of sale, the network's word."""

from collections.abc import Sequence

from conversions.facts import CLAIMS, Sold, first
from conversions.models import Click
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import EventRule
from offers.models.network import PostbackStatus

FURTHER = {Sold.REBILL: EventRule.Trigger.REBILL, Sold.UPSELL: EventRule.Trigger.UPSELL}
KIND_OF_TRIGGER = {trigger: kind for kind, trigger in FURTHER.items()}
SALE_FIRST = [EventRule.Trigger.APPROVED, EventRule.Trigger.PENDING]


class Rulebook:
    """The rules by which one click's postbacks are read."""

    def __init__(self, click: Click, rules: Sequence[EventRule]) -> None:
        self.click = click
        self.rules = rules

    def kind_of(self, record: PostbackRecord) -> str:
        """What the record says was sold; empty for a reversal or a correction of whatever it was."""
        rule = first([rule for rule in self.rules if rule.names(record.event)])
        if rule:
            return KIND_OF_TRIGGER.get(EventRule.Trigger(rule.trigger), Sold.SALE)
        return record.kind or (Sold.SALE if record.status in CLAIMS else "")

    def word(self, event: str) -> str:
        """A network's event word as the offer's rules write it; empty when none of them is made for it."""
        return next((rule.network_event for rule in self.rules if rule.names(event)), "")

    def event_name_for(self, record: PostbackRecord) -> str:
        """The TikTok event of a record; that of a rebill or an upsell without a rule is told to nobody.

        Raises PostbackRefusedError when a sale has no rule.
        """
        kind = self.kind_of(record)
        if kind in FURTHER:
            rule = first(self.rules_for(FURTHER[Sold(kind)], record.event))
            return rule.event_name if rule else Sold(kind).label
        if record.status not in CLAIMS:  # it speaks of the sale, unless its event is that of another rule
            rules = [rule for trigger in SALE_FIRST for rule in self.rules_for(trigger, record.event)]
            rules.sort(key=lambda rule: not rule.network_event)
        elif record.status == PostbackStatus.PENDING:  # without a rule of its own it is a sale that may come
            rules = [rule for trigger in reversed(SALE_FIRST) for rule in self.rules_for(trigger, record.event)]
        else:
            rules = self.rules_for(EventRule.Trigger.APPROVED, record.event)
        rule = first(rules)
        if rule is None:
            event = f" with the event “{record.event}”" if record.event else ""
            raise PostbackRefusedError(
                Outcome.NO_RULE,
                f"“{self.click.offer}” has no event rule for a postback “{record.status}”{event}.",
            )
        return rule.event_name

    def rules_for(self, trigger: str, event: str) -> list[EventRule]:
        """The rules of a trigger that fit the network's event, one that names it before one for any."""
        rules = [rule for rule in self.rules if rule.trigger == trigger and rule.fits(event)]
        return sorted(rules, key=lambda rule: not rule.names(event))
