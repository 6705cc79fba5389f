"""Does a parameter do anything? A two-sample test on what its tasks are and how they play.

A parameter that is declared, drawn and recorded but never felt is the commonest defect of task
families. Here tasks at both ends of its range are made with the same seeds and played with the
same random actions, or their sets are made with the same keys; what they contain and how they play
is put into numbers, and the two samples are compared. What is fixed by the parameter alone, like
a copy of its value in the content, is no effect: it has to show in play.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.checks.problem_features import content_features
from taskgen.checks.specimens import Specimens, active_row
from taskgen.generator import EnvGenerator, ProblemGenerator
from taskgen.parameter_space import Row
from taskgen.parameters import Categorical, Scalar
from taskgen.vector import Lifetime

if TYPE_CHECKING:
    from taskgen.generator import TaskGenerator
    from taskgen.vector import FamilyVectorEnv

ALPHA = 1e-3
"""The chance that a parameter without effect passes."""
MAX_PROJECTIONS = 16
_MAX_DENSE = 4096
NUM_BASES = 3
NUM_DRAWS = 4
"""Sets that are made of each problem: what shows in one alone may be small beside their luck."""

Features = dict[str, NDArray[np.float64]]


def why_without_effect(
    generator: TaskGenerator, name: str, num_tasks: int = 48, num_steps: int = 150
) -> str:
    """Returns "" if the parameter has an effect, else what was compared in vain.

    A number is tried at both ends of its range (of `check_ranges` where the generator names it
    there), a categorical with each choice against its default. The other parameters stand at their
    defaults, moved where `active_when` asks for it; where nothing shows, random rows are tried.

    Args:
        generator: whose parameter it is.
        name: of the parameter.
        num_tasks: tasks on each side.
        num_steps: env steps that each task is played for, at most, twice.
    """
    rng = np.random.default_rng(0)
    rows = [active_row(generator, name)]
    rows += [active_row(generator, name, rng) for _ in range(NUM_BASES - 1)]
    for here, there in _contrasts(generator, name):
        tried = (_differ(generator, name, here, there, row, num_tasks, num_steps) for row in rows)
        if not any(tried):
            return (
                f"{name} = {here!r} and {name} = {there!r} give tasks that cannot be told apart "
                f"by content or play ({num_tasks} tasks a side, {NUM_BASES} bases)"
            )
    return ""


def has_effect(specimens: Specimens, name: str) -> str:
    """The parameter has an effect."""
    num_tasks = 192 if specimens.thorough else 48
    return why_without_effect(specimens.generator, name, num_tasks)


def largest_gap(here: NDArray[np.float64], there: NDArray[np.float64]) -> float:
    """Returns the Kolmogorov–Smirnov statistic D = sup |F − G| of two samples, in [0, 1].

    Example:
        >>> largest_gap(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
        0.5
    """
    values = np.concatenate([here, there])
    below_here = np.searchsorted(np.sort(here), values, side="right") / len(here)
    below_there = np.searchsorted(np.sort(there), values, side="right") / len(there)
    return float(np.abs(below_here - below_there).max())


def critical_gap(n: int, m: int, alpha: float) -> float:
    """Returns the D that two samples of one distribution pass with probability alpha at most.

        D = √(−ln(α/2) · (n + m) / (2·n·m))

    Source: Smirnov 1948, the leading term of the asymptotic distribution; conservative with ties.
    """
    return math.sqrt(-math.log(alpha / 2) * (n + m) / (2 * n * m))


def behaviour(env: FamilyVectorEnv, tasks: Sequence[Any], seed: int, num_steps: int) -> Features:
    """Returns how B tasks play under the same random actions and the same seed of the episode.

    Returns:
        Length, return and success of the first episode (cut at `num_steps`), and mean and mean
        change of up to 16 projections of the observation, each [B].
    """
    B = len(tasks)
    lifetime = Lifetime(num_episodes=1, num_steps=num_steps)
    env.reset(seed=seed, options={"tasks": tasks, "lifetime": lifetime})
    slots = np.flatnonzero(env.playing)
    env.begin(slots, np.full(len(slots), (seed + 1) << 33, dtype=np.uint64))
    project = _projection(env.observations, seed)
    space = copy.deepcopy(env.single_action_space)
    space.seed(seed)
    seen = project(env.observations)[:B]
    total, change = np.zeros_like(seen), np.zeros_like(seen)
    length, gain, success = np.zeros(B), np.zeros(B), np.zeros(B)
    while env.playing.any():
        playing = env.playing[:B].astype(float)
        action = np.asarray(space.sample())
        _, rewards, _, _, infos = env.step(np.stack([action] * env.num_envs))
        last, seen = seen, project(env.observations)[:B]
        total += seen * playing[:, None]
        change += np.abs(seen - last) * playing[:, None]
        length += playing
        gain += rewards[:B] * playing
        success += infos["success"][:B]
    features = {"length": length, "return": gain, "success": success}
    steps = np.maximum(length, 1.0)
    for k in range(total.shape[1]):
        features[f"observation {k}"] = total[:, k] / steps
        features[f"change {k}"] = change[:, k] / steps
    return features


def _contrasts(generator: TaskGenerator, name: str) -> list[tuple[Scalar, Scalar]]:
    parameter = generator.space[name]
    if isinstance(parameter, Categorical):
        others = [choice for choice in parameter.choices if choice != parameter.default]
        return [(parameter.default, choice) for choice in others]
    low, high = generator.check_ranges.get(name, (parameter.low, parameter.high))
    return [(low, high)]


def _differ(
    generator: TaskGenerator,
    name: str,
    here: Scalar,
    there: Scalar,
    row: Row,
    num_tasks: int,
    num_steps: int,
) -> bool:
    """Whether some feature tells the tasks of two values apart, at ALPHA over all tries."""
    sides = [_valid_tasks(generator, {**row, name: value}, num_tasks) for value in (here, there)]
    if min(map(len, sides)) < num_tasks // 4:
        return False
    still = [_of_different(tasks, partial(_still_features, generator)) for tasks in sides]
    play = partial(_played_features, generator, num_steps=num_steps)
    played = [_of_different(tasks, play) for tasks in sides]
    pairs = [(a, b) for a, b in _shared(*still) if np.ptp(a) or np.ptp(b)] + _shared(*played)
    alpha = ALPHA / (NUM_BASES * max(len(pairs), 1))
    limit = critical_gap(len(sides[0]), len(sides[1]), alpha)
    return any(largest_gap(*_rounded(a, b)) > limit for a, b in pairs)


def _valid_tasks(generator: TaskGenerator, row: Row, num_tasks: int) -> TaskBatch:
    seeds = np.arange(2 * num_tasks, dtype=np.int64)
    batch = generator.make_tasks(generator.space.columns([row] * len(seeds)), seeds)
    return batch.select(np.flatnonzero(batch.validity)[:num_tasks])


def _of_different(tasks: TaskBatch, find: Callable[[TaskBatch], Features]) -> Features:
    """Returns the features of B tasks, found once where they have one id: those are alike."""
    _, firsts, which = np.unique(tasks.ids, return_index=True, return_inverse=True)
    return {name: values[which] for name, values in find(tasks.select(firsts)).items()}


def _still_features(generator: TaskGenerator, tasks: TaskBatch) -> Features:
    """Returns what can be known without playing: the numbers of the content, and `describe`."""
    rows = []
    for task in tasks:
        row = {f"describe {k}": v for k, v in generator.describe(task).items()}
        rows.append({**row, **_leaves("content", task.content)})
    names = set(rows[0]).intersection(*rows[1:])
    return {name: np.array([row[name] for row in rows], dtype=float) for name in sorted(names)}


def _played_features(generator: TaskGenerator, tasks: TaskBatch, num_steps: int) -> Features:
    """Returns how the tasks play, all under the same luck."""
    if isinstance(generator, ProblemGenerator):
        keys = np.arange(NUM_DRAWS, dtype=np.uint64)[:, None].repeat(len(tasks), axis=1)
        draws = [content_features(generator.make_keyed_problems(tasks, key)) for key in keys]
        return {name: np.mean([draw[name] for draw in draws], axis=0) for name in draws[0]}
    assert isinstance(generator, EnvGenerator)
    env = generator.make_vector_env(len(tasks))
    try:
        both = [behaviour(env, tasks, seed, num_steps) for seed in (0, 1)]
    finally:
        env.close()
    return {name: 0.5 * (both[0][name] + both[1][name]) for name in both[0]}


def _leaves(path: str, value: Any) -> dict[str, float]:
    """Returns the numbers in a JSON value; of long lists their length, mean and spread."""
    if isinstance(value, bool | int | float):
        return {path: float(value)}
    if isinstance(value, dict):
        return {k: v for key in value for k, v in _leaves(f"{path}.{key}", value[key]).items()}
    if not isinstance(value, list):
        return {}
    if len(value) <= 8:
        return {k: v for i, x in enumerate(value) for k, v in _leaves(f"{path}[{i}]", x).items()}
    flat = [number for item in value for number in _leaves("", item).values()]
    summary = {
        "len": len(value),
        "mean": float(np.mean(flat or [0.0])),
        "std": float(np.std(flat or [0.0])),
    }
    return {f"{path}.{name}": float(number) for name, number in summary.items()}


def _shared(
    here: Features, there: Features
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(here[name], there[name]) for name in here if name in there]


def _rounded(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns both in units of the largest, without the last digits, which are rounding noise."""
    scale = max(np.abs(here).max(), np.abs(there).max(), 1e-12)
    return np.round(here / scale, 7), np.round(there / scale, 7)


def _projection(observations: NDArray[Any], seed: int) -> Any:
    """Returns a map [B, …] → [B, at most 16]: the numbers as they are, or random sums of them.

    Of pictures each number is in one of the sums, of less in all of them.
    """
    width = math.prod(observations.shape[1:])
    if width <= MAX_PROJECTIONS:
        return lambda x: x.reshape(len(x), width).astype(float)
    rng = np.random.default_rng(seed)
    if width <= _MAX_DENSE:
        weights = rng.normal(size=(width, MAX_PROJECTIONS)) / math.sqrt(width)
        return lambda x: x.reshape(len(x), width).astype(float) @ weights
    each = width // MAX_PROJECTIONS
    chosen = rng.permutation(width)[: each * MAX_PROJECTIONS]
    signs = rng.choice([-1.0, 1.0], size=len(chosen)) / math.sqrt(each)

    def summed(x: NDArray[Any]) -> NDArray[np.float64]:
        parts = x.reshape(len(x), width)[:, chosen] * signs
        sums: NDArray[np.float64] = parts.reshape(len(x), MAX_PROJECTIONS, each).sum(axis=2)
        return sums

    return summed
