"""Lifetimes on a gymnasium `VectorEnv`: B tasks played at once, memory kept by whoever plays.

A lifetime starts with `reset(seed=…, options={"tasks": tasks, "lifetime": Lifetime(…)})`: one call
sets the tasks and starts them. Then `step(actions)` until no slot is `infos["playing"]`. An
episode's end starts the next episode of the same task in the same step (SAME_STEP: the returned
observation is already the new one, the last one stands in `infos["final_obs"]`); a slot whose
lifetime is over waits, its reward 0.

Beside gymnasium's five values, `infos` holds, each of shape [B]:

- `playing`: whether the slot's next action counts.
- `episode_start`: whether the observation is the first of an episode.
- `episode_over`: whether this step ended an episode (complete or cut).
- `complete`: whether that episode was played to its end.
- `success`: whether it reached its goal; nowhere, where `has_success` is False.
- `lifetime_left`: the share of the lifetime that remains, from 1 down to 0.

A slot whose task raises or returns something that is not a finite number fails alone: it stops
playing, and `failures` tells the task's id and the reason.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, final

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from taskgen import lifetime_kernels
from taskgen.batch import TaskBatch
from taskgen.randomness import fold, task_keys
from taskgen.task import Task
from taskgen.watchdog import first_limit_s, time_limit


@dataclass(frozen=True)
class Lifetime:
    """How long a task is played with memory kept.

    Args:
        num_episodes: episodes of a lifetime; with `num_steps`, the most there can be (None: any).
        num_steps: env steps after which a lifetime is cut, whatever the episode; its unfinished
            episode is not complete. None: lifetimes end with their last episode.

    Raises:
        ValueError: if neither bound is given or one is not positive.
    """

    num_episodes: int | None = None
    num_steps: int | None = None

    def __post_init__(self) -> None:
        bounds = (self.num_episodes, self.num_steps)
        if bounds == (None, None) or any(bound is not None and bound < 1 for bound in bounds):
            raise ValueError(f"a lifetime needs num_episodes or num_steps >= 1, got {self}.")


class LifetimeVectorEnv(VectorEnv[Any, Any, Any]):
    """Where lifetimes are played, as whoever plays sees it; see the module's text.

    `lifetime` is what a reset without an option of that name plays, `playing` whether a slot's next
    action counts, and `failures` the reason of every task that failed since tasks were set, by its
    id. `has_success` says whether reaching a goal has a meaning here; where not, whoever records
    outcomes records no successes. A family of tasks is a `FamilyVectorEnv`.

    Args:
        num_envs: the number of slots, B.
        observation_space: of one slot.
        action_space: of one slot.

    Raises:
        TypeError: if an observation is not one array.
    """

    has_success: bool = True
    guards_slots: bool = False
    """Whether a task that raises or hangs fails alone without anybody's help."""
    limits_itself: bool = False
    """Whether calls that take too long are ended from within."""

    def __init__(
        self,
        num_envs: int,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
    ) -> None:
        if observation_space.shape is None:
            raise TypeError(
                f"an observation must be one array, got {observation_space}; "
                f"wrap the environment in gymnasium.wrappers.FlattenObservation."
            )
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = gymnasium.vector.utils.batch_space(observation_space, num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(action_space, num_envs)
        self.playing = np.zeros(num_envs, dtype=bool)
        self.failures: dict[str, str] = {}
        self.lifetime = Lifetime(num_episodes=1)

    @abstractmethod
    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Sets the tasks and starts their lifetimes.

        Args:
            seed: an int; randomness is keyed by (seed, task id, episode), never by the slot.
            options: "tasks", at most B of them (the other slots wait), and "lifetime". Without
                tasks the loaded ones are played again.

        Raises:
            ValueError: if no task was ever given, or more than B.
        """

    @abstractmethod
    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Takes one step in every slot that is playing; see the module's text for `infos`."""


class FamilyVectorEnv(LifetimeVectorEnv):
    """The bookkeeping of lifetimes; a family adds how its tasks load, begin and advance.

    The three abstract methods write into the arrays of this object:

    - `observations`, [B, …]: what each slot sees.
    - `rewards`, float64 [B], `terminated` and `successes`, bool [B]: of the last step.
    - `horizons`, int64 [B]: the longest episode of the slot's task, in env steps.

    Args:
        num_envs: the number of slots, B.
        observation_space: of one slot.
        action_space: of one slot.

    Raises:
        TypeError: if an observation is not one array.
    """

    def __init__(
        self,
        num_envs: int,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
    ) -> None:
        super().__init__(num_envs, observation_space, action_space)
        shape = (num_envs, *self.single_observation_space.shape)  # type: ignore[misc]
        self.observations = np.zeros(shape, dtype=observation_space.dtype)
        self.rewards = np.zeros(num_envs)
        self.terminated = np.zeros(num_envs, dtype=bool)
        self.successes = np.zeros(num_envs, dtype=bool)
        self.horizons = np.ones(num_envs, dtype=np.int64)
        self._episode = np.zeros(num_envs, dtype=np.int64)
        self._episode_steps = np.zeros(num_envs, dtype=np.int64)
        self._lifetime_steps = np.zeros(num_envs, dtype=np.int64)
        self._keys = np.zeros(num_envs, dtype=np.uint64)
        self._task_ids: list[str] = []
        self._current = self.lifetime

    @abstractmethod
    def load(self, tasks: Sequence[Task]) -> None:
        """Puts task i into slot i and writes its `horizons`; there may be fewer than B tasks."""

    @abstractmethod
    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Starts an episode in these slots, with randomness from the seeds alone.

        Writes `observations[slots]`. Gymnasium's single environments take seeds of 31 bits: the
        adapter shifts these right by 33.
        """

    @abstractmethod
    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Takes one step in the slots that are playing.

        Writes `observations`, `rewards`, `terminated` and `successes` of those slots, and leaves
        the end at the horizon to this class.
        """

    @final
    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Sets the tasks and starts their lifetimes; see `LifetimeVectorEnv.reset`."""
        options = options or {}
        if "tasks" in options:
            self._set_tasks(options["tasks"])
        if not self._task_ids:
            raise ValueError('reset needs tasks: reset(seed=…, options={"tasks": tasks}).')
        self._current = options.get("lifetime", self.lifetime)
        num_tasks = len(self._task_ids)
        if isinstance(seed, list):
            raise ValueError(f"reset takes one seed for all slots, an int, got a list: {seed}.")
        self._keys[:num_tasks] = task_keys(seed or 0, self._task_ids)
        for counter in (self._episode, self._episode_steps, self._lifetime_steps):
            counter[:] = 0
        self.rewards[:] = 0.0
        self.terminated[:] = self.successes[:] = False
        self.playing[:] = np.arange(self.num_envs) < num_tasks
        for slot, task_id in enumerate(self._task_ids):
            self.playing[slot] = task_id not in self.failures
        self._begin(np.flatnonzero(self.playing))
        self._drop_failed()
        nothing = np.zeros(self.num_envs, dtype=bool)
        return self.observations.copy(), self._infos(self.playing.copy(), nothing, nothing)

    @final
    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Takes one step in every slot that is playing; see the module's text for `infos`."""
        self.rewards[:] = 0.0
        self.terminated[:] = self.successes[:] = False
        was_playing = self.playing.copy()
        self.advance(actions, was_playing)
        self._drop_failed()
        truncated, over, ended, again = np.zeros((4, self.num_envs), dtype=bool)
        any_over, any_again = lifetime_kernels.account(
            was_playing,
            self.playing,
            self.terminated,
            truncated,
            over,
            ended,
            again,
            self._episode,
            self._episode_steps,
            self._lifetime_steps,
            self.horizons,
            self._current.num_episodes or -1,
            self._current.num_steps or -1,
        )
        final_obs = None
        if any_over:
            final_obs = np.zeros(self.observations.shape, self.observations.dtype)
            final_obs[over] = self.observations[over]
        if any_again:
            self._begin(np.flatnonzero(again))
            self._drop_failed()
        infos = self._infos(again & self.playing, over, ended)
        if final_obs is not None:
            infos["final_obs"], infos["_final_obs"] = final_obs, over
        rewards = self.rewards.copy()
        return self.observations.copy(), rewards, self.terminated.copy(), truncated, infos

    def fail(self, slot: int, reason: str) -> None:
        """Marks the task of a slot as failed; it stops playing, its neighbours go on."""
        self.failures.setdefault(self._task_ids[slot], reason)
        self.playing[slot] = False

    def _set_tasks(self, tasks: Sequence[Task]) -> None:
        if not 0 < len(tasks) <= self.num_envs:
            raise ValueError(f"reset takes 1 to {self.num_envs} tasks, got {len(tasks)}.")
        self._task_ids = tasks.ids if isinstance(tasks, TaskBatch) else [t.id for t in tasks]
        self.failures = {}
        self.load(tasks)

    def _begin(self, slots: NDArray[np.int64]) -> None:
        self._episode_steps[slots] = 0
        self.begin(slots, fold(self._keys[slots], self._episode[slots]))

    def _drop_failed(self) -> None:
        """Stops slots whose reward or observation is not a finite number."""
        are_floats = self.observations.dtype.kind == "f"
        is_finite = lifetime_kernels.all_finite(self.rewards)
        if are_floats:
            is_finite = is_finite and lifetime_kernels.all_finite(self.observations.reshape(-1))
        if is_finite and not self.failures:
            return
        bad = ~np.isfinite(self.rewards) & self.playing
        if are_floats:
            flat = self.observations.reshape(self.num_envs, -1)
            bad |= ~np.isfinite(flat).all(axis=1) & self.playing
        for slot in np.flatnonzero(bad):
            self.fail(int(slot), "an observation or a reward is not a finite number")
        if self.failures:
            self.rewards[~self.playing & ~np.isfinite(self.rewards)] = 0.0
            if are_floats:
                np.nan_to_num(self.observations, copy=False, posinf=0.0, neginf=0.0)

    def _infos(
        self,
        episode_start: NDArray[np.bool_],
        episode_over: NDArray[np.bool_],
        complete: NDArray[np.bool_],
    ) -> dict[str, Any]:
        return {
            "playing": self.playing.copy(),
            "episode_start": episode_start,
            "episode_over": episode_over,
            "complete": complete,
            "success": self.successes & complete,
            "lifetime_left": self._lifetime_left(),
        }

    def _lifetime_left(self) -> NDArray[np.float32]:
        left = np.zeros(self.num_envs, dtype=np.float32)
        lifetime_kernels.write_left(
            left,
            self.playing,
            self._episode,
            self._episode_steps,
            self._lifetime_steps,
            self.horizons,
            self._current.num_episodes or -1,
            self._current.num_steps or -1,
        )
        return left


_called: set[tuple[type[LifetimeVectorEnv], str]] = set()
"""Calls that were made in this process: what they compile on first use is compiled."""


def limit(env: LifetimeVectorEnv, call: str, timeout_s: float) -> AbstractContextManager[None]:
    """Returns the time limit of one call of an environment; the first of a class has more.

    Args:
        env: what is called; none where it limits itself.
        call: the name of the method.
        timeout_s: the longest that it may take, in seconds; see `first_limit_s` for the first.
    """
    if env.limits_itself:
        return nullcontext()
    first = (type(env), call) not in _called
    _called.add((type(env), call))
    return time_limit(first_limit_s(timeout_s) if first else timeout_s)
