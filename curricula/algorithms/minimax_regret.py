"""Minimax regret with the exact oracle: train where most is left to be earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from curricula.oracles import oracle_returns
from curricula.scouting import Scout
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.source import TaskSource
from taskgen.task import Task


class MinimaxRegret(Curriculum):
    """Plays many new tasks for their score, and trains on those with the largest exact regret.

    Regret is what the best policy that knows the task earns in an episode, less what the learner
    earned in the last one of its lifetime. It needs a generator that knows the optimum, so it is
    a yardstick for scores that only guess at regret, and no method for the wild.

    Source:
        Dennis et al. 2020, "Emergent complexity and zero-shot transfer via unsupervised
        environment design" (arXiv 2012.02096), for the objective. There an adversary is trained
        to find such tasks, here the largest of many is taken; the oracle as the yardstick is that
        of Rutherford et al. 2024 (arXiv 2408.15099).
    """

    score = "last_return"

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            num_scouted: new tasks that are played for their score before a choice.
            num_kept: of them, those of the largest regret that are trained on.
            refresh_every: training batches until the next choice.
            replay_share: share of a training batch that comes from the kept ones, in [0, 1].

        Raises:
            ValueError: if a setting is out of its range.
        """

        num_scouted: int = 512
        num_kept: int = 64
        refresh_every: int = 32
        replay_share: float = 0.5

        def __post_init__(self) -> None:
            if not 0.0 <= self.replay_share <= 1.0:
                raise ValueError(f"replay_share must lie in [0, 1], got {self.replay_share}.")
            Scout(self.num_scouted, self.num_kept, self.refresh_every)

    def __init__(self, config: Config) -> None:
        self.config = config
        self._scout = Scout(config.num_scouted, config.num_kept, config.refresh_every)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n tasks to scout, or a mixture to train on.

        Raises:
            ValueError: if the generator does not know the best return of its tasks.
        """
        if not source.generator.has_oracle:
            raise ValueError(
                f"minimax_regret needs the best return of each task, and {source.generator.name} "
                f"knows none; give it an oracle_return, or take a score that needs none (sfl)."
            )

        def worth(tasks: Sequence[Task], returns: NDArray[np.float64]) -> NDArray[np.float64]:
            return regrets(source.generator, tasks, returns)

        return self._scout.ask(source, distribution, n, rng, worth, self.config.replay_share)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the last returns of what was scouted."""
        self._scout.tell(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns the mean regret of the kept tasks, and how many there are."""
        return self._scout.metrics()

    def state_dict(self) -> dict[str, Any]:
        """Returns what is kept and what is being scouted."""
        return self._scout.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._scout.load_state_dict(state)


def regrets(
    generator: TaskGenerator, tasks: Sequence[Task], returns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the exact regret of each task, [B]: oracle return − return; NaN: not known."""
    return oracle_returns(generator, tasks) - returns
