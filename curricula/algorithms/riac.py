"""RIAC: the distribution cut into boxes where learning progress differs, the liveliest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.cube import Frame
from curricula.curriculum import Curriculum, Proposal
from curricula.splitting import Box, boxes_of
from curricula.told import Played, Told
from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import Columns
from taskgen.source import TaskSource


class RIAC(Curriculum):
    """Cuts the distribution where progress differs, and draws tasks from boxes by their progress.

    The progress of a box is how far the mean score of the newer half of its tasks lies from that
    of the older half. A box of many tasks is cut where both sides are well filled and differ most
    in it. The boxes follow from what was played lately, so after a move they are made anew of what
    lies in the distribution now.

    Source:
        Baranes and Oudeyer 2009, "R-IAC: robust intrinsically motivated exploration and active
        learning", as a curriculum in Portelas et al. 2019 (arXiv 1910.07224). There cuts are drawn
        at random and never undone, here they are tried at eighths of the tasks and follow the
        history; a tenth of tasks near the worst of a box is left out.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            explore_prob: share of tasks drawn from the whole distribution, in [0, 1].
            max_points: tasks in a box before it is cut.
            history: tasks that are looked at, the newest.
            score: what progress is made in.

        Raises:
            ValueError: if a setting is out of its range.
        """

        explore_prob: float = 0.2
        max_points: int = 200
        history: int = 2000
        score: Literal["last_return", "mean_return", "success_rate"] = "last_return"

        def __post_init__(self) -> None:
            if not 0.0 <= self.explore_prob <= 1.0:
                raise ValueError(f"explore_prob must lie in [0, 1], got {self.explore_prob}.")
            for name in ("max_points", "history"):
                if getattr(self, name) < 2:
                    raise ValueError(f"{name} must be 2 or more, got {getattr(self, name)}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._told = Told()
        self._played = Played(config.history)
        self._num_boxes = 1

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n new tasks, most of them from boxes where there is progress."""
        points, values = self._told.take(distribution.space)
        if len(points):
            self._played.add(points, values)
        frame = Frame(distribution)
        law = _Law(frame, self._boxes(frame), self.config.explore_prob)
        self._num_boxes = len(law.boxes)
        return self._told.asked.remember([Proposal(task) for task in source.make(law, n, rng)])

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores; they are looked at with the next `ask`."""
        self._told.add(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns how many boxes there are."""
        return {"curriculum/num_boxes": float(self._num_boxes)}

    def state_dict(self) -> dict[str, Any]:
        """Returns what was told and played."""
        return {
            "told": self._told.state_dict(),
            "played": self._played.state_dict(),
            "num_boxes": self._num_boxes,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._told.load_state_dict(state["told"])
        self._played.load_state_dict(state["played"])
        self._num_boxes = state["num_boxes"]

    def _boxes(self, frame: Frame) -> list[Box]:
        if not len(self._played.values):
            return boxes_of(np.zeros((0, len(frame.free))), np.zeros(0), self.config.max_points)
        inside = frame.inside(self._played.points)
        local = frame.local(self._played.points[inside])
        return boxes_of(local, self._played.values[inside], self.config.max_points)


@dataclass(frozen=True)
class _Law:
    """Rows of boxes by their progress, a share of them of the whole distribution."""

    frame: Frame
    boxes: Sequence[Box]
    explore_prob: float

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows as columns, [n] each."""
        anywhere = self.frame.distribution.sample(n, rng)
        progress = np.array([box.progress for box in self.boxes])
        if not progress.any():
            return anywhere
        which = rng.choice(len(self.boxes), n, p=progress / progress.sum())
        low, high = (np.stack([getattr(b, end) for b in self.boxes]) for end in ("low", "high"))
        unit = rng.random((n, low.shape[1]))
        drawn = self.frame.columns(low[which] + unit * (high - low)[which])
        explores = rng.random(n) < self.explore_prob
        return {name: np.where(explores, anywhere[name], drawn[name]) for name in drawn}
