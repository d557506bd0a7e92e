"""The pages on what was sent: credentials and their rotation, deliveries, dead letters."""

from dispatch.admin.alert_channels import AlertChannelAdmin
from dispatch.admin.alerts import AlertAdmin
from dispatch.admin.api_tokens import ApiTokenAdmin
from dispatch.admin.conversions import ToldConversionAdmin
from dispatch.admin.credentials import CredentialAdmin
from dispatch.admin.dead_letters import DeadLetterAdmin
from dispatch.admin.deliveries import DeliveryAdmin
from dispatch.admin.erasure import ErasureAdmin
from dispatch.admin.offers import ToldOfferAdmin
from dispatch.admin.pixels import SendingPixelAdmin
from dispatch.admin.reports import ReportAdmin
from dispatch.admin.scale_decisions import ScaleDecisionAdmin
from dispatch.admin.testing import TestConversionAdmin

__all__ = [
    "AlertAdmin",
    "AlertChannelAdmin",
    "ApiTokenAdmin",
    "CredentialAdmin",
    "DeadLetterAdmin",
    "DeliveryAdmin",
    "ErasureAdmin",
    "ReportAdmin",
    "ScaleDecisionAdmin",
    "SendingPixelAdmin",
    "TestConversionAdmin",
    "ToldConversionAdmin",
    "ToldOfferAdmin",
]
