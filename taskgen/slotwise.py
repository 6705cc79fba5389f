"""Lifetimes of any generator that has `make_env`: one environment a slot, one after the other.

What every gymnasium environment is played by until its family has a batched engine of its own. It
is also what such an engine is compared with: both must play every task alike.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv
from taskgen.watchdog import time_limit

if TYPE_CHECKING:
    from taskgen.generator import EnvGenerator


class SlotwiseVectorEnv(FamilyVectorEnv):
    """Lifetimes of any generator with `make_env`: one environment a slot, a Python loop.

    This is what makes every gymnasium environment playable. An environment that raises, or that
    does not answer within `timeout_s`, costs its own task alone.

    Args:
        generator: makes the environments.
        num_envs: the number of slots.
        timeout_s: the longest one call of an environment may take, in seconds.
    """

    guards_slots = limits_itself = True

    def __init__(self, generator: EnvGenerator, num_envs: int, timeout_s: float = 10.0) -> None:
        super().__init__(num_envs, generator.observation_space, generator.action_space)
        self.has_success = generator.has_success
        self._generator = generator
        self._timeout_s = timeout_s
        self._envs: list[gymnasium.Env[Any, Any] | None] = [None] * num_envs

    def load(self, tasks: Sequence[Task]) -> None:
        """Makes one environment a task, and closes those of the lifetime before."""
        self.close_extras()
        for slot, task in enumerate(tasks):
            self._envs[slot] = self._guarded(slot, self._generator.make_env, task)
            self.horizons[slot] = self._guarded(slot, self._generator.horizon, task) or 1

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Resets the environments of these slots."""
        for slot, seed in zip(slots.tolist(), seeds.tolist(), strict=True):
            self._guarded(slot, self._begin_one, slot, seed >> 33)

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Steps the environments that are playing, one after the other."""
        for slot in np.flatnonzero(playing).tolist():
            self._guarded(slot, self._advance_one, slot, actions[slot])

    def close_extras(self, **kwargs: Any) -> None:
        """Closes every environment; one that raises or hangs in it is let go."""
        del kwargs
        for slot, env in enumerate(self._envs):
            with suppress(Exception), time_limit(self._timeout_s):
                if env is not None:
                    env.close()
            self._envs[slot] = None

    def _begin_one(self, slot: int, seed: int) -> None:
        env = self._envs[slot]
        assert env is not None
        self.observations[slot], _ = env.reset(seed=seed)

    def _advance_one(self, slot: int, action: Any) -> None:
        env = self._envs[slot]
        assert env is not None
        observation, reward, terminated, truncated, info = env.step(action)
        self.observations[slot] = observation
        self.rewards[slot] = float(reward)
        # A time limit of the environment's own that is shorter than the horizon is an end like
        # any other; one that coincides with it is left to the base class, as a truncation.
        limited = truncated and self._episode_steps[slot] + 1 < self.horizons[slot]
        self.terminated[slot] = bool(terminated or limited)
        self.successes[slot] = bool(info.get("success", False)) and self.has_success

    def _guarded(self, slot: int, call: Any, *arguments: Any) -> Any:
        """Returns what the call returns, or None after noting why the slot's task failed."""
        try:
            with time_limit(self._timeout_s):
                return call(*arguments)
        except Exception:
            self.fail(slot, traceback.format_exc(limit=-3))
            return None
