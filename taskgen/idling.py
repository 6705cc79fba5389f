"""Which tasks are solved by doing nothing: one episode of each, played without looking."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator, TaskGenerator
from taskgen.isolation import isolated
from taskgen.task import Task
from taskgen.vector import Lifetime


def solved_by_idling(
    generator: TaskGenerator, tasks: Sequence[Task], idle_action: int, timeout_s: float
) -> tuple[NDArray[np.bool_], int]:
    """Returns which tasks one episode of the same idle action solves, [B], and its env steps.

    Where actions are numbers that is zero, or the end nearest to it; where they are choices, one
    of them. A task that fails is not solved.

    Args:
        generator: of the tasks.
        tasks: B tasks.
        idle_action: the choice that does nothing, counted from the first.
        timeout_s: the longest one call of the environments may take, in seconds.

    Raises:
        ValueError: if success has no meaning for these tasks, or there is no such action.
    """
    if not isinstance(generator, EnvGenerator) or not generator.has_success:
        raise ValueError(
            f"{generator.name}: doing nothing cannot solve a task where success has no meaning; "
            f"leave the gate 'idle' out."
        )
    action = _idle(generator.action_space, idle_action)
    solved, num_steps = np.zeros(len(tasks), dtype=bool), 0
    if not len(tasks):
        return solved, 0
    with closing(isolated(generator, len(tasks), timeout_s)) as env:
        options = {"tasks": tasks, "lifetime": Lifetime(num_episodes=1)}
        _, infos = env.reset(seed=0, options=options)
        actions = np.broadcast_to(action, (len(tasks), *action.shape)).copy()
        while (playing := infos["playing"]).any():
            num_steps += int(playing.sum())
            _, _, _, _, infos = env.step(actions)
            solved |= infos["success"]
        return solved & ~np.array([task.id in env.failures for task in tasks]), num_steps


def _idle(space: object, idle_action: int) -> NDArray[np.generic]:
    if isinstance(space, spaces.Box):
        return np.clip(np.zeros(space.shape, space.dtype), space.low, space.high)
    if isinstance(space, spaces.Discrete) and 0 <= idle_action < space.n:
        return np.array(space.start + idle_action)
    raise ValueError(f"idle_action must be a choice of {space}, got {idle_action}.")
