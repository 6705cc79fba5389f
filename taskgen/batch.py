"""B tasks at once: a sequence of `Task` that may keep arrays underneath.

`TaskBatch` holds tasks as they are. `ArrayBatch` holds their contents as arrays and makes a `Task`
only when one is asked for: what a generator with a batched `make_tasks` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from taskgen.parameter_space import Columns
from taskgen.splits import position_of
from taskgen.task import Task, canonical_json, digest_content

if TYPE_CHECKING:
    from taskgen.generator import TaskGenerator


class TaskBatch(Sequence[Task]):
    """B tasks of one generator, their ids and canonical forms at hand.

    A generator with a batched path returns a subclass that keeps arrays and makes `Task` objects
    only when one is asked for.

    Args:
        generator: whose tasks these are.
        tasks: the tasks.
    """

    def __init__(self, generator: TaskGenerator, tasks: Iterable[Task]) -> None:
        self.generator = generator
        self._tasks = list(tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> TaskBatch: ...
    def __getitem__(self, index: int | slice) -> Task | TaskBatch:
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        return self._tasks[index]

    @property
    def ids(self) -> list[str]:
        """The content ids, [B]."""
        return [task.id for task in self]

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        return [self.generator.canonical(task) for task in self]

    def split_positions(self, salt: str) -> NDArray[np.float64]:
        """Where the tasks lie on the line from 0 to 1 that the splits share out, [B]."""
        if self.generator.splits_by_form:
            return np.array([position_of(form, salt) for form in self.canonicals])
        return np.array([self.generator.split_position(task, salt) for task in self])

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Which tasks are valid, [B]."""
        if self.generator.all_valid:
            return np.ones(len(self), dtype=bool)
        return np.array([bool(self.generator.is_valid(task)) for task in self], dtype=bool)

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> TaskBatch:
        """Returns the batch of the tasks at these indices, in this order."""
        return TaskBatch(self.generator, [self[int(index)] for index in indices])

    def extended(self, others: Sequence[TaskBatch]) -> TaskBatch:
        """Returns one batch of these tasks and those of the others, in this order."""
        return TaskBatch(self.generator, [task for batch in (self, *others) for task in batch])


class ArrayBatch(TaskBatch):
    """B tasks whose contents are rows of arrays.

    Args:
        generator: whose tasks these are.
        params: the parameters as columns, [B] each.
        seeds: what each content was drawn with, [B].
        contents: by key of the content, an array [B, …]; the content of task i is the i-th row of
            each, as plain values.
    """

    def __init__(
        self,
        generator: TaskGenerator,
        params: Columns,
        seeds: NDArray[np.int64],
        contents: Mapping[str, NDArray[Any]],
    ) -> None:
        self.generator = generator
        self.params = {name: np.asarray(params[name]) for name in generator.space}
        self.seeds = np.asarray(seeds)
        self.contents = dict(contents)
        self._texts: list[bytes] | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int | slice) -> Any:  # as typed in TaskBatch
        """Returns one task, or the batch of a slice."""
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        return Task(
            generator=self.generator.name,
            version=self.generator.version,
            params={name: column[index].item() for name, column in self.params.items()},
            seed=int(self.seeds[index]),
            content={key: array[index].tolist() for key, array in self.contents.items()},
        )

    @property
    def texts(self) -> list[bytes]:
        """The contents as canonical JSON, [B]; written once, without making a task."""
        if self._texts is None:
            self._texts = content_texts(self.contents)
        return self._texts

    @property
    def ids(self) -> list[str]:
        """The content ids, [B]."""
        return [digest_content(self.generator.name, text) for text in self.texts]

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        return self.texts if self.generator.canonical_is_content else super().canonicals

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> TaskBatch:
        """Returns the batch of the tasks at these indices, in this order."""
        index = np.asarray(indices, dtype=np.int64)
        chosen = type(self)(
            self.generator,
            {name: column[index] for name, column in self.params.items()},
            self.seeds[index],
            {key: array[index] for key, array in self.contents.items()},
        )
        if self._texts is not None:
            chosen._texts = [self._texts[i] for i in index.tolist()]
        return chosen

    def extended(self, others: Sequence[TaskBatch]) -> TaskBatch:
        """Returns one batch of these tasks and those of the others; arrays if all have them."""
        batches: list[ArrayBatch] = [self]
        for other in others:
            if not isinstance(other, ArrayBatch):
                return super().extended(others)
            batches.append(other)
        return type(self)(
            self.generator,
            {name: np.concatenate([b.params[name] for b in batches]) for name in self.params},
            np.concatenate([b.seeds for b in batches]),
            {key: np.concatenate([b.contents[key] for b in batches]) for key in self.contents},
        )


def content_texts(contents: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """Returns the canonical JSON of each row of the arrays, [B].

    Example:
        >>> content_texts({"b": np.array([1, 2]), "a": np.array([[0.5], [1.0]])})
        [b'{"a":[0.5],"b":1}', b'{"a":[1.0],"b":2}']
    """
    keys = sorted(contents)
    heads = [f"{json.dumps(key)}:" for key in keys]
    rows = zip(*(_row_texts(contents[key]) for key in keys), strict=True)
    return [f"{{{','.join(map(str.__add__, heads, row))}}}".encode() for row in rows]


def _row_texts(array: NDArray[Any]) -> list[str]:
    """Returns the JSON of each row; rows of numbers are written in one go and cut apart."""
    if array.dtype.kind in "iuf" and array.ndim <= 2 and array.size:
        text = canonical_json(array.tolist()).decode()
        return text[1:-1].split(",") if array.ndim == 1 else _bracketed(text)
    return [canonical_json(row).decode() for row in array.tolist()]


def _bracketed(text: str) -> list[str]:
    return [f"[{row}]" for row in text[2:-2].split("],[")]
