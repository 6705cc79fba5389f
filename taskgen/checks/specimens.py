"""The tasks that a generator is checked with: the ends of every axis, and random rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taskgen.generator import EnvGenerator, TaskGenerator
from taskgen.parameter_space import Row
from taskgen.parameters import Categorical, Numeric, Scalar
from taskgen.task import Task


@dataclass(frozen=True)
class Specimens:
    """The tasks that a generator is checked with.

    Args:
        generator: under check.
        rows: the corners of the space along each axis, and random rows.
        seeds: one a row.
        thorough: try more of everything.
    """

    generator: TaskGenerator
    rows: list[Row]
    seeds: list[int]
    thorough: bool = False

    @property
    def env_generator(self) -> EnvGenerator:
        """The generator, known to make environments."""
        assert isinstance(self.generator, EnvGenerator)
        return self.generator

    def tasks(self) -> list[Task]:
        """Returns the tasks of all rows, made anew."""
        return [
            self.generator.make_task(dict(row), seed)
            for row, seed in zip(self.rows, self.seeds, strict=True)
        ]

    def some(self, num: int) -> list[Task]:
        """Returns at most `num` different valid tasks from random rows, made anew."""
        found: dict[str, Task] = {}
        for task in reversed(self.tasks()):
            if len(found) < num and self.generator.is_valid(task):
                found[task.id] = task
        return list(found.values())


def specimens_of(generator: TaskGenerator, thorough: bool) -> Specimens:
    """Returns both ends of every axis, and random rows (within `check_ranges`)."""
    space = generator.space
    rows = []
    for name, parameter in space.items():
        base = active_row(generator, name)
        if isinstance(parameter, Categorical):
            rows += [{**base, name: choice} for choice in parameter.choices]
        else:
            rows += [{**base, name: parameter.low}, {**base, name: parameter.high}]
    rng = np.random.default_rng(1)
    names = list(space)
    for k in range(64 if thorough else 16):
        rows.append(active_row(generator, names[k % len(names)], rng))
    return Specimens(
        generator, [space.complete(row) for row in rows], list(range(len(rows))), thorough
    )


def active_row(generator: TaskGenerator, name: str, rng: np.random.Generator | None = None) -> Row:
    """Returns a row in which the parameter is active: defaults, or random values with an rng."""
    space = generator.space
    row = space.complete({})
    if rng is not None:
        for other, parameter in space.items():
            ends = generator.check_ranges.get(other)
            row[other] = _draw(parameter, ends, rng)
    for other, values in (space[name].active_when or {}).items():
        parameter = space[other]
        if isinstance(parameter, Categorical):
            row[other] = row[other] if row[other] in values else values[0]
        else:
            low, high = (float(value) for value in values)
            value = min(max(float(row[other]), low), high)
            row[other] = parameter.from_axis(parameter.to_axis(value))
    return space.complete(row)


def _draw(
    parameter: Categorical | Numeric, ends: tuple[float, float] | None, rng: np.random.Generator
) -> Scalar:
    if isinstance(parameter, Categorical):
        return str(rng.choice(parameter.choices))
    low, high = (parameter.to_axis(end) for end in ends or (parameter.low, parameter.high))
    return parameter.from_axis(low + float(rng.random()) * (high - low))
