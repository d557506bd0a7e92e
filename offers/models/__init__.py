from offers.models.event_rule import EventRule
from offers.models.exchange_rate import ExchangeRate
from offers.models.network import Network
from offers.models.offer import Offer
from offers.models.pixel import Pixel

__all__ = ["EventRule", "ExchangeRate", "Network", "Offer", "Pixel"]
