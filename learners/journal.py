"""What a policy saw and did in B tasks, kept until it was learned from.

The tasks are played in step, but each comes to the end of its episodes at its own time, and is
learned from by itself: so there is one tape, and a place on it for each task from which on nothing
was learned from yet.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from learners.rollout import Tape

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Arrays [b, N, …] by name; "valid" says which steps there are."""

_MANY_ROWS = 1024


class Journal:
    """The steps of B lifetimes that began together.

    Args:
        num_tasks: B.
        forgets: whether what was learned from may be thrown away, so that there is no end to how
            long a task can be played.

    `lengths` are the steps that each task has played, `read` those of them that were learned from,
    [B].
    """

    def __init__(self, num_tasks: int, *, forgets: bool) -> None:
        self._forgets = forgets
        self._tape = Tape()
        self._dropped = 0
        self.lengths = np.zeros(num_tasks, dtype=np.int64)
        self.read = np.zeros(num_tasks, dtype=np.int64)

    def append(self, playing: NDArray[np.bool_], **rows: NDArray[Any]) -> None:
        """Adds a step.

        Args:
            playing: the tasks that it counts for, [B]; once one has stopped, it stays so.
            **rows: values of all tasks, [B, …] each.
        """
        self._tape.append(**rows)
        self.lengths += playing

    def amend(self, **rows: NDArray[Any]) -> None:
        """Writes what was not known yet when the last step was added."""
        for name, values in rows.items():
            self._tape[name][-1] = values

    def unread(self, tasks: NDArray[np.int64]) -> Columns:
        """Returns what b tasks have not learned from yet."""
        return self.between(tasks, self.read[tasks], self.lengths[tasks])

    def close(self, tasks: NDArray[np.int64]) -> None:
        """Takes all that there is of some tasks for learned from."""
        self.read[tasks] = self.lengths[tasks]
        still_to_read = self.read[self.lengths == self.lengths.max()]
        num_over = int(still_to_read.min()) - self._dropped
        # Moving rows costs as much as there are left: not for a few of them.
        if self._forgets and num_over > max(_MANY_ROWS, len(self._tape) // 2):
            self._tape.drop(num_over)
            self._dropped += num_over

    def between(
        self, tasks: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Columns:
        """Returns the steps of b tasks from one place to another, 0 after the last.

        Args:
            tasks: which, [b].
            starts: the first step of each, counted from the start of the lifetime.
            ends: the step after the last.
        """
        offsets = np.arange((ends - starts).max(initial=0))
        valid = offsets < (ends - starts)[:, None]
        steps = np.where(valid, starts[:, None] + offsets - self._dropped, 0)
        columns: Columns = {"valid": valid}
        for name in self._tape.names:
            columns[name] = self._tape[name][steps, tasks[:, None]]
            columns[name][~valid] = 0
        return columns
