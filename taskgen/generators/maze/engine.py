"""Mazes that are played, many at once: one set of arrays, a few numba kernels.

An agent sees five by five cells in front of it, itself in the middle of the last row, looking up:
25 bytes of walls (1 wall; all that is outside the maze is wall), 25 bytes of goal, and its heading
as one of four. Actions: 0 turn left, 1 turn right, 2 forward (into a wall: nothing moves). At the
goal it earns 1 − 0.9·t/T with its t-th action of at most T, and the episode ends; otherwise 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.maze.arrays import MARGIN, MazeArrays, worth_threads
from taskgen.generators.maze.batch import arrays_of
from taskgen.generators.maze.kernels import (
    OBSERVATION_SIZE,
    advance,
    advance_threads,
    load_mazes,
    observe_slots,
    play,
    play_threads,
)
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

_MIN_PARALLEL_SLOTS = 1024


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
        if mazes.stride > self.stride:
            self._check_sides(mazes, rows)
        load_mazes(
            mazes.grids,
            mazes.starts,
            mazes.goals,
            mazes.headings,
            mazes.horizons,
            rows,
            slots,
            self.stride,
            self.grids,
            self.starts,
            self.goals,
            self.start_headings,
            self.horizons,
        )

    def _check_sides(self, mazes: MazeArrays, rows: NDArray[np.int64]) -> None:
        largest = max(mazes.heights[rows].max(initial=0), mazes.widths[rows].max(initial=0))
        if largest + 2 * MARGIN > self.stride:
            raise ValueError(
                f"these slots hold mazes of at most {self.stride - 2 * MARGIN} cells a side, got "
                f"{largest}; load all slots anew."
            )

    def begin(self, slots: NDArray[np.int64]) -> None:
        """Puts the agents of these slots on their starts."""
        self.steps_taken[slots] = 0
        self.positions[slots] = self.starts[slots]
        self.headings[slots] = self.start_headings[slots]
        observe_slots(
            self.grids,
            self.stride,
            self.positions,
            self.headings,
            self.goals,
            slots,
            self.observations,
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
        shared = worth_threads(self.num_slots, _MIN_PARALLEL_SLOTS)
        kernel = advance_threads if shared else advance
        kernel(
            0,
            self.num_slots,
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
        shared = worth_threads(self.num_slots, _MIN_PARALLEL_SLOTS)
        kernel = play_threads if shared else play
        kernel(
            0,
            self.num_slots,
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


class MazeVectorEnv(FamilyVectorEnv):
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
