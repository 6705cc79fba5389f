"""What a source keeps of the rows of parameters that it makes tasks of, and what it counts.

`Draws` is the count that is handed on; `Drawn` are tasks by row, `Tries` says which rows wait for
another try, `Choice` keeps the best task of each row where none shall come twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.parameter_space import Columns, Row

MAX_TRIES = 256
"""With how many seeds a row is tried, unless they all give one and the same form."""
_ENOUGH_ALIKE = 8
MAX_FAULTS = 8
MAX_REASONS = 20
"""How many reasons why no task could be made are kept, the newest."""
_NO_ROWS = np.zeros(0, dtype=np.int64)


@dataclass
class Draws:
    """What became of the tasks that a source made, counted, and the newest failures' reasons.

    Args:
        accepted: tasks that were handed out.
        other_split: tasks on another side of the split.
        invalid: tasks that cannot be played or solved.
        quarantined: tasks that must not be played.
        failed: tasks whose making or examination raised or hung.
        given_up: rows of parameters of which no task was found, each replaced by another row.
        repeats: of what was handed out as distinct, tasks whose form is in the same set already.
        repeats_apart: of the same, tasks whose form is in a set that they should be apart from.
        idle_env_steps: env steps that were played to see what doing nothing comes to.
        reasons: why something failed, by row and seed.
    """

    accepted: int = 0
    other_split: int = 0
    invalid: int = 0
    quarantined: int = 0
    failed: int = 0
    given_up: int = 0
    repeats: int = 0
    repeats_apart: int = 0
    idle_env_steps: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the counts and the reasons of failures as plain values."""
        return dict(vars(self))

    def note_failure(self, row: Row, seed: int, error: Exception) -> None:
        """Counts a task whose making or examination failed, and keeps the reason."""
        self.failed += 1
        self.reasons[f"{row}, seed {seed}"] = repr(error)
        if len(self.reasons) > MAX_REASONS:
            del self.reasons[next(iter(self.reasons))]

    @property
    def summary(self) -> str:
        """What was counted, in words, and the newest failure.

        Example:
            >>> Draws(other_split=3, failed=1, reasons={"a, seed 7": "too steep"}).summary
            'other split 3, failed 1, newest failure: too steep'
        """
        counts = {name: number for name, number in vars(self).items() if name != "reasons"}
        said = [f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items() if n]
        newest = [f"newest failure: {reason}" for reason in list(self.reasons.values())[-1:]]
        return ", ".join(said + newest)


@dataclass(frozen=True)
class Drawn:
    """Tasks of rows of parameters, the rows in ascending order.

    Args:
        params: the rows, as columns [B].
        tasks: one of each, B of them.
        forms: their canonical forms, [B].
        rows: the index of each among the rows that were asked for, [B].
        num_tries: how many tasks were tried.
        num_made: how many of them neither raised nor hung in the making.
    """

    params: Columns
    tasks: TaskBatch
    forms: list[bytes] = field(default_factory=list)
    rows: NDArray[np.int64] = field(default_factory=_NO_ROWS.copy)
    num_tries: int = 0
    num_made: int = 0


def merged(parts: list[Drawn]) -> Drawn:
    """Returns parts as one, in the order of their rows."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    forms = [form for part in parts for form in part.forms]
    columns = {
        name: np.concatenate([part.params[name] for part in parts])[order]
        for name in parts[0].params
    }
    tasks = joined([part.tasks for part in parts]).select(order)
    return Drawn(columns, tasks, [forms[i] for i in order], rows[order])


def joined(batches: list[TaskBatch]) -> TaskBatch:
    """Returns batches as one, the empty ones left out."""
    first, *others = [batch for batch in batches if len(batch)] or batches[:1]
    return first.extended(others) if others else first


class Tries:
    """Which of B rows are to be tried again.

    Args:
        varies: of which rows another seed makes another task, [B]; the others are tried once.
    """

    def __init__(self, varies: NDArray[np.bool_]) -> None:
        num_rows = len(varies)
        self._enough_alike = np.where(varies, _ENOUGH_ALIKE, 1)
        self.done = np.zeros(num_rows, dtype=bool)
        self.tries = np.zeros(num_rows, dtype=np.int64)
        self.num_made = 0
        self._faults = np.zeros(num_rows, dtype=np.int64)
        self._lowest = np.full(num_rows, np.inf)
        self._highest = np.full(num_rows, -np.inf)

    def waiting(self) -> NDArray[np.int64]:
        """Returns the rows without a task that may still come to one."""
        varied = self._lowest < self._highest
        limit = np.where(varied, MAX_TRIES, self._enough_alike)
        return np.flatnonzero(~self.done & (self.tries < limit) & (self._faults < MAX_FAULTS))

    def count(
        self,
        owners: NDArray[np.int64],
        faults: NDArray[np.int64],
        made: NDArray[np.int64],
        positions: NDArray[np.float64],
        done: NDArray[np.int64],
    ) -> None:
        """Takes in what became of some tries.

        Args:
            owners: the row of each try.
            faults: what is held against each.
            made: the row of each try that gave a task.
            positions: of those tasks' forms, NaN where a form could not be had.
            done: rows that have an acceptable task now.
        """
        np.add.at(self.tries, owners, 1)
        np.add.at(self._faults, owners, faults)
        np.add.at(self._faults, made[np.isnan(positions)], 1)
        np.fmin.at(self._lowest, made, positions)
        np.fmax.at(self._highest, made, positions)
        self.num_made += len(made)
        self.done[done] = True


FRESH, REPEAT, REPEAT_APART, NOTHING = range(4)


class Choice:
    """The best task for each of B rows: a fresh form, else a repeat in the set, else any.

    Args:
        num_rows: how many there are.
        apart_from: forms that are taken elsewhere.
    """

    def __init__(self, num_rows: int, apart_from: Iterable[bytes]) -> None:
        self.ranks = np.full(num_rows, NOTHING)
        self.indices = np.zeros(num_rows, dtype=np.int64)
        self._apart = set(apart_from)
        self._used: set[bytes] = set()
        self._num_offered = 0

    def offer(self, rows: NDArray[np.int64], forms: list[bytes]) -> None:
        """Takes a task for a row where it is better than what the row has."""
        for row, form in zip(rows.tolist(), forms, strict=True):
            rank = self._rank(form)
            if rank < self.ranks[row]:
                self.ranks[row], self.indices[row] = rank, self._num_offered
                if rank == FRESH:
                    self._used.add(form)
            self._num_offered += 1

    def _rank(self, form: bytes) -> int:
        if form in self._apart:
            return REPEAT_APART
        return REPEAT if form in self._used else FRESH
