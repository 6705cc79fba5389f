"""Playing many new tasks for their score alone, and keeping the best of them for a while.

The part that curricula hold which look for tasks before they train on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Asked, Proposal
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource
from taskgen.task import Task

Worth: TypeAlias = Callable[[Sequence[Task], NDArray[np.float64]], NDArray[np.float64]]
"""Tasks and the scores that were told of them, [B], to what they are worth, [B]; NaN: unknown."""


def share_of(n: int, share: float, rng: np.random.Generator) -> int:
    """Returns how many of n a share is: n · share on average, and never off by one or more."""
    whole, rest = divmod(n * share, 1.0)
    return min(int(whole) + int(rng.random() < rest), n)


def best(worth: NDArray[np.float64], num: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns the indices of the highest worths, ties in random order; NaN is never among them.

    Example:
        >>> best(np.array([0.1, np.nan, 0.3, 0.2]), 2, np.random.default_rng(0))
        array([2, 3])
    """
    known = rng.permutation(np.flatnonzero(np.isfinite(worth)))
    order = np.argsort(-worth[known], kind="stable")
    return known[order][:num]


def mixed(
    known: Sequence[Task],
    num: int,
    source: TaskSource,
    distribution: TaskDistribution,
    n: int,
    rng: np.random.Generator,
) -> list[Proposal]:
    """Returns n proposals: `num` known tasks, none twice if they suffice, and new ones."""
    chosen = rng.choice(len(known), num, replace=num > len(known)).tolist() if num else []
    new = source.make(distribution, n - num, rng)
    return [*(Proposal(known[i], "replay") for i in chosen), *(Proposal(task) for task in new)]


class Scout:
    """Scouts some tasks, keeps those that are worth most, and scouts again after some batches.

    While it scouts, whole batches are played for their score alone. It scouts before its time
    where the distribution has left more than half of the kept tasks behind.

    Args:
        num_scouted: new tasks that are played before any is kept.
        num_kept: of them, those that are worth most.
        refresh_every: training batches between two rounds of scouting.

    Raises:
        ValueError: if a number is not positive, or more are kept than scouted.
    """

    def __init__(self, num_scouted: int, num_kept: int, refresh_every: int) -> None:
        if not 0 < num_kept <= num_scouted:
            raise ValueError(
                f"num_kept must lie between 1 and num_scouted, got {num_kept} of {num_scouted}."
            )
        if refresh_every < 1:
            raise ValueError(f"refresh_every must be 1 or more batches, got {refresh_every}.")
        self.num_scouted, self.num_kept, self.refresh_every = num_scouted, num_kept, refresh_every
        self.kept: list[Task] = []
        self.mean_worth = float("nan")
        self._scouted: list[Task] = []
        self._scores: list[float] = []
        self._batches_left = 0
        self._asked = Asked()

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
        worth: Worth,
        share: float,
    ) -> list[Proposal]:
        """Returns n tasks: all to scout, or to train on a share of kept ones and new ones."""
        if self._batches_left <= 0 and len(self._scouted) >= self.num_scouted:
            self._keep(distribution, rng, worth)
        here = [
            task
            for task in self.kept
            if distribution.contains(task.params) and task.id not in source.quarantine
        ]
        if self._batches_left <= 0 or 2 * len(here) < len(self.kept):
            self._batches_left = 0
            new = source.make(distribution, n, rng)
            return self._asked.remember([Proposal(task, train=False) for task in new])
        self._batches_left -= 1
        num = share_of(n, share, rng) if here else 0
        return self._asked.remember(mixed(here, num, source, distribution, n, rng))

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores of what was scouted; of other tasks it takes no notice."""
        self._asked.settle(proposals)
        for proposal, score in zip(proposals, scores.tolist(), strict=True):
            if not proposal.train:
                self._scouted.append(proposal.task)
                self._scores.append(score)

    def _keep(self, distribution: TaskDistribution, rng: np.random.Generator, worth: Worth) -> None:
        inside = np.array([distribution.contains(task.params) for task in self._scouted])
        values = worth(self._scouted, np.array(self._scores))
        chosen = best(np.where(inside, values, np.nan), self.num_kept, rng)
        self.kept = [self._scouted[i] for i in chosen.tolist()]
        self.mean_worth = float(values[chosen].mean()) if len(chosen) else float("nan")
        self._scouted, self._scores = [], []
        self._batches_left = self.refresh_every

    def metrics(self) -> dict[str, float]:
        """Returns what the kept tasks were worth on average, and how many there are."""
        return {
            "curriculum/kept_worth": self.mean_worth,
            "curriculum/num_kept": float(len(self.kept)),
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns what is known and how far it is."""
        return {
            "kept": [task.to_json() for task in self.kept],
            "scouted": [task.to_json() for task in self._scouted],
            "scores": list(self._scores),
            "mean_worth": self.mean_worth,
            "batches_left": self._batches_left,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self.kept = [Task.from_json(task) for task in state["kept"]]
        self._scouted = [Task.from_json(task) for task in state["scouted"]]
        self._scores = list(state["scores"])
        self.mean_worth = state["mean_worth"]
        self._batches_left = state["batches_left"]
