"""Lifetimes of many levels at once: every slot its own game, on its own level."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from taskgen.generators.procgen import kernels
from taskgen.generators.procgen.games import GAMES, flaw_of
from taskgen.generators.procgen.native import NUM_ACTIONS, RESET, RESOLUTION, Buffers, library
from taskgen.generators.procgen.pinning import Kind, PinnedGame, kind_of
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

_MIN_SLOTS_A_THREAD = 4
_KINDS_A_SLOT = 4
"""Instances that a slot keeps: each takes up to a megabyte, and to make one some milliseconds."""


def observation_space() -> Box:
    """Returns the space of one frame."""
    return Box(0, 255, (RESOLUTION, RESOLUTION, 3), np.uint8)


def action_space() -> Discrete:
    """Returns the space of one action: nine directions of the stick, and six buttons."""
    return Discrete(NUM_ACTIONS)


class ProcgenVectorEnv(FamilyVectorEnv):
    """Lifetimes of B levels, of any games side by side.

    The library draws no frame of an episode's end: where a game ended by itself, `final_obs` is
    the first frame of the next episode.

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
        self._buffers = Buffers(num_envs)
        self.observations = self._buffers.frames
        self._games: list[OrderedDict[Kind, PinnedGame]] = [OrderedDict() for _ in range(num_envs)]
        self._timeouts = np.ones(num_envs, dtype=np.int64)
        self._fresh = np.zeros(num_envs, dtype=bool)
        self._act = library().libenv_act
        self._handles = np.zeros(num_envs, dtype=np.uint64)

    def load(self, tasks: Sequence[Task]) -> None:
        """Pins slot i to the level of task i; a task that is none of the family fails."""
        self._use_threads(self._given_threads or numba.get_num_threads())
        for slot, task in enumerate(tasks):
            content = task.content
            flaw = flaw_of(content)
            if flaw:
                self.fail(slot, flaw)
                continue
            self.horizons[slot] = content["horizon"]
            self._timeouts[slot] = GAMES[content["game"]].timeout
            game = self._game_for(kind_of(content), slot)
            game.pin(content["level"])
            self._handles[slot] = game.handle.value
            self._fresh[slot] = True

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Starts an episode in these slots; nothing in it is random, the level is the task."""
        del seeds
        starting = slots[~self._fresh[slots]]
        kernels.start_over(self._act, starting, self._handles, self._buffers.actions, RESET)
        self._fresh[slots] = True

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one step in the slots that play; the library's own limit is a horizon, no end."""
        slots, buffers = np.flatnonzero(playing), self._buffers
        arrays: tuple[Any, ...] = (
            self._handles,
            buffers.actions,
            buffers.rewards,
            buffers.first,
            buffers.complete,
            np.asarray(actions),
            self._episode_steps,
            self._timeouts,
            self.rewards,
            self.terminated,
            self.successes,
            self._fresh,
        )
        num_parts = min(self._num_threads, len(slots) // _MIN_SLOTS_A_THREAD)
        if num_parts <= 1 or self._threads is None:
            kernels.advance(self._act, slots, *arrays)
            return
        futures = [
            self._threads.submit(kernels.advance, self._act, slots[k::num_parts].copy(), *arrays)
            for k in range(num_parts)
        ]
        for future in futures:
            future.result()

    def close_extras(self, **kwargs: Any) -> None:
        """Frees all games."""
        del kwargs
        for games in self._games:
            while games:
                games.popitem()[1].close()
        self._use_threads(1)

    def _game_for(self, kind: Kind, slot: int) -> PinnedGame:
        """Returns the slot's instance of a kind; the one that waited longest makes room for it."""
        games = self._games[slot]
        if kind not in games:
            if len(games) == _KINDS_A_SLOT:
                games.popitem(last=False)[1].close()
            games[kind] = PinnedGame(kind, self._buffers, slot)
        games.move_to_end(kind)
        return games[kind]

    def _use_threads(self, num: int) -> None:
        if num == self._num_threads:
            return
        if self._threads is not None:
            self._threads.shutdown()
        self._threads = ThreadPoolExecutor(num) if num > 1 else None
        self._num_threads = num
