"""Lifetimes of many levels at once: every slot its own game, on its own level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generators.procgen.games import flaw_of
from taskgen.generators.procgen.native import NUM_ACTIONS, RESOLUTION
from taskgen.generators.procgen.pinning import Kind, PinnedGame, kind_of
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

_MIN_SLOTS_A_THREAD = 4


def observation_space() -> Box:
    """Returns the space of one frame."""
    return Box(0, 255, (RESOLUTION, RESOLUTION, 3), np.uint8)


def action_space() -> Discrete:
    """Returns the space of one action: nine directions of the stick, and six buttons."""
    return Discrete(NUM_ACTIONS)


class ProcgenVectorEnv(FamilyVectorEnv):
    """Lifetimes of B levels, of any games side by side.

    The library draws no frame of an episode's end: what is seen last is the frame before it.

    Args:
        num_envs: B.
        num_threads: that step games; by default as many as the process's other engines may use
            (`numba.get_num_threads`), asked again whenever tasks are loaded.
    """

    def __init__(self, num_envs: int, num_threads: int | None = None) -> None:
        super().__init__(num_envs, observation_space(), action_space())
        self._given_threads = num_threads
        self._threads: ThreadPoolExecutor | None = None
        self._num_threads = 1
        self._games: list[PinnedGame | None] = [None] * num_envs
        self._kinds: list[Kind | None] = [None] * num_envs
        self._idle: dict[Kind, list[PinnedGame]] = defaultdict(list)

    def load(self, tasks: Sequence[Task]) -> None:
        """Pins slot i to the level of task i; a task that is none of the family fails."""
        self._use_threads(self._given_threads or numba.get_num_threads())
        self._let_go()
        for slot, task in enumerate(tasks):
            flaw = flaw_of(task.content)
            if flaw:
                self.fail(slot, flaw)
                continue
            content = task.content
            self.horizons[slot] = content["horizon"]
            kind = self._kinds[slot] = kind_of(content)
            game = self._idle[kind].pop() if self._idle[kind] else PinnedGame(*kind)
            game.pin(content["level"])
            self._games[slot] = game

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Starts an episode in these slots; nothing in it is random, the level is the task."""
        del seeds
        for slot in slots.tolist():
            game = self._game(slot)
            game.begin()
            self.observations[slot] = game.frame

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one step in the slots that play."""
        slots = np.flatnonzero(playing).tolist()
        given = np.asarray(actions).tolist()
        num_parts = min(self._num_threads, max(1, len(slots) // _MIN_SLOTS_A_THREAD))
        if num_parts == 1 or self._threads is None:
            self._advance(slots, given)
            return
        parts = [slots[k::num_parts] for k in range(num_parts)]
        for _ in self._threads.map(self._advance, parts, [given] * num_parts):
            pass

    def close_extras(self, **kwargs: Any) -> None:
        """Frees all games."""
        del kwargs
        self._let_go()
        for games in self._idle.values():
            for game in games:
                game.close()
        self._idle.clear()
        self._use_threads(1)

    def _advance(self, slots: Sequence[int], actions: Sequence[int]) -> None:
        for slot in slots:
            game = self._game(slot)
            self.rewards[slot], self.terminated[slot] = game.act(actions[slot])
            if game.over:
                self.successes[slot] = game.success
            else:
                self.observations[slot] = game.frame

    def _game(self, slot: int) -> PinnedGame:
        game = self._games[slot]
        assert game is not None
        return game

    def _let_go(self) -> None:
        """Takes the games from their slots; the next tasks use them again."""
        for slot, (game, kind) in enumerate(zip(self._games, self._kinds, strict=True)):
            if game is not None and kind is not None:
                self._idle[kind].append(game)
            self._games[slot] = None

    def _use_threads(self, num: int) -> None:
        if num == self._num_threads:
            return
        if self._threads is not None:
            self._threads.shutdown()
        self._threads = ThreadPoolExecutor(num) if num > 1 else None
        self._num_threads = num
