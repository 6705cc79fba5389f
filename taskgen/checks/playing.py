"""Checks of how tasks play.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from taskgen.checks.specimens import Specimens
from taskgen.generator import EnvGenerator, ProblemGenerator
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.task import Task, content_id
from taskgen.vector import Lifetime, LifetimeVectorEnv

Record: TypeAlias = dict[str, NDArray[Any]]

_TOLERANCE = 1e-5


def leaves_globals_alone(specimens: Specimens) -> str:
    """Making and playing tasks leaves the global random states as they were."""
    before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    tasks = specimens.some(4)
    if isinstance(specimens.generator, EnvGenerator):
        _played(specimens.generator.make_vector_env(len(tasks)), tasks, num_steps=20)
    if isinstance(specimens.generator, ProblemGenerator):
        specimens.generator.make_problems(tasks, np.random.default_rng(0))
    after = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    for whose, was, is_now in zip(("Python", "numpy"), before, after, strict=True):
        if was != is_now:
            return f"it draws from {whose}'s global state; use numpy.random.default_rng(seed)"
    return ""


def one_space(specimens: Specimens) -> str:
    """Every task has the generator's spaces, and its observations lie within."""
    generator = specimens.env_generator
    for task in specimens.tasks():
        if not generator.is_valid(task):
            continue
        env = generator.make_env(task)
        if env.observation_space != generator.observation_space:
            return _other("observation", task, env.observation_space, generator.observation_space)
        if env.action_space != generator.action_space:
            return _other("action", task, env.action_space, generator.action_space)
        action_space = copy.deepcopy(env.action_space)
        action_space.seed(0)
        seen = [env.reset(seed=0)[0], env.step(action_space.sample())[0]]
        env.close()
        if not all(env.observation_space.contains(observation) for observation in seen):
            return f"an observation of {task.params} lies outside the observation space"
        if generator.horizon(task) < 1:
            return f"the horizon of {task.params} must be at least 1"
    return ""


def gymnasium_agrees(specimens: Specimens) -> str:
    """Gymnasium's `check_env` passes."""
    generator = specimens.env_generator
    for task in specimens.some(2):
        env = generator.make_env(task)
        check_env(env, skip_render_check=True)
        env.close()
    return ""


def vector_equals_single(specimens: Specimens) -> str:
    """The batched environment plays every task as `make_env` does, in any slot."""
    generator = specimens.env_generator
    tasks = specimens.some(8)
    order = np.random.default_rng(3).permutation(len(tasks))
    batched = _played(generator.make_vector_env(len(tasks)), tasks)
    moved = _played(generator.make_vector_env(len(tasks) + 3), tasks, order)
    single = _played(SlotwiseVectorEnv(generator, len(tasks)), tasks)
    apart = _first_difference(batched, moved)
    if apart:
        return f"what a task does depends on its slot ({apart})"
    apart = _first_difference(batched, single)
    return f"make_vector_env plays other than make_env ({apart})" if apart else ""


def no_trace(specimens: Specimens) -> str:
    """Tasks A, then B, then A in one environment: A plays as before, and is as it was."""
    generator = specimens.env_generator
    tasks = specimens.some(8)
    half = max(len(tasks) // 2, 1)
    first, second = tasks[:half], tasks[half:] or tasks[:half]
    env = generator.make_vector_env(len(first))
    before = _played(env, first, close=False)
    for start in range(0, len(second), len(first)):
        _played(env, second[start : start + len(first)], close=False)
    apart = _first_difference(before, _played(env, first))
    if apart:
        return f"a task plays otherwise after others were played ({apart})"
    changed = [t for t in tasks if content_id(t.generator, t.content) != t.id]
    return f"playing changed the content of {changed[0].params}" if changed else ""


def oracle_is_best(specimens: Specimens) -> str:
    """Random play does not earn more than `oracle_return`, on average over tasks."""
    generator = specimens.env_generator
    tasks = specimens.some(64 if specimens.thorough else 16)
    best = [generator.oracle_return(task) for task in tasks]
    known = [i for i, value in enumerate(best) if value is not None]
    if not known:
        return ""
    record = _played(generator.make_vector_env(len(tasks)), tasks, num_episodes=1)
    over = record["complete"].any(axis=0)
    extra = record["rewards"].sum(axis=0) - np.array(best, dtype=float)
    extra = extra[[i for i in known if over[i]]]
    if not len(extra):
        return ""
    # A return may be above its expectation by luck, so it takes more than four standard errors.
    slack = 4.0 * extra.std() / np.sqrt(len(extra)) + 1e-6
    if extra.mean() > slack:
        return f"random play earns {extra.mean():.3g} more than oracle_return on average"
    return ""


def _other(what: str, task: Task, there: Any, here: Any) -> str:
    return f"the {what} space of {task.params} is {there}, elsewhere it is {here}"


def _played(
    env: LifetimeVectorEnv,
    tasks: Sequence[Task],
    order: NDArray[np.int64] | None = None,
    *,
    num_episodes: int = 2,
    num_steps: int = 200,
    close: bool = True,
) -> Record:
    """Returns what happens under random actions that are the task's own, in the tasks' order.

    Args:
        env: with at least as many slots as tasks.
        tasks: B of them.
        order: which slot takes which task; by default slot i takes task i.
        num_episodes: of the lifetime.
        num_steps: after which it is cut.
        close: the environment when done.

    Raises:
        RuntimeError: if a task fails in play.
    """
    order = np.arange(len(tasks)) if order is None else order
    back = np.argsort(order)
    spaces = [copy.deepcopy(env.single_action_space) for _ in tasks]
    for i, space in enumerate(spaces):
        space.seed(i)
    options = {
        "tasks": [tasks[i] for i in order],
        "lifetime": Lifetime(num_episodes=num_episodes, num_steps=num_steps),
    }
    observations, infos = env.reset(seed=5, options=options)
    steps = [{"observations": observations[back], **_flags(infos, back)}]
    idle = np.asarray(env.single_action_space.sample())
    while env.playing.any():
        actions = np.stack([np.asarray(space.sample()) for space in spaces])[order]
        rest = np.repeat(idle[None], env.num_envs - len(tasks), axis=0)
        observations, rewards, terminated, truncated, infos = env.step(
            np.concatenate([actions, rest])
        )
        waits = ~(infos["playing"] | infos["episode_over"])
        observations = np.where(_like(waits, observations), 0, observations)
        moved = {"observations": observations, "rewards": rewards, "ends": terminated | truncated}
        steps.append({**{k: v[back] for k, v in moved.items()}, **_flags(infos, back)})
    if env.failures:
        raise RuntimeError(next(iter(env.failures.values())).strip().splitlines()[-1])
    if close:
        env.close()
    return {name: np.stack([step[name] for step in steps[1:]]) for name in steps[-1]} | {
        "first observations": steps[0]["observations"]
    }


def _flags(infos: dict[str, Any], back: NDArray[np.int64]) -> Record:
    names = ("playing", "episode_start", "complete", "success", "lifetime_left")
    return {name: infos[name][back] for name in names}


def _like(mask: NDArray[np.bool_], array: NDArray[Any]) -> NDArray[np.bool_]:
    return mask.reshape(mask.shape + (1,) * (array.ndim - 1))


def _first_difference(here: Record, there: Record) -> str:
    """Returns which record differs first and when, "" where all are equal up to rounding."""
    for name, value in here.items():
        other = there[name]
        if value.shape != other.shape:
            return f"{name}: {value.shape[0]} steps against {other.shape[0]}"
        if not np.allclose(value, other, rtol=_TOLERANCE, atol=_TOLERANCE):
            apart = ~np.isclose(value, other, rtol=_TOLERANCE, atol=_TOLERANCE)
            step, task = np.argwhere(apart)[0][:2] if name != "first observations" else (0, 0)
            return f"{name} at step {step} of task {task}"
    return ""
