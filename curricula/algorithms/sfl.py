"""Sampling for learnability: train where the learner sometimes succeeds and sometimes fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from curricula.scouting import Scout
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class SFL(Curriculum):
    """Plays many new tasks for their score, and trains on a mixture of the most learnable and new.

    Learnability is p · (1 − p), p the share of a lifetime's episodes that succeed; where success
    has no meaning, the variance of their returns, which is the same of returns 0 and 1. Where a
    learner hardly ever succeeds at first all are 0, and ties are random: `score` may be that
    variance then. A lifetime of one episode says nothing.

    Scouting is play that nothing is learned from, and counts in the budget like any other.

    Source:
        Rutherford et al. 2024, "No regrets: investigating and improving regret approximations
        for curriculum discovery" (arXiv 2408.15099). There 25,000 levels are scouted for 1,000,
        here fewer by default, so that scouting is a fifth of all play at 64 tasks a batch; there
        p is over separate rollouts, here over the episodes of one lifetime.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            num_scouted: new tasks that are played for their score before a choice.
            num_kept: of them, the most learnable ones that are trained on.
            refresh_every: training batches until the next choice.
            replay_share: share of a training batch that comes from the kept ones, in [0, 1].
            score: what is learnable, see `curricula.scores`.

        Raises:
            ValueError: if a setting is out of its range.
        """

        num_scouted: int = 512
        num_kept: int = 64
        refresh_every: int = 32
        replay_share: float = 0.5
        score: Literal["learnability", "return_variance"] = "learnability"

        def __post_init__(self) -> None:
            if not 0.0 <= self.replay_share <= 1.0:
                raise ValueError(f"replay_share must lie in [0, 1], got {self.replay_share}.")
            Scout(self.num_scouted, self.num_kept, self.refresh_every)

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._scout = Scout(config.num_scouted, config.num_kept, config.refresh_every)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n tasks to scout, or a mixture to train on."""
        share = self.config.replay_share
        return self._scout.ask(source, distribution, n, rng, lambda _, told: told, share)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the learnability of what was scouted."""
        self._scout.tell(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns how learnable the kept tasks were, and how many there are."""
        return self._scout.metrics()

    def state_dict(self) -> dict[str, Any]:
        """Returns what is kept and what is being scouted."""
        return self._scout.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._scout.load_state_dict(state)
