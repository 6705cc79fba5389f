"""Short episodes of many tasks at once, played with random actions and kept as transitions.

All slots are stepped together by the source's own vector environment. What happens in a slot
depends on its task and its key alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator
from taskgen.generators.dynamics.actions import RandomActions
from taskgen.randomness import fold, uniforms
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv, Lifetime

_ACTIONS, _EPISODES = 0, 1
"""What the two streams of a slot's key are for."""


class NotPlayable(RuntimeError):
    """A task of the source failed while it was played; the message has the reason."""


@dataclass(frozen=True)
class Transitions:
    """T transitions in each of N slots, in the order in which they were played.

    Args:
        before: what was seen before each action, [N, T, O].
        actions: as numbers, [N, T, F].
        after: what was seen after it, the last observation where an episode ended, [N, T, O].
    """

    before: NDArray[np.float64]
    actions: NDArray[np.float64]
    after: NDArray[np.float64]


def played(
    source: EnvGenerator,
    tasks: Sequence[Task],
    keys: NDArray[np.uint64],
    num_steps: int,
    holds: NDArray[np.int64],
) -> Transitions:
    """Returns the first transitions of an episode of each task, under random actions.

    An episode that ends before is followed by another one.

    Args:
        source: of the tasks.
        tasks: one a slot, N; the same task may stand in several.
        keys: of what is random in each slot, [N].
        num_steps: T.
        holds: for how many env steps an action is held, [N].

    Raises:
        NotPlayable: if a task fails.
    """
    random_actions = RandomActions(source.action_space)
    num_draws = random_actions.num_draws
    draws = uniforms(fold(keys, _ACTIONS), num_steps * num_draws)
    steps = np.arange(num_steps)
    held = steps - steps % holds[:, None]
    units = draws.reshape(len(tasks), num_steps, num_draws)
    actions = random_actions.drawn(np.take_along_axis(units, held[:, :, None], axis=1))
    with closing(source.make_vector_env(len(tasks))) as env:
        before, after = _observed(env, tasks, fold(keys, _EPISODES), actions)
    return Transitions(before, random_actions.features(actions), after)


def _observed(
    env: FamilyVectorEnv, tasks: Sequence[Task], keys: NDArray[np.uint64], actions: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns what is seen before and after each action, [N, T, O] each."""
    num_steps = actions.shape[1]
    lifetime = Lifetime(num_steps=num_steps)
    env.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    num_episodes = np.zeros(len(tasks), dtype=np.int64)
    before, after = [], []
    begins = env.playing.copy()
    for step in range(num_steps):
        # The environment keys its episodes by task, which may stand in many slots: begun anew.
        slots = np.flatnonzero(begins)
        if len(slots):
            env.begin(slots, fold(keys[slots], num_episodes[slots]))
            num_episodes[slots] += 1
        before.append(env.observations.copy())
        seen, _, _, _, infos = env.step(actions[:, step])
        if (over := infos["episode_over"]).any():
            seen[over] = infos["final_obs"][over]
        after.append(seen)
        begins = infos["episode_start"]
    if env.failures:
        task_id, reason = next(iter(env.failures.items()))
        raise NotPlayable(f"the source's task {task_id} failed: {reason}")
    return _flat(before), _flat(after)


def _flat(seen: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """Returns observations of T steps, [N, *observation] each, as [N, T, O]."""
    together = np.stack(seen, axis=1)
    return together.reshape(*together.shape[:2], -1).astype(np.float64)
