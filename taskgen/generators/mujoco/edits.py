"""Small edits of a task: one or two of its parameters moved a little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from taskgen.parameters import Categorical, Parameter, Scalar
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.generators.mujoco.generator import MuJoCoFamily

_MAX_TRIES = 10
_MAX_MOVED = 2
_STEP = 0.1
"""Standard deviation of a move, as a share of the parameter's axis."""


def mutated(family: MuJoCoFamily, task: Task, rng: np.random.Generator) -> Task | None:
    """Returns a valid task whose physics or goal differs a little; None if ten tries gave none."""
    space = family.space
    active = [name for name in space if space.is_active(name, task.params)]
    for _ in range(_MAX_TRIES):
        params = dict(task.params)
        num = int(rng.integers(1, _MAX_MOVED + 1))
        for name in rng.choice(active, size=num, replace=False).tolist():
            params[name] = _moved(space[name], params[name], rng)
        made = family.make_task(params, task.seed)
        if made.id != task.id and family.is_valid(made):
            return task.edited(made.content, "move_parameters", made.params)
    return None


def _moved(parameter: Parameter, value: Scalar, rng: np.random.Generator) -> Scalar:
    if isinstance(parameter, Categorical):
        return str(rng.choice([choice for choice in parameter.choices if choice != value]))
    low, high = parameter.axis
    step = _STEP * (high - low) * float(rng.normal())
    return parameter.from_axis(parameter.to_axis(float(value)) + step)
