"""One body with one task as a `gymnasium.Env`: a one-slot view of the engine."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.arena import DIVERGED, Arena
from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.engine import contents_of, spaces_of
from taskgen.generators.mujoco.rules import Rules
from taskgen.task import Task

_SLOT = np.zeros(1, dtype=np.int64)
_PLAYING = np.ones(1, dtype=bool)


class Diverged(RuntimeError):
    """The simulation grew without bound; the task cannot be played on."""


class MuJoCoEnv(gymnasium.Env[NDArray[np.float64], NDArray[np.float32]]):
    """A body to move; what the task changes in mid-lifetime counts from when this was made.

    Args:
        task: of the family.
        body: the row.
        rules: what is rewarded.
    """

    def __init__(self, task: Task, body: Body, rules: Rules) -> None:
        self.arena = Arena(body, rules, num_slots=1, num_threads=1)
        self.observation_space, self.action_space = spaces_of(self.arena)
        self.arena.load(contents_of([task]))
        self._episode_steps, self._lifetime_steps = np.zeros((2, 1), dtype=np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Starts an episode whose noise depends on the seed alone."""
        super().reset(seed=seed, options=options)
        key = int(self.np_random.integers(2**31)) if seed is None else seed
        self.arena.begin(_SLOT, np.array([key], dtype=np.int64))
        self._episode_steps[:] = 0
        return self.arena.observations[0].copy(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Takes one env step.

        Raises:
            Diverged: if the simulation did.
        """
        arena = self.arena
        steps = self._episode_steps, self._lifetime_steps
        if len(arena.advance(np.asarray(action)[None], _PLAYING, *steps)):
            raise Diverged(DIVERGED)
        for counter in steps:
            counter += 1
        fallen = bool(arena.fallen[0])
        truncated = not fallen and bool(self._episode_steps[0] >= arena.rules.horizon)
        return arena.observations[0].copy(), float(arena.rewards[0]), fallen, truncated, {}
