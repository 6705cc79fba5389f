"""Bidirectional learning progress: train where success changes, whichever way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.cube import Frame
from curricula.curriculum import Curriculum, Proposal
from curricula.progress import Cells, bidirectional_progress, normalized, progress_law
from curricula.told import Told
from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import Columns
from taskgen.source import TaskSource


class LearningProgress(Curriculum):
    """Draws tasks from the parts of the distribution on which the learner gets better or worse.

    The distribution is cut into cells. Each has a fast and a slow moving average of its tasks'
    success, told once a batch, and the distance of the two is its progress. Where the
    distribution moves, a new cell begins with what the old one at its middle knew.

    Source:
        Kanitscheider et al. 2021 (arXiv 2106.14876), as studied with Syllabus (Sullivan et al.
        2024, arXiv 2411.11318). There tasks are few and each is measured, here they are cells of
        parameters; there the baseline is that of random play, task by task, here a setting.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            max_cells: how many parts the distribution is cut into, at most.
            rate: of the moving averages, in (0, 1].
            threshold: θ of the reweighting, at which a rate counts one half, in (0, 1).
            baseline: success rate of a policy that knows nothing, in [0, 1].
            explore_prob: share of tasks drawn from the whole distribution, in [0, 1].
            score: what progress is made in; returns are scaled by the lowest and highest so far.

        Raises:
            ValueError: if a setting is out of its range.
        """

        max_cells: int = 64
        rate: float = 0.1
        threshold: float = 0.1
        baseline: float = 0.0
        explore_prob: float = 0.2
        score: Literal["success_rate", "last_success", "last_return", "mean_return"] = (
            "success_rate"
        )

        def __post_init__(self) -> None:
            if self.max_cells < 1:
                raise ValueError(f"max_cells must be 1 or more, got {self.max_cells}.")
            if not 0.0 < self.rate <= 1.0:
                raise ValueError(f"rate must lie in (0, 1], got {self.rate}.")
            if not 0.0 < self.threshold < 1.0:
                raise ValueError(f"threshold must lie in (0, 1), got {self.threshold}.")
            for name in ("baseline", "explore_prob"):
                if not 0.0 <= getattr(self, name) <= 1.0:
                    raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._cells: Cells | None = None
        self._place: dict[str, Any] | None = None
        self._fast = self._slow = np.zeros(0)
        self._ends = (np.inf, -np.inf)
        self._told = Told()

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n new tasks, most of them where there is progress."""
        cells = self._cells_of(distribution)
        self._take_in(cells)
        law = _Law(distribution, cells, progress_law(self.progress()), self.config.explore_prob)
        return self._told.asked.remember([Proposal(task) for task in source.make(law, n, rng)])

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores; they enter the averages with the next `ask`."""
        self._told.add(proposals, scores)

    def progress(self) -> NDArray[np.float64]:
        """Returns the progress of every cell, NaN where no task of it was played, [N]."""
        fast, slow = self._scaled(self._fast), self._scaled(self._slow)
        return bidirectional_progress(fast, slow, self.config.threshold)

    def metrics(self) -> dict[str, float]:
        """Returns the mean progress, and in how many of the cells a task was played."""
        known = self.progress()[np.isfinite(self._fast)]
        return {
            "curriculum/mean_progress": float(known.mean()) if len(known) else float("nan"),
            "curriculum/num_cells": float(len(self._fast)),
            "curriculum/num_cells_played": float(len(known)),
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns the averages, the distribution they belong to, and what was told last."""
        return {
            "place": self._place,
            "fast": self._fast.tolist(),
            "slow": self._slow.tolist(),
            "ends": list(self._ends),
            "told": self._told.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._cells, self._place = None, state["place"]
        self._fast, self._slow = np.array(state["fast"]), np.array(state["slow"])
        self._ends = (state["ends"][0], state["ends"][1])
        self._told.load_state_dict(state["told"])

    def _scaled(self, average: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns averages as rates in [0, 1], NaN where there is none."""
        if "success" in self.config.score:
            return normalized(average, self.config.baseline)
        low, high = self._ends
        return (average - low) / (high - low) if high > low else 0.0 * average

    def _cells_of(self, distribution: TaskDistribution) -> Cells:
        """Returns the cells of a distribution; after a move with what was known of the old ones."""
        place = distribution.to_json()
        if self._cells is not None and place == self._place:
            return self._cells
        cells = Cells(Frame(distribution), self.config.max_cells)
        if self._place is None:
            self._fast, self._slow = np.full((2, cells.num), np.nan)
        elif place != self._place:
            before = TaskDistribution.from_json(distribution.space, self._place)
            self._move(Cells(Frame(before), self.config.max_cells), cells)
        self._cells, self._place = cells, place
        return cells

    def _move(self, old: Cells, new: Cells) -> None:
        points = new.frame.points(new.centres())
        inside = old.frame.inside(points)
        index = old.index(old.frame.local(points[inside]))
        fast, slow = np.full((2, new.num), np.nan)
        fast[inside], slow[inside] = self._fast[index], self._slow[index]
        self._fast, self._slow = fast, slow

    def _take_in(self, cells: Cells) -> None:
        """Moves the averages of the cells whose tasks were told of, once."""
        if not len(self._told):
            return
        points, scores = self._told.take(cells.frame.space)
        low, high = self._ends
        self._ends = (min(low, float(scores.min())), max(high, float(scores.max())))
        inside = cells.frame.inside(points)
        index = cells.index(cells.frame.local(points[inside]))
        total = np.bincount(index, scores[inside], minlength=cells.num)
        count = np.bincount(index, minlength=cells.num)
        played = count > 0
        mean = total[played] / count[played]
        is_new = np.isnan(self._fast[played])
        fast, slow = (np.where(is_new, mean, x[played]) for x in (self._fast, self._slow))
        fast += self.config.rate * (mean - fast)
        slow += self.config.rate * (fast - slow)
        self._fast[played], self._slow[played] = fast, slow


@dataclass(frozen=True)
class _Law:
    """Rows of cells by their probability, a share of them of the whole distribution."""

    distribution: TaskDistribution
    cells: Cells
    probs: NDArray[np.float64]
    explore_prob: float

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows as columns, [n] each."""
        drawn = self.cells.draw(rng.choice(self.cells.num, n, p=self.probs), rng)
        anywhere = self.distribution.sample(n, rng)
        explores = rng.random(n) < self.explore_prob
        return {name: np.where(explores, anywhere[name], drawn[name]) for name in drawn}
