"""Can a body be played at all? Tried for a moment, many at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch

if TYPE_CHECKING:
    from taskgen.generators.mujoco.generator import MuJoCoFamily

_STEPS_AT_REST, _STEPS_IN_MOTION = 10, 10
_FASTEST = 1e3
"""A joint that is faster than this, in m/s or rad/s, is on its way out of all bounds."""


class MuJoCoBatch(ArrayBatch):
    """B tasks of a MuJoCo family; validity is tried for all of them together."""

    generator: MuJoCoFamily

    @cached_property
    def _stable(self) -> NDArray[np.bool_]:
        _, firsts, which = np.unique(self.texts, return_index=True, return_inverse=True)
        different = {key: values[firsts] for key, values in self.contents.items()}
        return stable(self.generator, different)[which]

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Which bodies settle and stay finite, [B]."""
        return self._stable


def stable(family: MuJoCoFamily, content: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Returns which of B bodies stay finite, left alone and then under random control, [B]."""
    from taskgen.generators.mujoco.arena import Arena

    num = len(next(iter(content.values())))
    arena = Arena(family.body, family.rules, num, min(numba.get_num_threads(), num))
    arena.load(content)
    arena.begin(np.arange(num), np.zeros(num, dtype=np.int64))
    rng = np.random.default_rng(0)
    low, high = arena.simulation.model.actuator_ctrlrange.T
    playing = np.ones(num, dtype=bool)
    for step in range(_STEPS_AT_REST + _STEPS_IN_MOTION):
        action = rng.uniform(low, high) * (step >= _STEPS_AT_REST)
        steps = np.full(num, step)
        diverged = arena.advance(np.repeat(action[None], num, axis=0), playing, steps, steps)
        playing[diverged] = False
        if not playing.any():
            break
    speeds = np.abs(arena.simulation.velocities).max(axis=1)
    return playing & np.isfinite(arena.observations).all(axis=1) & (speeds < _FASTEST)
