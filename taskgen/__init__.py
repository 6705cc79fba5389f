"""What a task is, and where tasks come from.

A *task* is data; a *generator* makes tasks and turns them into something that can be played; a
*distribution* is a region of a generator's parameter space. Nothing here knows who plays.

    from taskgen import TaskDistribution, TaskSource, resolve

    maze = resolve("generators", "maze-v1")()
    here = TaskDistribution.make(maze.space, {"size": [5, 9]})
    tasks = TaskSource(maze, "train", salt="2026").make(here, 100, np.random.default_rng(0))

Names are imported when they are first used, so that `import taskgen` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskgen.checks import check_generator as check_generator
    from taskgen.distribution import TaskDistribution as TaskDistribution
    from taskgen.generator import EnvGenerator as EnvGenerator
    from taskgen.generator import ProblemGenerator as ProblemGenerator
    from taskgen.generator import TaskGenerator as TaskGenerator
    from taskgen.generator import Validity as Validity
    from taskgen.judging import Predictions as Predictions
    from taskgen.outcomes import Outcomes as Outcomes
    from taskgen.parameter_space import OutOfSpace as OutOfSpace
    from taskgen.parameter_space import ParameterSpace as ParameterSpace
    from taskgen.parameters import Categorical as Categorical
    from taskgen.parameters import Float as Float
    from taskgen.parameters import Int as Int
    from taskgen.problems import Problems as Problems
    from taskgen.registry import listings as listings
    from taskgen.registry import resolve as resolve
    from taskgen.source import TaskSource as TaskSource
    from taskgen.task import Task as Task
    from taskgen.vector import FamilyVectorEnv as FamilyVectorEnv
    from taskgen.vector import Lifetime as Lifetime
    from taskgen.vector import LifetimeVectorEnv as LifetimeVectorEnv

_HOMES = {
    "check_generator": "checks",
    "TaskDistribution": "distribution",
    "EnvGenerator": "generator",
    "ProblemGenerator": "generator",
    "TaskGenerator": "generator",
    "Validity": "generator",
    "Predictions": "judging",
    "Outcomes": "outcomes",
    "Categorical": "parameters",
    "Float": "parameters",
    "Int": "parameters",
    "OutOfSpace": "parameter_space",
    "ParameterSpace": "parameter_space",
    "Problems": "problems",
    "listings": "registry",
    "resolve": "registry",
    "TaskSource": "source",
    "Task": "task",
    "FamilyVectorEnv": "vector",
    "Lifetime": "vector",
    "LifetimeVectorEnv": "vector",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Imports a handed-on name from its home, the first time that it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"taskgen hands on {', '.join(__all__)}; there is no {name!r}.")
    return getattr(importlib.import_module(f"taskgen.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
