"""Grids that are walked on: what is seen, what is earned, one at a time and many at once.

Positions are x and y from the corner (0, 0), and observed as one-hot x and one-hot y side by side.
Actions: 0 stay, 1 up (y + 1), 2 right (x + 1), 3 down, 4 left; at the edge nothing moves. A step
that ends on the goal earns +1, any other −0.1, and an episode ends at its horizon alone. It is a
success if the goal was stood on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generators.goals.beliefs import MOVES
from taskgen.generators.goals.family import columns_of
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

MAX_SIZE = 9
AT_GOAL, ELSEWHERE = 1.0, -0.1
"""Rewards of a step that ends on the goal, and of any other."""

OBSERVATION_SPACE = Box(0, 1, (2 * MAX_SIZE,), np.uint8)
ACTION_SPACE = Discrete(len(MOVES))


def total_reward(steps_on_goal: float, num_steps: int) -> float:
    """Returns the return of so many env steps, some of them on the goal."""
    return AT_GOAL * steps_on_goal + ELSEWHERE * (num_steps - steps_on_goal)


def positions_of(observations: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns x and y of observations, [B, 2]."""
    return observations.reshape(len(observations), 2, MAX_SIZE).argmax(axis=2)


def observe(positions: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Returns x and y as one-hot rows side by side, [B, 18]."""
    return (positions[:, :, None] == np.arange(MAX_SIZE)).reshape(len(positions), -1).view(np.uint8)


def walk(
    positions: NDArray[np.int64], actions: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns where actions lead from x and y on grids of these sizes, [B, 2]."""
    return np.clip(positions + MOVES[actions], 0, sizes[:, None] - 1)


class GridGoalEnv(gymnasium.Env[NDArray[np.uint8], Any]):
    """One grid: `step(action)` pays 1 on the goal; an episode ends at its horizon."""

    observation_space = OBSERVATION_SPACE
    action_space = ACTION_SPACE

    def __init__(self, task: Task) -> None:
        self._size = np.array([task.content["size"]])
        self._goal, self._horizon = task.content["goal"], task.content["horizon"]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Goes to the start; nothing here is random."""
        super().reset(seed=seed, options=options)
        self._position = np.zeros((1, 2), dtype=np.int64)
        self._steps, self._reached = 0, False
        return observe(self._position)[0], {}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Walks one step."""
        self._position = walk(self._position, np.array([action]), self._size)
        self._steps += 1
        at_goal = self._position[0].tolist() == list(self._goal)
        self._reached |= at_goal
        reward, over = AT_GOAL if at_goal else ELSEWHERE, self._steps >= self._horizon
        return observe(self._position)[0], reward, False, over, {"success": self._reached}


class GridGoalVectorEnv(FamilyVectorEnv):
    """Lifetimes of B grids, without a loop over them."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs, OBSERVATION_SPACE, ACTION_SPACE)
        self._sizes = np.full(num_envs, MAX_SIZE)
        self._goals, self._positions = np.zeros((2, num_envs, 2), dtype=np.int64)
        self._reached = np.zeros(num_envs, dtype=bool)

    def load(self, tasks: Sequence[Task]) -> None:
        """Takes the grids from the batch's arrays, or from the tasks one by one."""
        self._sizes[: len(tasks)] = columns_of(tasks, "size")
        self._goals[: len(tasks)] = columns_of(tasks, "goal")
        self.horizons[: len(tasks)] = columns_of(tasks, "horizon")

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Goes to the start in these slots; nothing here is random."""
        del seeds
        self._positions[slots], self._reached[slots] = 0, False
        self.observations[slots] = observe(self._positions[slots])

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Walks one step in every slot."""
        self._positions = walk(self._positions, actions, self._sizes)
        at_goal = (self._positions == self._goals).all(axis=1)
        self._reached |= at_goal
        self.observations[:] = observe(self._positions)
        self.rewards[:] = np.where(at_goal, AT_GOAL, ELSEWHERE) * playing
        self.successes[:] = self._reached
