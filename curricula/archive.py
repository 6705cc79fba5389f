"""An archive of tasks: in each cell of a grid over two descriptors, the one of the highest score.

MAP-Elites' container is that of the package `ribs`; here stands what tasks need beside it: scores
that grow old and are told anew, and ranges that are not known before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import HeatMap
from taskgen.task import Task

_MARGIN = 0.1


class TaskArchive:
    """The elites among tasks: of those in one cell the one with the highest score above 0.

    What is worth nothing (any more) has no place: the archive shows what can be learned now.
    Cells share out what was seen of each descriptor so far; where a task lies beyond, the range
    grows to it and a tenth further, and the elites take their places anew.

    Args:
        num_cells: along the first and the second descriptor.

    Attributes:
        tasks: the elites.
        scores: what each was worth when it was last played, [N].
    """

    def __init__(self, num_cells: tuple[int, int]) -> None:
        self.num_cells = num_cells
        self.tasks: list[Task] = []
        self.scores = np.zeros(0)
        self._features = np.zeros((0, 2))
        self._cells = np.zeros(0, dtype=np.int64)
        self._low, self._high = np.zeros(2), np.zeros(2)

    def add(
        self, tasks: Sequence[Task], scores: NDArray[np.float64], features: NDArray[np.float64]
    ) -> None:
        """Takes tasks that were played; an elite's own score is what it came to this time.

        Args:
            tasks: B tasks.
            scores: finite, [B].
            features: finite, the two descriptors of each, [B, 2].
        """
        again = {task.id: score for task, score in zip(tasks, scores.tolist(), strict=True)}
        known = {task.id for task in self.tasks}
        kept = [again.get(task.id, s) for task, s in zip(self.tasks, self.scores, strict=True)]
        fresh = [i for i, task in enumerate(tasks) if task.id not in known]
        all_scores = np.concatenate([np.array(kept, dtype=float), scores[fresh]])
        worthy = np.flatnonzero(all_scores > 0.0)
        all_features = np.concatenate([self._features, features[fresh]])[worthy]
        pool = [*self.tasks, *(tasks[i] for i in fresh)]
        num_residents = int((worthy < len(self.tasks)).sum())
        if len(worthy):
            self._reach(all_features)
        worthy_tasks = [pool[i] for i in worthy.tolist()]
        self._settle(worthy_tasks, all_scores[worthy], all_features, num_residents)

    def heat_map(self, names: Sequence[str], label: str) -> HeatMap:
        """Returns the scores of the elites over the two descriptors of these names."""
        columns, rows = self.num_cells
        values = np.full(columns * rows, np.nan)
        values[self._cells] = self.scores
        return HeatMap(
            values=values.reshape(columns, rows).T,
            x=names[0],
            y=names[1],
            x_range=(float(self._low[0]), float(self._high[0])),
            y_range=(float(self._low[1]), float(self._high[1])),
            label=label,
        )

    def state_dict(self) -> dict[str, Any]:
        """Returns the elites, their scores, descriptors and ranges."""
        return {
            "tasks": [task.to_json() for task in self.tasks],
            "scores": self.scores.tolist(),
            "features": self._features.tolist(),
            "low": self._low.tolist(),
            "high": self._high.tolist(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        tasks = [Task.from_json(task) for task in state["tasks"]]
        self._low, self._high = np.array(state["low"]), np.array(state["high"])
        features = np.array(state["features"]).reshape(len(tasks), 2)
        self._settle(tasks, np.array(state["scores"]), features, len(tasks))

    def _reach(self, features: NDArray[np.float64]) -> None:
        """Makes the ranges hold these descriptors."""
        low, high = features.min(axis=0), features.max(axis=0)
        if (self._low == self._high).all():
            self._low, self._high = low - 0.5 * (low == high), high + 0.5 * (low == high)
            return
        width = np.maximum(self._high, high) - np.minimum(self._low, low)
        self._low = np.where(low < self._low, low - _MARGIN * width, self._low)
        self._high = np.where(high > self._high, high + _MARGIN * width, self._high)

    def _settle(
        self,
        tasks: Sequence[Task],
        scores: NDArray[np.float64],
        features: NDArray[np.float64],
        num_residents: int,
    ) -> None:
        """Finds the elites; the first `num_residents` tasks keep their cells where scores tie."""
        if not len(tasks):
            self.tasks, self.scores, self._features = [], np.zeros(0), np.zeros((0, 2))
            self._cells = np.zeros(0, dtype=np.int64)
            return
        from ribs.archives import GridArchive  # seconds that nobody else should wait for

        ranges = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        grid = GridArchive(solution_dim=1, dims=self.num_cells, ranges=ranges, seed=0)
        index = np.arange(len(tasks), dtype=float)[:, None]
        for part in (slice(num_residents), slice(num_residents, None)):
            if len(index[part]):
                grid.add(index[part], scores[part], features[part])
        data = grid.data(["solution", "index"], return_type="dict")
        order = np.argsort(data["index"], kind="stable")
        chosen = data["solution"][order, 0].astype(np.int64)
        self.tasks = [tasks[i] for i in chosen.tolist()]
        self.scores, self._features = scores[chosen], features[chosen]
        self._cells = data["index"][order].astype(np.int64)
