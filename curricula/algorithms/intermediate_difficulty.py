"""Tasks of intermediate difficulty: neither what always succeeds nor what never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Asked, Curriculum, Proposal
from curricula.scouting import mixed, share_of
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource
from taskgen.task import Task


class IntermediateDifficulty(Curriculum):
    """Replays tasks whose success rate was neither low nor high, among new ones.

    Each time that a task is played decides anew whether it is kept; the oldest leaves first.

    Source:
        Florensa et al. 2018, "Automatic goal generation for reinforcement learning agents"
        (arXiv 1705.06366): its label "of intermediate difficulty". There a GAN is trained to make
        more goals of that kind, here they are played again; there 0.1 to 0.9, here by default
        0.25 to 0.75 as TeachMyAgent has it, over the episodes of a lifetime.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            low: the least score of a task that is kept.
            high: the largest.
            replay_share: share of a batch that comes from the kept ones, in [0, 1].
            capacity: how many are kept.
            score: what is measured; one of returns where success has no meaning, with `low` and
                `high` in its units.

        Raises:
            ValueError: if a setting is out of its range.
        """

        low: float = 0.25
        high: float = 0.75
        replay_share: float = 0.5
        capacity: int = 512
        score: Literal["success_rate", "last_return", "mean_return"] = "success_rate"

        def __post_init__(self) -> None:
            if not self.low <= self.high:
                raise ValueError(f"low must not be above high, got {self.low} and {self.high}.")
            if not 0.0 <= self.replay_share <= 1.0:
                raise ValueError(f"replay_share must lie in [0, 1], got {self.replay_share}.")
            if self.capacity < 1:
                raise ValueError(f"capacity must be 1 or more, got {self.capacity}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._kept: dict[str, Task] = {}
        self._asked = Asked()

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n tasks, kept ones of the distribution and new ones."""
        here = [
            task
            for task in self._kept.values()
            if distribution.contains(task.params) and task.id not in source.quarantine
        ]
        num = min(share_of(n, self.config.replay_share, rng), len(here))
        return self._asked.remember(mixed(here, num, source, distribution, n, rng))

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Keeps what lies between `low` and `high`, forgets what no longer does."""
        self._asked.settle(proposals)
        keeps = (scores >= self.config.low) & (scores <= self.config.high)  # NaN is not
        for proposal, is_kept in zip(proposals, keeps.tolist(), strict=True):
            self._kept.pop(proposal.task.id, None)
            if is_kept:
                self._kept[proposal.task.id] = proposal.task
        for task_id in list(self._kept)[: max(len(self._kept) - self.config.capacity, 0)]:
            del self._kept[task_id]

    def metrics(self) -> dict[str, float]:
        """Returns how many tasks are kept."""
        return {"curriculum/num_kept": float(len(self._kept))}

    def state_dict(self) -> dict[str, Any]:
        """Returns the kept tasks, the oldest first."""
        return {"kept": [task.to_json() for task in self._kept.values()]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        tasks = [Task.from_json(task) for task in state["kept"]]
        self._kept = {task.id: task for task in tasks}
