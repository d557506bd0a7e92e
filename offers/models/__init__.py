from offers.models.event_rule import EventRule
from offers.models.network import Network
from offers.models.offer import Offer
from offers.models.pixel import Pixel

__all__ = ["EventRule", "Network", "Offer", "Pixel"]
