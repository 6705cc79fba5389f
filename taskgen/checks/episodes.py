"""Checks of whole episodes: what is seen stays in its space to the end, and success is told.

Each returns "" or the reason why it fails. Every task is played twice: with an action drawn anew
at each step, and with one action held, which gets farther than what wanders.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from taskgen.checks.specimens import Specimens
from taskgen.generator import EnvGenerator
from taskgen.task import Task
from taskgen.vector import Lifetime, LifetimeVectorEnv

_MAX_STEPS = 1000
_NUM_ALONE = 4  # tasks that are played one by one, as `make_env` gives them


def stays_in_space(specimens: Specimens) -> str:
    """Observations lie in their space until the end of an episode, whatever is done."""
    generator = specimens.env_generator
    if _holds_every_number(generator.observation_space):
        return ""
    for task, held in _ways(specimens):
        for step, (observation, _) in enumerate(_alone(generator, task, held)):
            if not generator.observation_space.contains(observation):
                return _outside(task, step, held)
    tasks = [task for task in specimens.tasks() if generator.is_valid(task)]
    with closing(generator.make_vector_env(len(tasks))) as env:
        for held in (False, True):
            left = _first_to_leave(env, tasks, held)
            if left is not None:
                return _outside(tasks[left[0]], left[1], held)
    return ""


def tells_success(specimens: Specimens) -> str:
    """Environments that can succeed say whether they did, batched ones as the generator does."""
    generator = specimens.env_generator
    with closing(generator.make_vector_env(1)) as env:
        there = env.has_success
    if there != generator.has_success:
        return f"has_success is {generator.has_success}, that of make_vector_env is {there}"
    ways = list(_ways(specimens)) if generator.has_success else []
    for task, held in ways:
        if any("success" in info for _, info in _alone(generator, task, held)):
            return ""
    if not ways:
        return ""
    return (
        f'has_success is True, but no step of {len(ways)} episodes had "success" in its info; put '
        f"it there, True in the step that reached the goal and else False, or set has_success = "
        f"False"
    )


def _holds_every_number(space: gymnasium.Space[Any]) -> bool:
    if not isinstance(space, Box) or not np.issubdtype(space.dtype, np.floating):
        return False
    return not (space.bounded_below.any() or space.bounded_above.any())


def _ways(specimens: Specimens) -> Iterator[tuple[Task, bool]]:
    """Yields a few tasks, and whether to hold the action."""
    for task in specimens.some(_NUM_ALONE):
        yield task, False
        yield task, True


def _alone(generator: EnvGenerator, task: Task, held: bool) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yields observation and info of each step of an episode, as the environment gives them."""
    actions = copy.deepcopy(generator.action_space)
    actions.seed(0)
    action, over = actions.sample(), False
    with closing(generator.make_env(task)) as env:
        yield env.reset(seed=0)
        for _ in range(min(generator.horizon(task), _MAX_STEPS)):
            if over:
                return
            action = action if held else actions.sample()
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            yield observation, info


def _first_to_leave(
    env: LifetimeVectorEnv, tasks: Sequence[Task], held: bool
) -> tuple[int, int] | None:
    """Returns slot and step of an observation outside its space; None if there is none.

    All slots are looked at in one comparison; one by one only where that finds something.
    """
    actions = copy.deepcopy(env.action_space)
    actions.seed(0)
    lifetime = Lifetime(num_episodes=1, num_steps=_MAX_STEPS)
    observations, _ = env.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    action, was_playing = actions.sample(), env.playing.copy()
    for step in range(_MAX_STEPS + 1):
        if not env.observation_space.contains(observations):
            for slot in np.flatnonzero(was_playing).tolist():
                if not env.single_observation_space.contains(observations[slot]):
                    return slot, step
        was_playing = env.playing.copy()
        if not was_playing.any():
            break
        action = action if held else actions.sample()
        observations, *_ = env.step(action)
    return None


def _outside(task: Task, step: int, held: bool) -> str:
    how = "one action held" if held else "actions drawn anew"
    return (
        f"after {step} steps with {how} an observation of {task.params} lies outside the "
        f"observation space; clip it, or declare what it can be"
    )
