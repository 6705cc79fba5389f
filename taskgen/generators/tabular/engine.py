"""Tabular MDPs that are played: one at a time and many at once, by one compiled step.

A state is observed as a one-hot row. Action a of a task with fewer actions than the space has does
what action a mod `actions` does. The three random numbers of a step (where to, and two for the
payment's noise) are those of the episode's stream at the step's number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium
import numba
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generators.tabular.contents import MILLION, Contents, contents_of
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv


def observation_space(num_states: int) -> Box:
    """Returns the space of one-hot rows."""
    return Box(0, 1, (num_states,), np.uint8)


class Boards:
    """N tabular MDPs in play.

    Args:
        num: N.
        num_states: S, with padding.
        num_actions: A, with padding.
    """

    def __init__(self, num: int, num_states: int, num_actions: int) -> None:
        self._sums = np.zeros((num, num_states, num_actions, num_states), dtype=np.int32)
        self._rewards = np.zeros((num, num_states, num_actions))
        self._noise = np.zeros(num)
        self._num_actions = np.ones(num, dtype=np.int64)
        self._streams = np.zeros(num, dtype=np.uint64)
        self._steps = np.zeros(num, dtype=np.int64)
        self.states = np.zeros(num, dtype=np.int64)

    def load(self, contents: Contents) -> None:
        """Puts the MDPs of contents into the first places."""
        num = len(contents["noise"])
        self._sums[:num] = np.cumsum(contents["transitions"], axis=3)
        self._rewards[:num] = contents["rewards"]
        self._noise[:num] = contents["noise"]
        self._num_actions[:num] = contents["actions"]

    def begin(self, places: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Goes to the start in these places, with streams of their own."""
        self._streams[places] = seeds
        self._steps[places] = self.states[places] = 0

    def advance(
        self, actions: NDArray[Any], playing: NDArray[np.bool_], payments: NDArray[np.float64]
    ) -> None:
        """Takes one step in the places that are playing, and writes what it pays."""
        _advance(
            self._sums,
            self._rewards,
            self._noise,
            self._num_actions,
            self._streams,
            self._steps,
            self.states,
            np.asarray(actions, dtype=np.int64),
            playing,
            payments,
        )

    def observations(self) -> NDArray[np.uint8]:
        """Returns the states as one-hot rows, [N, S]."""
        return (self.states[:, None] == np.arange(self._rewards.shape[1])).view(np.uint8)


class TabularEnv(gymnasium.Env[Any, Any]):
    """One tabular MDP; an episode ends at its horizon.

    Args:
        task: of a tabular family.
        num_states: S of the family, with padding.
        num_actions: A of the family, with padding.
    """

    def __init__(self, task: Task, num_states: int, num_actions: int) -> None:
        self.observation_space = observation_space(num_states)
        self.action_space = Discrete(num_actions)
        self._board = Boards(1, num_states, num_actions)
        self._board.load(contents_of([task]))
        self._horizon = task.content["horizon"]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Starts an episode whose luck depends on the seed alone."""
        super().reset(seed=seed, options=options)
        key = int(self.np_random.integers(2**31)) if seed is None else seed
        self._board.begin(np.array([0]), np.array([key], dtype=np.uint64))
        self._taken = 0
        return self._board.observations()[0], {}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Acts."""
        payment = np.zeros(1)
        self._board.advance(np.array([action]), np.ones(1, dtype=bool), payment)
        self._taken += 1
        over = self._taken >= self._horizon
        return self._board.observations()[0], float(payment[0]), False, over, {}


class TabularVectorEnv(FamilyVectorEnv):
    """Lifetimes of B tabular MDPs.

    Args:
        num_envs: B.
        num_states: S of the family, with padding.
        num_actions: A of the family, with padding.
    """

    has_success = False

    def __init__(self, num_envs: int, num_states: int, num_actions: int) -> None:
        super().__init__(num_envs, observation_space(num_states), Discrete(num_actions))
        self._boards = Boards(num_envs, num_states, num_actions)

    def load(self, tasks: Sequence[Task]) -> None:
        """Takes the MDPs from the batch's arrays, or from the tasks one by one."""
        contents = contents_of(tasks)
        self._boards.load(contents)
        self.horizons[: len(tasks)] = contents["horizon"]

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Goes to the start in these slots."""
        self._boards.begin(slots, seeds >> np.uint64(33))
        self.observations[slots] = 0
        self.observations[slots, 0] = 1

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one step in every slot that is playing."""
        self._boards.advance(actions, playing, self.rewards)
        self.observations[:] = self._boards.observations()


@numba.njit(cache=True)
def _uniform(stream, counter):  # type: ignore[no-untyped-def]
    """`taskgen.randomness.uniform_at` of one stream."""
    value = stream + np.uint64(counter + 1) * np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((value ^ (value >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@numba.njit(cache=True)
def _advance(  # type: ignore[no-untyped-def]
    sums, rewards, noise, num_actions, streams, steps, states, actions, playing, payments
):
    """One step of N MDPs, in place; the noise is normal by Box and Muller's formula."""
    for n in range(len(states)):
        if not playing[n]:
            continue
        state, action = states[n], actions[n] % num_actions[n]
        payments[n] = rewards[n, state, action]
        first = 3 * steps[n]
        if noise[n] > 0.0:
            size = math.sqrt(-2.0 * math.log(1.0 - _uniform(streams[n], first + 1)))
            turn = 2.0 * math.pi * _uniform(streams[n], first + 2)
            payments[n] += noise[n] * size * math.cos(turn)
        dart = _uniform(streams[n], first) * MILLION
        there = 0
        while sums[n, state, action, there] <= dart:
            there += 1
        states[n] = there
        steps[n] += 1
