"""How far hypothesis goes: the same way each time; as far as FAULTS_EXAMPLES says, and then another way each time."""

import os

from hypothesis import HealthCheck, Phase, settings

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def exploring(examples: int, steps: int = 50) -> settings:
    """What fails is made short only where somebody has time for it: that takes minutes."""
    wanted = int(os.environ.get("FAULTS_EXAMPLES") or 0)
    return settings(
        max_examples=wanted or examples,
        stateful_step_count=steps,
        derandomize=not wanted,
        phases=tuple(Phase) if wanted else (Phase.explicit, Phase.generate),
        database=None,
        deadline=None,
        suppress_health_check=SLOW_IS_FINE,
    )
