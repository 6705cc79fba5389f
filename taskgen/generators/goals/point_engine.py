"""Points that move in the plane: what they are paid, one at a time and many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from taskgen.generators.goals.family import columns_of
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

OBSERVATION_SPACE = Box(-np.inf, np.inf, (2,), np.float32)


@dataclass(frozen=True)
class PointRules:
    """How points move, what they are paid, and when an episode ends before its horizon.

    Args:
        max_step: the longest step along each axis.
        tolerance: a point is at a goal whose x and y are both nearer than this.
        sparse: pay 1 − distance within the task's reward radius, where a point then is at its
            goal, and 0 outside; else −distance everywhere.
        ends_at_goal: whether an episode ends at the goal.
    """

    max_step: float
    tolerance: float = 0.0
    sparse: bool = False
    ends_at_goal: bool = False

    def action_space(self) -> Box:
        """Returns the space of one action."""
        return Box(-self.max_step, self.max_step, (2,), np.float32)

    def move(
        self, positions: NDArray[np.float64], actions: NDArray[np.floating[Any]]
    ) -> NDArray[np.float64]:
        """Returns positions + clip(actions, ±max_step), [B, 2]."""
        return positions + np.clip(actions, -self.max_step, self.max_step)

    def pay(
        self, gaps: NDArray[np.float64], reward_radii: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Returns rewards and who is at the goal, from goal − position of each point, [B, 2]."""
        distances = np.hypot(gaps[:, 0], gaps[:, 1])
        if not self.sparse:
            return -distances, (np.abs(gaps) < self.tolerance).all(axis=1)
        inside = distances <= reward_radii
        return np.where(inside, 1.0 - distances, 0.0), inside


class PointGoalEnv(gymnasium.Env[NDArray[np.float32], Any]):
    """One point: `step(action)` moves it; it is a success to be at the goal at the end.

    Args:
        task: of a `PointFamily`.
        rules: of that family.
    """

    observation_space = OBSERVATION_SPACE

    def __init__(self, task: Task, rules: PointRules) -> None:
        self.action_space = rules.action_space()
        self._rules, self._content = rules, task.content

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Puts the point on the origin; nothing here is random."""
        super().reset(seed=seed, options=options)
        self._position, self._steps = np.zeros((1, 2)), 0
        return self._position[0].astype(np.float32), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Moves the point."""
        content = self._content
        self._position = self._rules.move(self._position, np.asarray(action)[None])
        self._steps += 1
        gaps = np.array(content["goal"]) - self._position
        reward, at_goal = self._rules.pay(gaps, content["reward_radius"])
        is_there = bool(at_goal[0])
        terminated = is_there and self._rules.ends_at_goal
        truncated = not terminated and self._steps >= content["horizon"]
        observation = self._position[0].astype(np.float32)
        return observation, float(reward[0]), terminated, truncated, {"success": is_there}


class PointGoalVectorEnv(FamilyVectorEnv):
    """Lifetimes of B points, without a loop over them.

    Args:
        num_envs: B.
        rules: of the family.
    """

    def __init__(self, num_envs: int, rules: PointRules) -> None:
        super().__init__(num_envs, OBSERVATION_SPACE, rules.action_space())
        self._rules = rules
        self._goals, self._positions = np.zeros((2, num_envs, 2))
        self._reward_radii = np.zeros(num_envs)

    def load(self, tasks: Sequence[Task]) -> None:
        """Takes the goals from the batch's arrays, or from the tasks one by one."""
        self._goals[: len(tasks)] = columns_of(tasks, "goal")
        self._reward_radii[: len(tasks)] = columns_of(tasks, "reward_radius")
        self.horizons[: len(tasks)] = columns_of(tasks, "horizon")

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Puts these points on the origin; nothing here is random."""
        del seeds
        self._positions[slots] = self.observations[slots] = 0.0

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Moves every point."""
        self._positions = self._rules.move(self._positions, actions)
        self.observations[:] = self._positions
        rewards, at_goal = self._rules.pay(self._goals - self._positions, self._reward_radii)
        self.rewards[:] = rewards * playing
        self.successes[:] = at_goal
        self.terminated[:] = at_goal & self._rules.ends_at_goal
