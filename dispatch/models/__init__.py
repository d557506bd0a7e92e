from dispatch.models.attempt import DeliveryAttempt
from dispatch.models.credential import Credential
from dispatch.models.delivery import DeadLetter, Delivery
from dispatch.models.heartbeat import Heartbeat
from dispatch.models.lane import Lane
from dispatch.models.policy import ConsentPolicy
from dispatch.models.tally import Tally

__all__ = ["ConsentPolicy", "Credential", "DeadLetter", "Delivery", "DeliveryAttempt", "Heartbeat", "Lane", "Tally"]
