"""In what units transitions are seen: those of the source's default task.

Units belong to the family and not to a task, since what is unusual about a body must stay visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator
from taskgen.generators.dynamics.transitions import Transitions, played
from taskgen.randomness import fold
from taskgen.task import Task

_NUM_EPISODES = 128
_DIGITS = 3
_STILL = 1e-6
"""A number that varies less than this counts as constant."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scales:
    """The units of each of O numbers that are seen.

    Args:
        middle: where an observation's 0 is, [O].
        spread: its unit, [O].
        change: the unit of a change, [O].
    """

    middle: Floats
    spread: Floats
    change: Floats

    def inputs(self, observations: Floats, actions: Floats) -> NDArray[np.float32]:
        """Returns what a model is shown of observations [..., O] and actions [..., F]."""
        seen = (observations - self.middle) / self.spread
        return np.concatenate([seen, actions], axis=-1).astype(np.float32)

    def changes(self, before: Floats, after: Floats) -> NDArray[np.float32]:
        """Returns what it shall say, (after − before) / unit, [..., O]."""
        return ((after - before) / self.change).astype(np.float32)

    def next_observations(self, before: Floats, changes: NDArray[np.floating]) -> Floats:
        """Returns what will be seen, if the changes are as said: the inverse of `changes`."""
        return before + changes.astype(np.float64) * self.change


def measured(source: EnvGenerator, task: Task, num_steps: int) -> Scales:
    """Returns the units in which one task's observations have mean 0 and standard deviation 1.

    The unit of a change is its root mean square, so that who predicts no change of this task has
    an error of 1. Numbers that do not vary have the unit 1.

    Args:
        source: of the task.
        task: to be played with random actions, in episodes that are always the same ones.
        num_steps: env steps of an episode.
    """
    keys = fold(np.zeros(_NUM_EPISODES, dtype=np.uint64), np.arange(_NUM_EPISODES))
    holds = np.ones(_NUM_EPISODES, dtype=np.int64)
    return scales_of(played(source, [task] * _NUM_EPISODES, keys, num_steps, holds))


def scales_of(moves: Transitions) -> Scales:
    """Returns the units in which transitions have standard size."""
    changes = moves.after - moves.before
    return Scales(
        middle=_rounded(moves.before.mean(axis=(0, 1))),
        spread=_units(moves.before.std(axis=(0, 1))),
        change=_units(np.sqrt(np.square(changes).mean(axis=(0, 1)))),
    )


def _units(sizes: Floats) -> Floats:
    return np.where(sizes < _STILL, 1.0, _rounded(sizes))


def _rounded(values: Floats) -> Floats:
    """Returns values of few digits, so that the last bits of a simulation are in no unit."""
    return np.array([float(f"{value:.{_DIGITS - 1}e}") for value in values.tolist()])
