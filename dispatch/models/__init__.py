from dispatch.models.attempt import DeliveryAttempt
from dispatch.models.credential import Credential
from dispatch.models.delivery import DeadLetter, Delivery
from dispatch.models.lane import Lane

__all__ = ["Credential", "DeadLetter", "Delivery", "DeliveryAttempt", "Lane"]
