"""What a curriculum was told, as points and numbers: until `ask` no space says where tasks lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.cube import points_of
from curricula.curriculum import Asked, Proposal
from taskgen.parameter_space import ParameterSpace, Row


class Told:
    """Scores of tasks by their parameters, kept until they are taken; what is not finite is not."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._scores: list[float] = []
        self.asked = Asked()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Keeps the finite scores and whose they are.

        Raises:
            RuntimeError: if these are not the proposals that `asked` waits for.
        """
        self.asked.settle(proposals)
        for i in np.flatnonzero(np.isfinite(scores)).tolist():
            self._rows.append(proposals[i].task.params)
            self._scores.append(float(scores[i]))

    def take(self, space: ParameterSpace) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns where the tasks lie in the declared unit cube, [B, D], and their scores, [B]."""
        points, scores = points_of(space, self._rows), np.array(self._scores)
        self._rows, self._scores = [], []
        return points, scores

    def state_dict(self) -> dict[str, Any]:
        """Returns what was not taken yet."""
        return {"rows": [dict(row) for row in self._rows], "scores": list(self._scores)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._rows = [dict(row) for row in state["rows"]]
        self._scores = list(state["scores"])


class Played:
    """Where tasks were played lately, and one number for each.

    Args:
        capacity: how many are kept, the newest.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.points = np.zeros((0, 0))
        self.values = np.zeros(0)

    def add(self, points: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Adds tasks, [B, D] and [B]."""
        before = self.points if len(self.points) else points[:0]
        self.points = np.concatenate([before, points])[-self.capacity :]
        self.values = np.concatenate([self.values, values])[-self.capacity :]

    def state_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return {"points": self.points.tolist(), "values": self.values.tolist()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self.values = np.array(state["values"])
        points = np.array(state["points"], dtype=np.float64)
        self.points = points if len(points) else np.zeros((0, 0))
