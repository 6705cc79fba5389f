"""Domain randomisation: every task is drawn anew from the distribution, whatever happened before.

The baseline that every curriculum has to beat, and often does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class DomainRandomization(Curriculum):
    """Draws every task independently from the current distribution.

    It has no state and takes no notice of scores.

    Source:
        Tobin et al. 2017, "Domain randomization for transferring deep neural networks from
        simulation to the real world" (arXiv 1703.06907). There the ranges are fixed; here they
        are those of a distribution that a search may move.
    """

    @dataclass(frozen=True)
    class Config:
        """There is nothing to set."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n new tasks of the distribution.

        Raises:
            taskgen.source.TooFewTasks: if the distribution holds too few tasks of the split.
        """
        return [Proposal(task) for task in source.make(distribution, n, rng)]

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes no notice."""
        del proposals, scores
