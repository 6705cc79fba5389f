"""B tasks that stay arrays: ids, canonical forms and validity without making a `Task`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import TaskGenerator
from taskgen.generators.maze.arrays import MalformedMaze, MazeArrays, decode, stack
from taskgen.generators.maze.canonical import canonical_forms
from taskgen.generators.maze.geometry import OK, status
from taskgen.parameter_space import Columns
from taskgen.task import Task, digest_content


class MazeBatch(TaskBatch):
    """Mazes of one `Maze.make_tasks`, or a selection of them.

    Args:
        generator: the maze generator.
        arrays: the mazes.
        params: columns of the generator's space, [B].
        seeds: [B].
    """

    def __init__(
        self,
        generator: TaskGenerator,
        arrays: MazeArrays,
        params: Columns,
        seeds: NDArray[np.int64],
    ) -> None:
        self.generator = generator
        self.arrays = arrays
        self.params = params
        self.seeds = seeds
        self._made: dict[int, Task] = {}

    def __len__(self) -> int:
        return len(self.arrays)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> TaskBatch: ...
    def __getitem__(self, index: int | slice) -> Task | TaskBatch:
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        position = range(len(self))[index]
        if position not in self._made:
            self._made[position] = self._make(position)
        return self._made[position]

    @cached_property
    def ids(self) -> list[str]:
        """The content ids, [B]."""
        name = self.generator.name
        return [digest_content(name, content) for content in self.arrays.contents_json()]

    @cached_property
    def canonicals(self) -> list[bytes]:
        """What rotations, reflections and unreachable cells leave alone, [B]."""
        return canonical_forms(self.arrays)

    @cached_property
    def validity(self) -> NDArray[np.bool_]:
        """Which mazes can be solved within their horizon, [B]."""
        return status(self.arrays) == OK

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> MazeBatch:
        """Returns the batch of the mazes at these indices; what was computed goes along."""
        chosen = np.asarray(indices, dtype=np.int64)
        params = {name: column[chosen] for name, column in self.params.items()}
        batch = MazeBatch(self.generator, self.arrays.select(chosen), params, self.seeds[chosen])
        for name in ("ids", "canonicals"):
            if name in self.__dict__:
                values = self.__dict__[name]
                batch.__dict__[name] = [values[index] for index in chosen.tolist()]
        if "validity" in self.__dict__:
            batch.__dict__["validity"] = self.validity[chosen]
        return batch

    def extended(self, others: Sequence[TaskBatch]) -> TaskBatch:
        """Returns one batch of these mazes and those of the others; arrays if all have them."""
        batches = [self, *(other for other in others if isinstance(other, MazeBatch))]
        if len(batches) <= len(others):
            return super().extended(others)
        params = {name: np.concatenate([b.params[name] for b in batches]) for name in self.params}
        seeds = np.concatenate([batch.seeds for batch in batches])
        arrays = stack([batch.arrays for batch in batches])
        joined = MazeBatch(self.generator, arrays, params, seeds)
        for name in ("ids", "canonicals"):
            if all(name in batch.__dict__ for batch in batches):
                joined.__dict__[name] = [v for batch in batches for v in batch.__dict__[name]]
        return joined

    def _make(self, index: int) -> Task:
        row = {name: column[index : index + 1] for name, column in self.params.items()}
        task = Task(
            self.generator.name,
            self.generator.version,
            self.generator.space.rows(row)[0],
            int(self.seeds[index]),
            self.arrays.content(index),
        )
        if "ids" in self.__dict__:
            task.__dict__["id"] = self.ids[index]
        return task


def arrays_of(tasks: Sequence[Task]) -> tuple[MazeArrays, list[int], dict[int, str]]:
    """Returns the mazes of tasks that can be read, their indices, and why the others cannot."""
    if isinstance(tasks, MazeBatch):
        return tasks.arrays, list(range(len(tasks))), {}
    mazes: list[MazeArrays] = []
    indices: list[int] = []
    broken: dict[int, str] = {}
    for index, task in enumerate(tasks):
        try:
            mazes.append(decode(task.content))
            indices.append(index)
        except MalformedMaze as error:
            broken[index] = f"malformed content: {error}"
    return (stack(mazes) if mazes else _nothing()), indices, broken


def _nothing() -> MazeArrays:
    cells, columns = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    grids = np.empty((0, 1, 1), dtype=np.uint8)
    return MazeArrays(grids, columns, columns, cells, cells, columns, columns)
