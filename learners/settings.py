"""What the settings of learners share: the check of a rule, a linear fall, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskgen.hints import did_you_mean, either


def require(holds: bool, rule: str, value: Any) -> None:
    """Raises a ValueError that says the rule and what came, unless it holds."""
    if not holds:
        raise ValueError(f"{rule}, got {value!r}.")


def require_choices(settings: Any, choices: Mapping[str, Sequence[Any]]) -> None:
    """Raises a ValueError for a setting that is none of its choices, with what was meant."""
    for name, known in choices.items():
        value = getattr(settings, name)
        if value not in known:
            meant = did_you_mean(str(value), map(str, known))
            raise ValueError(f"{name} must be {either(map(str, known))}, got {value!r}{meant}.")


def decayed(start: float, decay_updates: int | None, updates: int, floor: float) -> float:
    """Returns a setting after so many updates of its linear fall.

    Example:
        >>> [decayed(1.0, 10, updates, 0.1) for updates in (0, 5, 10, 20)]
        [1.0, 0.55, 0.1, 0.1]
    """
    if decay_updates is None:
        return start
    left = max(0.0, 1.0 - updates / decay_updates)
    return start * (floor + (1.0 - floor) * left)


class Counters:
    """Counts that are saved with a learner: updates asked for, gradient steps taken."""

    def __init__(self) -> None:
        self.updates = 0
        self.gradient_updates = 0

    def state_dict(self) -> dict[str, Any]:
        """Returns the counts."""
        return dict(vars(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the counts back."""
        vars(self).update(state_dict)
