"""Lifetimes of many bodies at once, on one pool of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numba
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch
from taskgen.generators.mujoco.arena import DIVERGED, Arena
from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.rules import Rules
from taskgen.generators.mujoco.space import default_content
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv


def spaces_of(arena: Arena) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    """Returns the spaces of one observation and one action."""
    low, high = arena.simulation.model.actuator_ctrlrange.astype(np.float32).T
    return Box(-np.inf, np.inf, (arena.sight.size,), np.float64), Box(low, high, dtype=np.float32)


def contents_of(tasks: Sequence[Task]) -> Mapping[str, NDArray[Any]]:
    """Returns the contents of B well-formed tasks as arrays, [B, …]."""
    if isinstance(tasks, ArrayBatch):
        return tasks.contents
    first = tasks[0].content
    return {key: np.array([task.content[key] for task in tasks]) for key in first}


def flaw_of(task: Task, default: Mapping[str, NDArray[Any]]) -> str:
    """Returns why a task's content is none of a family, "" where it is one.

    Args:
        task: of whatever origin.
        default: the content of the family's default task, [1, …] each.
    """
    content = task.content if isinstance(task.content, dict) else {}
    if set(content) != set(default):
        return f"its content must have {', '.join(sorted(default))}, got {sorted(content)}."
    for key, value in default.items():
        given = np.asarray(content[key])
        if given.shape != value.shape[1:] or given.dtype.kind not in _KINDS[value.dtype.kind]:
            return f"{key} must be like {value[0].tolist()}, got {content[key]!r}."
        if given.dtype.kind in "if" and not np.isfinite(given).all():
            return f"{key} must be finite, got {content[key]!r}."
    return ""


_KINDS = {"i": "i", "f": "if", "U": "U"}
"""What kinds of numbers, or text, stand for what kinds."""


class MuJoCoVectorEnv(FamilyVectorEnv):
    """Lifetimes of B bodies; new tasks need no new model.

    Args:
        body: the row.
        rules: what is rewarded.
        num_envs: B.
        num_threads: of the engine; by default as many as the process's other engines may use
            (`numba.get_num_threads`), asked again whenever tasks are loaded.
    """

    has_success = False

    def __init__(
        self, body: Body, rules: Rules, num_envs: int, num_threads: int | None = None
    ) -> None:
        self._num_threads = num_threads
        self._default = default_content(body, rules)
        self.arena = Arena(body, rules, num_envs, self._threads(num_envs))
        super().__init__(num_envs, *spaces_of(self.arena))
        self._share_arrays()

    def load(self, tasks: Sequence[Task]) -> None:
        """Gives task i's goal and physics to slot i; a task that is none of the family fails."""
        arena = self.arena
        threads = self._threads(self.num_envs)
        if threads != arena.simulation.batch.nthread:
            self.arena = Arena(arena.body, arena.rules, self.num_envs, threads)
            self._share_arrays()
        self.horizons[:] = arena.rules.horizon
        if isinstance(tasks, ArrayBatch):
            self.arena.load(tasks.contents)
            return
        flaws = [flaw_of(task, self._default) for task in tasks]
        rows = [
            {key: value[0] for key, value in self._default.items()} if flaw else task.content
            for task, flaw in zip(tasks, flaws, strict=True)
        ]
        self.arena.load({key: np.array([row[key] for row in rows]) for key in self._default})
        for slot, flaw in enumerate(flaws):
            if flaw:
                self.fail(slot, flaw)

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Starts an episode in these slots, with the noise of gymnasium's for 31 bits of seed."""
        self.arena.begin(slots, (seeds >> np.uint64(33)).astype(np.int64))

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one env step in the slots that play; one that diverges fails alone."""
        actions = np.asarray(actions)
        diverged = self.arena.advance(actions, playing, self._episode_steps, self._lifetime_steps)
        np.copyto(self.terminated, self.arena.fallen)
        for slot in diverged.tolist():
            if playing[slot]:
                self.fail(slot, DIVERGED)

    def _threads(self, num_envs: int) -> int:
        return min(self._num_threads or numba.get_num_threads(), num_envs)

    def _share_arrays(self) -> None:
        self.observations, self.rewards = self.arena.observations, self.arena.rewards
