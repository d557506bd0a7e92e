"""One adapter module a network format: each has `read(params, network) -> PostbackRecord` and `CRITICAL`."""

from collections.abc import Mapping
from typing import Protocol

from conversions.networks import generic
from conversions.networks.record import PostbackRecord
from offers.models import Network


class Adapter(Protocol):
    """What a format's module offers."""

    CRITICAL: frozenset[str]

    def read(self, params: Mapping[str, str], network: Network) -> PostbackRecord:
        """Raises PostbackRefusedError."""


ADAPTERS: dict[str, Adapter] = {
    Network.Adapter.GENERIC: generic,
}


def adapter_of(network: Network) -> Adapter:
    """The module that reads this network's format."""
    return ADAPTERS[network.adapter]
