"""What the families with hidden goals share: tasks as arrays, forms as arrays, one at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch, TaskBatch
from taskgen.generator import EnvGenerator
from taskgen.parameter_space import Columns, Row
from taskgen.task import Task

Contents: TypeAlias = Mapping[str, NDArray[Any]]
"""By key of the content, an array [B, …]."""


class GoalFamily(EnvGenerator):
    """A family whose tasks differ in a goal that is never shown."""

    @abstractmethod
    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns what decides how the tasks of B rows and B seeds play."""

    @abstractmethod
    def forms(self, contents: Contents) -> list[bytes]:
        """Returns the canonical forms of B contents."""

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row of parameters and a seed."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns the tasks of B rows and B seeds, kept as arrays."""
        return GoalBatch(self, params, seeds, self.contents(params, seeds))

    def canonical(self, task: Task) -> bytes:
        """Returns the form of one content; see `forms`."""
        contents = {key: np.array([value]) for key, value in task.content.items()}
        return self.forms(contents)[0]

    def horizon(self, task: Task) -> int:
        """Returns the env steps of an episode."""
        return int(task.content["horizon"])


class GoalBatch(ArrayBatch):
    """B tasks of a `GoalFamily` as arrays."""

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        assert isinstance(self.generator, GoalFamily)
        return self.generator.forms(self.contents)


def columns_of(tasks: Sequence[Task], key: str) -> NDArray[Any]:
    """Returns what stands under a key in the tasks' contents, [B, …]."""
    if isinstance(tasks, ArrayBatch):
        return tasks.contents[key]
    return np.array([task.content[key] for task in tasks])
