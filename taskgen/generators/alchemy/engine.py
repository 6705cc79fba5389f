"""Alchemy that is played, many chemistries at once: one set of arrays, a few numba kernels.

An episode begins with new stones and potions. What is seen are 39 numbers: of each of three stones
what it looks like (3), the value it shows over 3, and whether it is gone; of each of twelve potions
colour / 3 − 1, and whether it is gone. What is gone or was never there looks like 2 (a potion
like 1). Actions: 0 does nothing; 13 · s + 1 puts stone s into the cauldron, which pays and takes
it; 13 · s + 2 + p puts it into potion p, which is used up whether it moves the stone or not. With a
stone or a potion that is gone nothing happens. An episode ends at its horizon alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numba
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generators.alchemy.chemistry import (
    BEST,
    COLOURS,
    GRAPHS,
    LOOKS,
    NUM_TYPES,
    NUM_VERTICES,
    SHOWN_VALUES,
)
from taskgen.generators.alchemy.contents import columns_of
from taskgen.randomness import uniforms
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

MAX_STONES, MAX_POTIONS = 3, 12
STONE_SIZE, POTION_SIZE = 5, 2
"""Numbers that are seen of a stone, and of a potion."""
OBSERVATION_SIZE = MAX_STONES * STONE_SIZE + MAX_POTIONS * POTION_SIZE
ACTIONS_PER_STONE = 1 + MAX_POTIONS
NUM_ACTIONS = 1 + MAX_STONES * ACTIONS_PER_STONE
_NO_STONE, _NO_POTION = 2.0, 1.0

OBSERVATION_SPACE = Box(-1.0, 2.0, (OBSERVATION_SIZE,), np.float32)
ACTION_SPACE = Discrete(NUM_ACTIONS)


class Arena:
    """B slots with a chemistry each, and their stones and potions: the engine without lifetimes.

    Args:
        num_slots: B.
        observations: where to write what is seen, [B, 39].
    """

    def __init__(self, num_slots: int, observations: NDArray[np.float32]) -> None:
        self.observations = observations
        self.stones = np.full((num_slots, MAX_STONES), -1, dtype=np.int8)
        self.potions = np.full((num_slots, MAX_POTIONS), -1, dtype=np.int8)
        self._counts = np.zeros((num_slots, 2), dtype=np.int64)
        self._graphs = np.zeros(num_slots, dtype=np.int64)
        self._moves = np.zeros((num_slots, NUM_VERTICES, NUM_TYPES), dtype=np.int8)
        self._looks = np.zeros((num_slots, NUM_VERTICES, STONE_SIZE - 1), dtype=np.float32)
        self._colours = np.zeros((num_slots, NUM_TYPES), dtype=np.float32)
        self._values = np.zeros((num_slots, NUM_VERTICES))

    def load(self, tasks: Sequence[Task]) -> None:
        """Puts the chemistry of task i into slot i; there may be fewer than B tasks."""
        here = slice(0, len(tasks))
        graphs = columns_of(tasks, "graph")
        self._graphs[here] = graphs
        self._moves[here] = GRAPHS.moves[graphs]
        looks = LOOKS[columns_of(tasks, "stone_map"), columns_of(tasks, "rotation")]
        self._looks[here, :, :3] = looks
        self._looks[here, :, 3] = SHOWN_VALUES / 3.0
        self._colours[here] = COLOURS[columns_of(tasks, "potion_map")] / 3.0 - 1.0
        self._values[here] = SHOWN_VALUES
        self._values[here, BEST] += columns_of(tasks, "bonus")
        self._counts[here, 0] = columns_of(tasks, "num_stones")
        self._counts[here, 1] = columns_of(tasks, "num_potions")

    def begin(self, slots: NDArray[np.int64], streams: NDArray[np.uint64]) -> None:
        """Lays out new stones and potions in these slots, uniform, with replacement."""
        _lay_out(
            slots,
            uniforms(streams, MAX_STONES + MAX_POTIONS),
            self._graphs,
            self._counts,
            GRAPHS.num_axes,
            GRAPHS.vertices,
            GRAPHS.types,
            self._looks,
            self._colours,
            self.stones,
            self.potions,
            self.observations,
        )

    def lay_out(self, slot: int, stones: Sequence[int], potions: Sequence[int]) -> None:
        """Puts these stones (vertices) and potions (types) on the table of a slot, no others."""
        self.stones[slot] = [*stones, *[-1] * (MAX_STONES - len(stones))]
        self.potions[slot] = [*potions, *[-1] * (MAX_POTIONS - len(potions))]
        for s, vertex in enumerate(self.stones[slot].tolist()):
            _show_stone(self.observations[slot], s, vertex, self._looks[slot])
        for p, kind in enumerate(self.potions[slot].tolist()):
            _show_potion(self.observations[slot], p, kind, self._colours[slot])

    def advance(
        self, actions: NDArray[Any], playing: NDArray[np.bool_], rewards: NDArray[np.float64]
    ) -> None:
        """Takes one step in the slots that play; writes what it pays."""
        _advance(
            actions,
            playing,
            self._moves,
            self._values,
            self._looks,
            self.stones,
            self.potions,
            rewards,
            self.observations,
        )


class AlchemyEnv(gymnasium.Env[NDArray[np.float32], Any]):
    """One chemistry: a one-slot view of the batched engine.

    Args:
        task: of the generator "alchemy-v1".
    """

    observation_space = OBSERVATION_SPACE
    action_space = ACTION_SPACE

    def __init__(self, task: Task) -> None:
        self._arena = Arena(1, np.zeros((1, OBSERVATION_SIZE), dtype=np.float32))
        self._arena.load([task])
        self._horizon = int(task.content["horizon"])
        self._steps_left = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Lays out stones and potions that depend on the seed alone."""
        super().reset(seed=seed, options=options)
        key = int(self.np_random.integers(2**31)) if seed is None else seed
        self._arena.begin(np.zeros(1, dtype=np.int64), np.array([key], dtype=np.uint64))
        self._steps_left = self._horizon
        return self._arena.observations[0].copy(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Takes one action.

        Raises:
            ValueError: if it is none, or no episode is running.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"an action is a whole number in [0, {NUM_ACTIONS}), got {action!r}.")
        if self._steps_left <= 0:
            raise ValueError("the episode is over (or never began); call reset() first.")
        rewards = np.zeros(1)
        self._arena.advance(np.array([action]), np.ones(1, dtype=bool), rewards)
        self._steps_left -= 1
        observation = self._arena.observations[0].copy()
        return observation, float(rewards[0]), False, self._steps_left == 0, {}


class AlchemyVectorEnv(FamilyVectorEnv):
    """Lifetimes of B chemistries; `arena` has their stones and potions, for who may know them."""

    has_success = False

    def __init__(self, num_envs: int) -> None:
        super().__init__(num_envs, OBSERVATION_SPACE, ACTION_SPACE)
        self.arena = Arena(num_envs, self.observations)

    def load(self, tasks: Sequence[Task]) -> None:
        """Takes the chemistries from the batch's arrays, or from the tasks one by one."""
        self.arena.load(tasks)
        self.horizons[: len(tasks)] = columns_of(tasks, "horizon")

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Lays out new stones and potions in these slots."""
        self.arena.begin(slots, seeds >> np.uint64(33))

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one step in every slot that plays."""
        self.arena.advance(actions, playing, self.rewards)


@numba.njit(cache=True)
def _show_stone(seen, stone, vertex, looks):  # type: ignore[no-untyped-def]
    """Writes what is seen of a stone; vertex −1: it is gone."""
    first = 5 * stone
    for k in range(4):
        seen[first + k] = looks[vertex, k] if vertex >= 0 else 2.0
    seen[first + 4] = 0.0 if vertex >= 0 else 1.0


@numba.njit(cache=True)
def _show_potion(seen, potion, kind, colours):  # type: ignore[no-untyped-def]
    """Writes what is seen of a potion; type −1: it is gone."""
    first = 15 + 2 * potion
    seen[first] = colours[kind] if kind >= 0 else 1.0
    seen[first + 1] = 0.0 if kind >= 0 else 1.0


@numba.njit(cache=True)
def _lay_out(  # type: ignore[no-untyped-def]
    slots,
    luck,
    graphs,
    counts,
    num_axes,
    vertices,
    types,
    looks,
    colours,
    stones,
    potions,
    observations,
):
    """Draws stones and potions of some slots from uniform numbers, [N, 15]."""
    for n in range(len(slots)):
        b = slots[n]
        graph = graphs[b]
        axes = num_axes[graph]
        for s in range(3):
            vertex = vertices[graph, int(luck[n, s] * (1 << axes))] if s < counts[b, 0] else -1
            stones[b, s] = vertex
            _show_stone(observations[b], s, vertex, looks[b])
        for p in range(12):
            kind = types[graph, int(luck[n, 3 + p] * 2 * axes)] if p < counts[b, 1] else -1
            potions[b, p] = kind
            _show_potion(observations[b], p, kind, colours[b])


@numba.njit(cache=True)
def _advance(  # type: ignore[no-untyped-def]
    actions, playing, moves, values, looks, stones, potions, rewards, observations
):
    """Takes one step in the slots that play; see the module's text for the actions."""
    for b in range(len(playing)):
        if not playing[b] or actions[b] == 0:
            continue
        s, what = (actions[b] - 1) // 13, (actions[b] - 1) % 13
        vertex = stones[b, s]
        if vertex < 0:
            continue
        if what == 0:
            rewards[b] = values[b, vertex]
            stones[b, s] = -1
        else:
            kind = potions[b, what - 1]
            if kind < 0:
                continue
            stones[b, s] = moves[b, vertex, kind]
            potions[b, what - 1] = -1
            _show_potion(observations[b], what - 1, -1, looks[b, 0])
        _show_stone(observations[b], s, stones[b, s], looks[b])
