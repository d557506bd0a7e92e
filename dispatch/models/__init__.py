from dispatch.models.alert import Alert, AlertChannel, AlertMessage, Watch
from dispatch.models.api_token import ApiToken
from dispatch.models.attempt import DeliveryAttempt
from dispatch.models.credential import Credential
from dispatch.models.delivery import DeadLetter, Delivery
from dispatch.models.heartbeat import Heartbeat
from dispatch.models.lane import Lane
from dispatch.models.policy import ConsentPolicy
from dispatch.models.rollup import (
    NetworkSlot,
    OfferSlot,
    Source,
    SourceDay,
    SourceSlot,
    TellingDay,
    TellingSlot,
    Watermark,
)
from dispatch.models.scale_decision import ScaleDecision
from dispatch.models.stale_slot import StaleSlot
from dispatch.models.tally import Tally
from dispatch.models.test_conversion import TestConversion

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertMessage",
    "ApiToken",
    "ConsentPolicy",
    "Credential",
    "DeadLetter",
    "Delivery",
    "DeliveryAttempt",
    "Heartbeat",
    "Lane",
    "NetworkSlot",
    "OfferSlot",
    "ScaleDecision",
    "Source",
    "SourceDay",
    "SourceSlot",
    "StaleSlot",
    "Tally",
    "TellingDay",
    "TellingSlot",
    "TestConversion",
    "Watch",
    "Watermark",
]
