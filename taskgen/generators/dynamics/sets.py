"""Which slot plays which episode of which task, and the sets that come of it.

An episode is T transitions long. A task has ⌈Q/T⌉ of them to be asked about and ⌈S/T⌉ to be shown;
each has a slot of its own, so that all are played at once, and the last of a set is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from taskgen.problems import Problems

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Where the episodes of B tasks are played, in N slots.

    Args:
        shots: support points of each task, [B].
        num_query: Q.
        num_steps: T.

    Example:
        >>> layout = Layout(np.array([3, 1]), num_query=2, num_steps=2)
        >>> layout.owners, layout.places
        (array([0, 0, 0, 1, 1]), array([0, 1, 2, 0, 1]))
    """

    shots: NDArray[np.int64]
    num_query: int
    num_steps: int

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The task of each slot, [N]."""
        return np.repeat(np.arange(len(self.shots)), self._num_episodes)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Which of its task's episodes each slot plays, [N].

        Those of the query set come first: then none of them depends on how many shots there are.
        """
        firsts = self._num_episodes.cumsum() - self._num_episodes
        return np.arange(len(self.owners)) - firsts[self.owners]

    def problems(self, x: Points, y: Points) -> Problems:
        """Returns the problems of inputs [N, T, X] and targets [N, T, Y]."""
        x, y = self._by_task(x), self._by_task(y)
        start, num_support = self._num_asked * self.num_steps, int(self.shots.max())
        mask = np.arange(num_support) < self.shots[:, None]
        shown = slice(start, start + num_support)
        return Problems(
            support_x=x[:, shown] * mask[:, :, None],
            support_y=y[:, shown] * mask[:, :, None],
            query_x=x[:, : self.num_query],
            query_y=y[:, : self.num_query],
            mask=mask,
        )

    @property
    def _num_asked(self) -> int:
        return -(-self.num_query // self.num_steps)

    @property
    def _num_episodes(self) -> NDArray[np.int64]:
        return self._num_asked - (-self.shots // self.num_steps)

    def _by_task(self, values: Points) -> Points:
        """Returns what the slots saw, [N, T, W], in a row for each task, [B, P, W], padded."""
        width = int(self._num_episodes.max())
        rows = np.zeros((len(self.shots), width, *values.shape[1:]), dtype=np.float32)
        rows[self.owners, self.places] = values
        return rows.reshape(len(rows), -1, values.shape[-1])
