"""B tasks of prediction beside the B tasks of the source that they are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch, TaskBatch
from taskgen.parameter_space import Columns
from taskgen.task import canonical_json, digest_content

if TYPE_CHECKING:
    from taskgen.generators.dynamics.generator import DynamicsPrediction


class DynamicsBatch(TaskBatch):
    """B tasks; what the source knows of a batch of its own is asked of it.

    Args:
        generator: whose tasks these are.
        params: the parameters as columns, [B] each.
        seeds: what each was drawn with, [B].
        inside: the tasks of the source, B.
    """

    generator: DynamicsPrediction

    def __init__(
        self,
        generator: DynamicsPrediction,
        params: Columns,
        seeds: NDArray[np.int64],
        inside: TaskBatch,
    ) -> None:
        self.generator = generator
        self.params = {name: np.asarray(params[name]) for name in generator.space}
        self.seeds = np.asarray(seeds)
        self.inside = inside

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int | slice) -> Any:  # as typed in TaskBatch
        """Returns one task, or the batch of a slice."""
        if isinstance(index, slice):
            return self.select(np.arange(len(self))[index])
        params = {name: column[index].item() for name, column in self.params.items()}
        return self.generator.around(self.inside[index], params, int(self.seeds[index]))

    @property
    def ids(self) -> list[str]:
        """The content ids, [B]."""
        source = json.dumps(self.inside.generator.name).encode()
        holds, shots = (self.params[name].tolist() for name in ("hold", "shots"))
        contents = (  # as canonical JSON has them
            b'{"hold":%d,"shots":%d,"source":%s,"task":%s}' % (hold, shot, source, text)
            for hold, shot, text in zip(holds, shots, _texts(self.inside), strict=True)
        )
        return [digest_content(self.generator.name, content) for content in contents]

    @property
    def canonicals(self) -> list[bytes]:
        """The canonical forms of the source's tasks, [B]."""
        return self.inside.canonicals

    def split_positions(self, salt: str) -> NDArray[np.float64]:
        """Where the source's tasks lie on the line that the splits share out, [B]."""
        return self.inside.split_positions(salt)

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Which of the source's tasks are valid, [B]."""
        return self.inside.validity

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> DynamicsBatch:
        """Returns the batch of the tasks at these indices, in this order."""
        index = np.asarray(indices, dtype=np.int64)
        params = {name: column[index] for name, column in self.params.items()}
        return DynamicsBatch(self.generator, params, self.seeds[index], self.inside.select(index))

    def extended(self, others: Sequence[TaskBatch]) -> TaskBatch:
        """Returns one batch of these tasks and those of the others; arrays if all have them."""
        batches: list[DynamicsBatch] = [self]
        for other in others:
            if not isinstance(other, DynamicsBatch):
                return super().extended(others)
            batches.append(other)
        return DynamicsBatch(
            self.generator,
            {name: np.concatenate([b.params[name] for b in batches]) for name in self.params},
            np.concatenate([b.seeds for b in batches]),
            self.inside.extended([b.inside for b in batches[1:]]),
        )


def _texts(tasks: TaskBatch) -> list[bytes]:
    """Returns the contents as canonical JSON, [B]."""
    if isinstance(tasks, ArrayBatch):
        return tasks.texts
    return [canonical_json(task.content) for task in tasks]
