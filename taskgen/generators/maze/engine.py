"""Mazes that are played, many at once: one set of arrays, a few numba kernels.

An agent sees five by five cells in front of it, itself in the middle of the last row, looking up:
25 bytes of walls (1 wall; all that is outside the maze is wall), 25 bytes of goal, and its heading
as one of four. Actions: 0 turn left, 1 turn right, 2 forward (into a wall: nothing moves). At the
goal it earns 1 − 0.9·t/T with its t-th action of at most T, and the episode ends; otherwise 0.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.maze.arrays import MARGIN, MazeArrays
from taskgen.generators.maze.batch import arrays_of
from taskgen.task import Task
from taskgen.vector import LifetimeVectorEnv

VIEW = 5
OBSERVATION_SIZE = 2 * VIEW * VIEW + 4
LEFT, RIGHT, FORWARD = range(3)
_GOAL_BIT = 2


def observation_space() -> gymnasium.spaces.Box:
    """Returns the space of one observation: 54 bytes that are 0 or 1."""
    return gymnasium.spaces.Box(0, 1, (OBSERVATION_SIZE,), np.uint8)


def action_space() -> gymnasium.spaces.Discrete:
    """Returns the space of one action."""
    return gymnasium.spaces.Discrete(3)


class Arena:
    """B slots with a maze each, and where their agents are: the engine without lifetimes.

    Args:
        num_slots: B.
    """

    def __init__(self, num_slots: int) -> None:
        self.num_slots = num_slots
        self.stride = 0
        self.grids = np.ones((num_slots, 0), dtype=np.uint8)
        self.observations = np.zeros((num_slots, OBSERVATION_SIZE), dtype=np.uint8)
        self.rewards = np.zeros(num_slots)
        self.ended = np.zeros(num_slots, dtype=bool)
        self.steps_taken = np.zeros(num_slots, dtype=np.int64)
        self.horizons = np.ones(num_slots, dtype=np.int64)
        self.starts, self.goals, self.positions = np.zeros((3, num_slots), dtype=np.int64)
        self.start_headings, self.headings = np.zeros((2, num_slots), dtype=np.int64)

    def load(self, mazes: MazeArrays, slots: NDArray[np.int64]) -> None:
        """Puts maze i into slots[i] and makes room for the largest; other slots are emptied."""
        if self.stride != mazes.stride:
            self.stride = mazes.stride
            self.grids = np.ones((self.num_slots, self.stride**2), dtype=np.uint8)
        self.replace(mazes, np.arange(len(mazes)), slots)

    def replace(self, mazes: MazeArrays, rows: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Puts the mazes at `rows` into `slots`; the other slots go on as they are.

        Raises:
            ValueError: if a maze is larger than the largest that was loaded.
        """
        largest = max(mazes.heights[rows].max(initial=0), mazes.widths[rows].max(initial=0))
        if largest + 2 * MARGIN > self.stride:
            raise ValueError(
                f"these slots hold mazes of at most {self.stride - 2 * MARGIN} cells a side, got "
                f"{largest}; load all slots anew."
            )
        self.horizons[slots] = mazes.horizons[rows]
        self.start_headings[slots] = mazes.headings[rows]
        self.starts[slots] = (mazes.starts[rows] + MARGIN) @ np.array([self.stride, 1])
        self.goals[slots] = (mazes.goals[rows] + MARGIN) @ np.array([self.stride, 1])
        _copy_grids(mazes.grids, rows, self.grids, slots, self.stride, self.goals)

    def begin(self, slots: NDArray[np.int64]) -> None:
        """Puts the agents of these slots on their starts."""
        self.steps_taken[slots] = 0
        self.positions[slots] = self.starts[slots]
        self.headings[slots] = self.start_headings[slots]
        _observe_slots(
            self.grids, self.stride, self.positions, self.headings, slots, self.observations
        )

    def advance(
        self,
        actions: NDArray[np.int64],
        playing: NDArray[np.bool_],
        steps_taken: NDArray[np.int64],
        rewards: NDArray[np.float64],
        at_goal: NDArray[np.bool_],
    ) -> None:
        """Takes one step in the slots that play; episodes and their ends are the caller's.

        Args:
            actions: [B].
            playing: which slots move, [B].
            steps_taken: steps of the running episodes before this one, [B].
            rewards: written where the goal is reached, [B].
            at_goal: set where the goal is reached, [B].
        """
        _advance(
            self.grids,
            self.stride,
            actions,
            playing,
            self.goals,
            self.horizons,
            steps_taken,
            self.positions,
            self.headings,
            rewards,
            at_goal,
            self.observations,
        )

    def play(self, actions: NDArray[np.int64]) -> None:
        """Takes one step in every slot; an episode that ends begins again in the same step.

        Writes `observations`, `rewards` and `ended`, each of shape [B, …].
        """
        _play(
            self.grids,
            self.stride,
            actions,
            self.starts,
            self.start_headings,
            self.goals,
            self.horizons,
            self.steps_taken,
            self.positions,
            self.headings,
            self.rewards,
            self.ended,
            self.observations,
        )


class MazeVectorEnv(LifetimeVectorEnv):
    """Lifetimes of B mazes on the batched engine; every episode starts as the task says."""

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs, observation_space(), action_space())
        self.arena = Arena(num_envs)
        self.arena.observations = self.observations

    def load(self, tasks: Sequence[Task]) -> None:
        """Puts task i into slot i; a task whose content is no maze fails alone."""
        mazes, indices, broken = arrays_of(tasks)
        if indices:
            self.arena.load(mazes, np.array(indices, dtype=np.int64))
        self.horizons[:] = self.arena.horizons
        for index, reason in broken.items():
            self.fail(index, reason)

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Puts the agents on their starts; nothing here is random."""
        del seeds
        self.arena.begin(slots)

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Turns or moves the agents of the slots that play."""
        self.arena.advance(
            np.asarray(actions, dtype=np.int64),
            playing,
            self._episode_steps,
            self.rewards,
            self.terminated,
        )
        np.copyto(self.successes, self.terminated)


@numba.njit(cache=True)
def _observe(grid, stride, position, heading, observation):
    """Writes what an agent sees: walls, goal, heading."""
    if heading == 0:
        ahead, right = -stride, 1
    elif heading == 1:
        ahead, right = 1, stride
    elif heading == 2:
        ahead, right = stride, -1
    else:
        ahead, right = -1, -stride
    corner = position + (VIEW - 1) * ahead - VIEW // 2 * right
    for row in range(VIEW):
        cell = corner - row * ahead
        for column in range(VIEW):
            value = grid[cell + column * right]
            observation[VIEW * row + column] = value & 1
            observation[VIEW * VIEW + VIEW * row + column] = value >> 1
    for k in range(4):
        observation[2 * VIEW * VIEW + k] = heading == k


@numba.njit(cache=True)
def _ahead(grid, stride, position, heading):
    """Returns where a step forward leads: the next cell, or the same before a wall."""
    step = stride if heading & 1 == 0 else np.int64(1)
    cell = position + step if heading == 1 or heading == 2 else position - step
    return position if grid[cell] & 1 else cell


@numba.njit(cache=True, parallel=True)
def _advance(
    grids,
    stride,
    actions,
    playing,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    terminated,
    observations,
):
    for b in numba.prange(len(actions)):
        if not playing[b]:
            continue
        if actions[b] == FORWARD:
            positions[b] = _ahead(grids[b], stride, positions[b], headings[b])
        elif actions[b] == RIGHT:
            headings[b] = (headings[b] + 1) & 3
        elif actions[b] == LEFT:
            headings[b] = (headings[b] + 3) & 3
        if positions[b] == goals[b]:
            terminated[b] = True
            rewards[b] = 1.0 - 0.9 * (steps_taken[b] + 1) / horizons[b]
        _observe(grids[b], stride, positions[b], headings[b], observations[b])


@numba.njit(cache=True, parallel=True)
def _play(
    grids,
    stride,
    actions,
    starts,
    start_headings,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    ended,
    observations,
):
    for b in numba.prange(len(actions)):
        position, heading = positions[b], headings[b]
        if actions[b] == FORWARD:
            position = _ahead(grids[b], stride, position, heading)
        else:
            heading = (heading + (1 if actions[b] == RIGHT else 3)) & 3
        taken = steps_taken[b] + 1
        at_goal = position == goals[b]
        rewards[b] = 1.0 - 0.9 * taken / horizons[b] if at_goal else 0.0
        ended[b] = at_goal or taken >= horizons[b]
        if ended[b]:
            position, heading, taken = starts[b], start_headings[b], 0
        positions[b], headings[b], steps_taken[b] = position, heading, taken
        _observe(grids[b], stride, position, heading, observations[b])


@numba.njit(cache=True)
def _observe_slots(grids, stride, positions, headings, slots, observations):
    for b in slots:
        _observe(grids[b], stride, positions[b], headings[b], observations[b])


@numba.njit(cache=True)
def _copy_grids(sources, rows, grids, slots, stride, goals):
    """Copies grids of one stride into grids of another, and marks the goals."""
    side = min(sources.shape[1], stride)
    for k in range(len(slots)):
        grid, source = grids[slots[k]], sources[rows[k]]
        grid[:] = 1
        for row in range(side):
            grid[row * stride : row * stride + side] = source[row, :side]
        grid[goals[slots[k]]] |= _GOAL_BIT
