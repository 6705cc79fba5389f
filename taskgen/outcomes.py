"""What happened when a learner played B tasks: arrays only.

Learners write it, scores read it; neither knows the other. E counts units of adaptation within a
lifetime (episodes, gradient steps or shots: `unit` says which), H counts env steps of it. Of
supervised problems H counts examples: the support and query points that were used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PER_TASK = ("expected_returns", "discounted_returns")


@dataclass(frozen=True)
class Outcomes:
    """The record of B lifetimes.

    Args:
        returns: undiscounted sum of rewards of each unit, of problems what the answers after it are
            worth (`taskgen.judging`), [B, E]; 0 where not `complete`.
        lengths: env steps of each unit, of problems examples that are new in it, [B, E].
        successes: whether the unit reached its goal, [B, E]; None where success has no meaning.
        complete: whether the unit was played to its end, [B, E]. What is not complete is in no
            score.
        valid: which env steps of the lifetime were played, [B, H]; the True ones come first.
        td_errors: δ of each step in units of the scaled reward, [B, H], 0 where not valid; None
            for a learner without a critic.
        unit: what the axis E counts.
        expected_returns: what the critic expected of each lifetime at its first step, [B], in units
            of the scaled reward, discounted as it learns; None for a learner without a critic.
        discounted_returns: what came of it, in the same terms, [B]; None likewise.

    Raises:
        ValueError: if the shapes do not fit.
    """

    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]
    successes: NDArray[np.bool_] | None
    complete: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    td_errors: NDArray[np.float32] | None = None
    unit: str = "episodes"
    expected_returns: NDArray[np.float64] | None = None
    discounted_returns: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        shape = self.returns.shape
        for name in ("lengths", "successes", "complete"):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise ValueError(
                    f"{name} must have the shape of returns {shape}, got {array.shape}."
                )
        if self.td_errors is not None and self.td_errors.shape != self.valid.shape:
            raise ValueError(
                f"td_errors must have the shape of valid {self.valid.shape}, "
                f"got {self.td_errors.shape}."
            )
        for name in _PER_TASK:
            array = getattr(self, name)
            if array is not None and array.shape != shape[:1]:
                raise ValueError(f"{name} must have the shape {shape[:1]}, got {array.shape}.")

    @property
    def num_tasks(self) -> int:
        """B."""
        return len(self.returns)

    @property
    def num_env_steps(self) -> int:
        """Env steps that were played, waiting slots left out; of problems, points used."""
        return int(self.valid.sum())

    def without(self, tasks: NDArray[np.bool_]) -> Outcomes:
        """Returns the outcomes as if some tasks, [B], had not been played."""
        cleared: dict[str, Any] = {}
        for name in ("returns", "lengths", "successes", "complete", "valid", "td_errors"):
            array = getattr(self, name)
            if array is not None:
                cleared[name] = np.where(tasks[:, None], array.dtype.type(0), array)
        for name in _PER_TASK:
            array = getattr(self, name)
            if array is not None:
                cleared[name] = np.where(tasks, np.nan, array)
        return replace(self, **cleared)


def concatenate(parts: Sequence[Outcomes]) -> Outcomes:
    """Returns the outcomes of all parts as one batch, padded to the longest E and H."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in fields(Outcomes):
        values = [getattr(part, field.name) for part in parts]
        if field.name == "unit" or values[0] is None:
            continue
        if field.name in _PER_TASK:
            joined[field.name] = np.concatenate(values)
            continue
        width = max(value.shape[1] for value in values)
        joined[field.name] = np.concatenate(
            [np.pad(value, ((0, 0), (0, width - value.shape[1]))) for value in values]
        )
    return replace(parts[0], **joined)
