"""Processes that are started, watched, started again, and ended with everything that they started."""

from trackingsite.supervision.child import Child, end_all, end_with, tie_to_parents
from trackingsite.supervision.crew import Crew, GaveUpError
from trackingsite.supervision.keeper import Keeper
from trackingsite.supervision.stop import StopSignal

__all__ = ["Child", "Crew", "GaveUpError", "Keeper", "StopSignal", "end_all", "end_with", "tie_to_parents"]
