"""Which tasks of a batch may be handed out: those of one side of the split that can be played.

What a family's own code says of its tasks (forms, validity, ids) is asked for whole batches, with
a time limit. A batch that raises or hangs is halved until it is found out which task does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch, TaskBatch
from taskgen.draws import Draws
from taskgen.generator import TaskGenerator
from taskgen.splits import EDGES, SPLITS, Split, position_of
from taskgen.task import MAX_CONTENT_BYTES, canonical_json
from taskgen.watchdog import time_limit

_T = TypeVar("_T")


@dataclass(frozen=True)
class Sifted:
    """What a sieve says of B tasks.

    Args:
        accepted: which may be handed out, [B].
        forms: their canonical forms, None where a look failed, [B].
        positions: where they lie on the line of the splits, NaN where a look failed, [B].
    """

    accepted: NDArray[np.bool_]
    forms: list[bytes | None]
    positions: NDArray[np.float64]


class Sieve:
    """Lets through the tasks of one side of the split that are valid and not in quarantine.

    Args:
        generator: made the tasks.
        split: which side; None lets all through.
        salt: of the split.
        quarantine: ids of tasks that must not be played; read at every use.
        timeout_s: the longest one look of the generator at a batch may take, in seconds.
        draws: counts what is held back, and why.
    """

    def __init__(
        self,
        generator: TaskGenerator,
        split: Split | None,
        salt: str,
        quarantine: set[str],
        timeout_s: float,
        draws: Draws,
    ) -> None:
        self._generator = generator
        self._split = split
        self._salt = salt
        self._quarantine = quarantine
        self._timeout_s = timeout_s
        self._draws = draws

    def sift(self, batch: TaskBatch) -> Sifted:
        """Finds out which tasks lie in the split and can be played."""
        forms, positions = self._placed(batch)
        inside = self._of_split(positions)
        self._draws.other_split += int((~np.isnan(positions)).sum() - inside.sum())
        for look in (self.valid, self._identified):
            index = np.flatnonzero(inside)
            if len(index):
                inside[index] = look(batch.select(index))
        return Sifted(inside, forms, positions)

    def inside(self, batch: TaskBatch) -> NDArray[np.bool_]:
        """Returns which tasks lie in the split, [B]; of those where a look failed, none."""
        if self._split is None:
            return np.ones(len(batch), dtype=bool)
        _, positions = self._placed(batch)
        return self._of_split(positions)

    def valid(self, batch: TaskBatch) -> list[bool]:
        """Returns which tasks are valid; one whose check raises or hangs is not."""
        found = self._looked_at(batch, lambda part: part.validity.tolist())
        self._draws.invalid += sum(valid is False for valid in found)
        return [bool(valid) for valid in found]

    def _placed(self, batch: TaskBatch) -> tuple[list[bytes | None], NDArray[np.float64]]:
        """Returns the canonical forms and where the tasks lie on the line of the splits, [B]."""
        forms = self._looked_at(batch, lambda part: part.canonicals)
        places: list[float | None]
        if self._generator.splits_by_form:  # the forms are known, and may have been dear
            places = [None if form is None else position_of(form, self._salt) for form in forms]
        else:
            places = self._looked_at(batch, lambda part: part.split_positions(self._salt).tolist())
        is_lost = [form is None for form in forms]
        return forms, np.where(is_lost, np.nan, np.array(places, dtype=np.float64))

    def _of_split(self, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = ~np.isnan(positions)
        if self._split is None:
            return known
        sides = np.searchsorted(EDGES, positions, side="right")
        return known & (sides == SPLITS.index(self._split))

    def _identified(self, batch: TaskBatch) -> list[bool]:
        """Returns which tasks can be written down and are not in quarantine."""
        ids = self._looked_at(batch, _checked_ids)
        known = [task_id in self._quarantine for task_id in ids]
        self._draws.quarantined += sum(known)
        return [id_ is not None and not is_in for id_, is_in in zip(ids, known, strict=True)]

    def _looked_at(
        self, batch: TaskBatch, look: Callable[[TaskBatch], Iterable[_T]]
    ) -> list[_T | None]:
        """Returns what `look` finds of each task, None where it raises or hangs for it."""
        try:
            with time_limit(self._timeout_s):
                return list(look(batch))
        except Exception as error:
            if len(batch) == 1:
                self._draws.note_failure(batch[0].params, batch[0].seed, error)
                return [None]
        half = len(batch) // 2
        return self._looked_at(batch[:half], look) + self._looked_at(batch[half:], look)


def _checked_ids(batch: TaskBatch) -> list[str]:
    """Returns the ids of tasks whose contents are small enough to be handed around."""
    texts: list[bytes] = []
    if isinstance(batch, ArrayBatch):
        texts = batch.texts
    elif type(batch) is TaskBatch:  # others keep their contents in a form of their own
        texts = [canonical_json(task.content) for task in batch]
    longest = max(map(len, texts), default=0)
    if longest > MAX_CONTENT_BYTES:
        raise ValueError(
            f"a task's content must have at most {MAX_CONTENT_BYTES} bytes as JSON, got {longest}; "
            f"make it smaller, or keep a seed in place of what can be made of it again."
        )
    return batch.ids
