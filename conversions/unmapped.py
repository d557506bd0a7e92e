"""Status words that nobody has mapped: which wait, and what happens when one is mapped."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min

from conversions.models import Postback
from conversions.outcomes import Outcome
from conversions.replaying import How, Stretch, replay_all, troubled
from offers.models import Network
from offers.models.network import PostbackStatus, word_key

COUNTED = 100_000


class MappedMeanwhileError(Exception):
    """Somebody else has given the word another meaning; says which."""


@dataclass
class UnmappedWord:
    """One word of one network, in all its spellings, and the postbacks that wait for it. `example` is the latest."""

    network: Network
    word: str
    count: int
    first: datetime
    last: datetime
    example: int

    @property
    def mapped_to(self) -> str:
        """What the network's map says of it by now; empty as long as nothing."""
        return self.network.to_status(self.word)

    def add(self, other: "UnmappedWord") -> None:
        """Take the counts of another spelling over."""
        if other.last > self.last:
            self.word, self.last, self.example = other.word, other.last, other.example
        self.count, self.first = self.count + other.count, min(self.first, other.first)


def unmapped_words() -> list[UnmappedWord]:
    """Every word that postbacks wait for, the most wanted first; of more than COUNTED postbacks, those of so many.

    What is to be digested again anyway is no more among them. An empty word stands for postbacks of a release that did
    not keep it: digested again, they tell it.
    """
    waiting = troubled(Outcome.UNMAPPED_STATUS).filter(due_at=None, is_test=False).order_by().values("pk")[:COUNTED]
    groups = (
        Postback.objects.filter(pk__in=waiting)
        .order_by()
        .values("network_id", "status_word")
        .annotate(count=Count("pk"), first=Min("received_at"), last=Max("received_at"), example=Max("pk"))
    )
    found = folded(groups)
    return sorted(found, key=lambda line: (-line.count, line.network.name, line.word))


def folded(groups: Iterable[Any]) -> Iterable[UnmappedWord]:
    """One line for each network and word, whatever the spelling."""
    networks, lines = Network.objects.in_bulk(), dict[tuple[int, str], UnmappedWord]()
    for group in groups:
        network, word = networks[group.pop("network_id")], group.pop("status_word")
        line = UnmappedWord(network, word, **group)
        known = lines.setdefault((network.pk, word_key(word)), line)
        if known is not line:
            known.add(line)
    return lines.values()


def is_waited_for(network_id: int, word: str) -> bool:
    """Whether postbacks of the network wait for this word, in any spelling."""
    return any(line.network.pk == network_id and word_key(line.word) == word_key(word) for line in unmapped_words())


def map_word(network_id: int, word: str, status: PostbackStatus) -> Network:
    """Write into the network's map what its word means. Raises MappedMeanwhileError and Network.DoesNotExist."""
    with transaction.atomic():
        network = Network.objects.select_for_update(no_key=True).get(pk=network_id)
        known = network.to_status(word)
        if known and known != status:
            meaning = PostbackStatus(known).label
            raise MappedMeanwhileError(f"“{word}” of {network} was mapped to “{meaning}” meanwhile.")
        if not known:
            network.status_map = {**network.status_map, word.strip(): status.value}
            network.save(update_fields=["status_map"])
    return network


def replay_mapped(network: Network) -> tuple[int, bool]:
    """Have those digested again whose word is mapped now; how many so far, and whether that is all."""
    return replay_all([Stretch(Outcome.UNMAPPED_STATUS, network.pk, How.WHERE_MAPPED)])
