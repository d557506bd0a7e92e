"""The pages on what was sent: credentials and their rotation, deliveries, dead letters."""

from dispatch.admin.conversions import ToldConversionAdmin
from dispatch.admin.credentials import CredentialAdmin
from dispatch.admin.dead_letters import DeadLetterAdmin
from dispatch.admin.deliveries import DeliveryAdmin
from dispatch.admin.erasure import ErasureAdmin
from dispatch.admin.offers import ToldOfferAdmin
from dispatch.admin.pixels import SendingPixelAdmin

__all__ = [
    "CredentialAdmin",
    "DeadLetterAdmin",
    "DeliveryAdmin",
    "ErasureAdmin",
    "SendingPixelAdmin",
    "ToldConversionAdmin",
    "ToldOfferAdmin",
]
