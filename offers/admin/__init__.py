from offers.admin.exchange_rate import ExchangeRateAdmin
from offers.admin.network import NetworkAdmin
from offers.admin.offer import OfferAdmin
from offers.admin.pixel import PixelAdmin

__all__ = ["ExchangeRateAdmin", "NetworkAdmin", "OfferAdmin", "PixelAdmin"]
