"""What curricula and searches are checked on: a family with nothing to play, and two regions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.parameter_space import ParameterSpace, Row
from taskgen.parameters import Categorical, Float, Int
from taskgen.source import TaskSource
from taskgen.task import Task

T = TypeVar("T")
SALT = "checks"
MOVABLE = ("size", "weight", "kind")
SPACE = ParameterSpace(
    {
        "size": Int(low=1, high=21, step=2, default=5),
        "weight": Float(low=0.1, high=10.0, default=1.0, log=True),
        "kind": Categorical(choices=("plain", "dotted", "dashed"), default="plain"),
        "still": Float(low=0.0, high=1.0, default=0.5),
    }
)
START = TaskDistribution.make(
    SPACE, {"size": [5, 9], "weight": [0.5, 2.0], "kind": ["plain", "dotted"]}
)
ELSEWHERE = TaskDistribution.make(SPACE, {"size": [13, 17], "weight": [4.0, 8.0]})


class Marks(TaskGenerator):
    """Marks of a size, a weight and a kind."""

    name = "marks-v1"
    kind = "env"
    space = SPACE

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the mark of the parameters and the seed."""
        return Task(self.name, 1, params, seed, {"params": dict(params), "seed": seed % 10**6})

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns the mark with another seed."""
        return task.edited({**task.content, "seed": int(rng.integers(10**6))}, "reseed")

    def oracle_return(self, task: Task) -> float:
        """Returns 2, more than any score that is told here, as of a task that is all but hard."""
        del task
        return 2.0


def training_source() -> TaskSource:
    """Returns a source of training tasks, as a campaign hands it to a curriculum."""
    return TaskSource(Marks(), "train", SALT)


def config_flaw(config_class: Any) -> str:
    """Returns what is wrong with a class of settings, "" if nothing is."""
    frozen = getattr(getattr(config_class, "__dataclass_params__", None), "frozen", False)
    if not (isinstance(config_class, type) and frozen):
        return f"Config must be a frozen dataclass, got {config_class!r}."
    try:
        config_class()
    except TypeError as error:
        return f"every setting needs a default ({error})."
    return ""


def globals_touched(work: Callable[[], Any]) -> str:
    """Returns which global random state some work changes, "" if none."""
    before = _global_states()
    work()
    touched = [name for name, state in _global_states().items() if state != before[name]]
    if not touched:
        return ""
    return f"it draws from the global state of {touched[0]}; take the rng or seed that is given."


def with_other_globals(seed: int, work: Callable[[], T]) -> T:
    """Returns what some work returns while the global random states are others."""
    python, array = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        return work()
    finally:
        random.setstate(python)
        np.random.set_state(array)  # noqa: NPY002


def _global_states() -> dict[str, str]:
    return {"random": repr(random.getstate()), "numpy.random": repr(_numpy_state())}


def _numpy_state() -> list[Any]:
    return [np.asarray(part).tolist() for part in np.random.get_state()]  # noqa: NPY002


def impure(state: Any, where: str = "state") -> str:
    """Returns what in a state is neither a plain value nor an array or tensor, "" if nothing."""
    if isinstance(state, Mapping):
        parts = [(f"{where}[{key!r}]", value) for key, value in state.items()]
        odd = [key for key in state if not isinstance(key, str | int)]
        if odd:
            return f"{where} has the keys {odd}; use strings."
        return next(filter(None, (impure(value, name) for name, value in parts)), "")
    if isinstance(state, list | tuple):
        return next(filter(None, (impure(v, f"{where}[{i}]") for i, v in enumerate(state))), "")
    plain = state is None or type(state) in (bool, int, float, str)
    if plain or isinstance(state, np.ndarray) or type(state).__module__.startswith("torch"):
        return ""
    return f"{where} is a {type(state).__name__}; keep plain values, arrays and tensors only."
