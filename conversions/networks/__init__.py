"""One adapter module a postback format. To add one: a module here, a line in MODULES, a file of tests.

CONTRIBUTING.md says how; generic.py and generic_hmac.py are the examples without and with a signature.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from conversions.calls import Call, Pairs
from conversions.networks import (
    affise,
    awin,
    buygoods,
    cake,
    clickbank_ins,
    clickbank_s2s,
    digistore24_ipn,
    digistore24_s2s,
    everflow,
    generic,
    generic_hmac,
    impact,
    jvzoo_v1,
    jvzoo_v2,
    shopify,
    tune,
    warriorplus,
)
from conversions.networks.record import PostbackRecord
from offers.formats import FORMATS, Format
from offers.models import Network


class Adapter(Protocol):
    """What a format's module offers. Without `open`, which every signed format has, a call is read as any form is."""

    FORMAT: Format
    CRITICAL: frozenset[str]  # parameters, case-folded, that must not come twice with different values

    def open(self, call: Call, keys: Sequence[str]) -> Pairs:
        """The parameters that a live key proves to be the network's own.

        Raises SignatureError when none does, UnreadableCallError when there is nothing to read.
        """

    def read(self, params: Mapping[str, str], network: Network) -> PostbackRecord:
        """The neutral record of the parameters as kept. Raises PostbackRefusedError with the reason."""

    def example(self, network: Network, click_id: str, key: str, number: int = 1) -> Call:
        """The call with which the network would report an approved sale of this click, signed with `key`.

        Another number is another transaction.
        """


MODULES = [
    generic,
    generic_hmac,
    affise,
    awin,
    buygoods,
    cake,
    clickbank_ins,
    clickbank_s2s,
    digistore24_ipn,
    digistore24_s2s,
    everflow,
    impact,
    jvzoo_v1,
    jvzoo_v2,
    shopify,
    tune,
    warriorplus,
]
ADAPTERS: dict[str, Adapter] = {module.FORMAT.name: cast(Adapter, module) for module in MODULES}
FORMATS.update({name: adapter.FORMAT for name, adapter in ADAPTERS.items()})


def adapter_of(network: Network) -> Adapter:
    """The module that reads this network's format."""
    return ADAPTERS[network.adapter]
