"""Plays lifetimes with any policy in the loop and keeps what happened as arrays.

This is the one loop between policies and environments: training and evaluation share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.learner import Policy, Step
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.vector import Lifetime, LifetimeVectorEnv


class Tape:
    """Arrays that grow by one row a step, [H, …], and keep their room between lifetimes."""

    def __init__(self) -> None:
        self._length = 0
        self._columns: dict[str, NDArray[Any]] = {}

    def clear(self) -> None:
        """Forgets the rows, not the room."""
        self._length = 0

    def append(self, **row: NDArray[Any]) -> None:
        """Adds one row to each column."""
        for name, values in row.items():
            column = self._columns.get(name)
            if column is None or column.shape[1:] != values.shape:
                column = self._columns[name] = np.empty((64, *values.shape), values.dtype)
            if self._length == len(column):
                column = self._columns[name] = np.concatenate([column, np.empty_like(column)])
            column[self._length] = values
        self._length += 1

    def drop(self, num_rows: int) -> None:
        """Forgets the first rows."""
        for column in self._columns.values():
            column[: self._length - num_rows] = column[num_rows : self._length]
        self._length -= num_rows

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return list(self._columns)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self._length]


@dataclass(frozen=True)
class Lifetimes:
    """What the environment's side of B lifetimes was, time first.

    Args:
        rewards: raw, 0 where not valid, float64 [H, B].
        valid: which steps were played, bool [H, B].
        episode_over: which steps ended an episode, complete or cut, bool [H, B].
        complete: which steps ended an episode that was played to its end, bool [H, B]; nowhere
            for a task that failed, whatever it had played before.
        successes: which steps reached the goal, bool [H, B].
        failed: tasks that raised or returned nonsense, bool [B].
        num_episodes: E of a lifetime bounded in episodes alone, else None.
        has_success: whether reaching a goal has a meaning for these tasks.
    """

    rewards: NDArray[np.float64]
    valid: NDArray[np.bool_]
    episode_over: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    successes: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    num_episodes: int | None
    has_success: bool = True

    def outcomes(
        self,
        td_errors: NDArray[np.float32] | None = None,
        expected_returns: NDArray[np.float64] | None = None,
        discounted_returns: NDArray[np.float64] | None = None,
    ) -> Outcomes:
        """Returns the record of each task; where there is a critic, with what it has to say.

        Args:
            td_errors: [B, H].
            expected_returns: of the lifetime at its first step, [B].
            discounted_returns: what came of it, [B].
        """
        episode: NDArray[np.int64] = np.cumsum(self.episode_over, axis=0) - self.episode_over
        num_episodes = self.num_episodes or max(1, int(self.complete.sum(axis=0).max(initial=0)))
        inside = self.valid & (episode < num_episodes)
        slot = np.broadcast_to(np.arange(self.valid.shape[1]), self.valid.shape)
        cells = slot[inside] * num_episodes + episode[inside]

        def total(values: NDArray[Any]) -> NDArray[np.float64]:
            size = self.valid.shape[1] * num_episodes
            weights = values[inside].astype(np.float64)
            sums = np.bincount(cells, weights, minlength=size).astype(np.float64)
            return sums.reshape(-1, num_episodes)

        complete = total(self.complete) > 0
        return Outcomes(
            returns=np.where(complete, total(self.rewards), 0.0),
            lengths=np.where(complete, total(self.valid), 0.0).astype(np.int64),
            successes=complete & (total(self.successes) > 0) if self.has_success else None,
            complete=complete,
            valid=np.ascontiguousarray(self.valid.T),
            td_errors=td_errors,
            expected_returns=expected_returns,
            discounted_returns=discounted_returns,
        )


def play_lifetimes(
    env: LifetimeVectorEnv,
    tasks: Sequence[Task],
    policy: Policy,
    *,
    seed: int,
    lifetime: Lifetime | None = None,
) -> Lifetimes:
    """Plays one lifetime of each task, until nobody is playing; H is 0 where nobody could begin.

    Args:
        env: where; with at least as many slots as there are tasks.
        tasks: B tasks.
        policy: for B tasks, with empty memory.
        seed: of the environments' randomness, keyed by task and episode.
        lifetime: how long; None: as the environment has it.
    """
    lifetime = lifetime or env.lifetime
    options = {"tasks": tasks, "lifetime": lifetime}
    observations, infos = env.reset(seed=seed, options=options)
    step = _step_of(observations, np.zeros(env.num_envs), infos, len(tasks))
    padded = np.zeros((env.num_envs, *(env.single_action_space.shape or ())), _action_type(env))
    tape = Tape()
    while step.playing.any():
        padded[: len(tasks)] = policy.act(step)
        observations, rewards, _, _, infos = env.step(padded)
        valid = step.playing
        tape.append(
            rewards=rewards[: len(tasks)],
            valid=valid,
            episode_over=infos["episode_over"][: len(tasks)],
            complete=infos["complete"][: len(tasks)],
            successes=infos["success"][: len(tasks)],
        )
        step = _step_of(observations, rewards, infos, len(tasks))
    return _collect(tape, env, tasks, lifetime)


def _step_of(observations: NDArray[Any], rewards: NDArray[Any], infos: Any, num_tasks: int) -> Step:
    step = Step.of(observations, rewards, infos)
    if num_tasks == len(step.playing):
        return step
    fields = vars(step).items()
    return replace(step, **{name: values[:num_tasks] for name, values in fields})


def _action_type(env: LifetimeVectorEnv) -> Any:
    return env.single_action_space.dtype or np.int64


def _collect(
    tape: Tape, env: LifetimeVectorEnv, tasks: Sequence[Task], lifetime: Lifetime
) -> Lifetimes:
    failed = np.zeros(len(tasks), dtype=bool)
    if env.failures:
        failed[:] = [task.id in env.failures for task in tasks]
    flags = ("valid", "episode_over", "complete", "successes")
    columns: dict[str, Any] = {name: np.zeros((0, len(tasks)), dtype=bool) for name in flags}
    columns["rewards"] = np.zeros((0, len(tasks)))
    if len(tape):
        columns = {name: tape[name] for name in columns}
    # A task that fails halfway is not judged by the half that went well.
    columns["complete"] = columns["complete"] & ~failed
    bounded_in_episodes = lifetime.num_steps is None
    return Lifetimes(
        **columns,
        failed=failed,
        num_episodes=lifetime.num_episodes if bounded_in_episodes else None,
        has_success=env.has_success,
    )
