"""Robust prioritised level replay: nothing is learned from a task before it is replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from curricula.replay import MAX_MONTE_CARLO, Replay, ReplaySettings, fresh
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class RobustPLR(Curriculum):
    """Replays the tasks with the highest scores, and learns from these alone.

    New tasks are played for their scores, without a gradient (`Proposal.train` is False), so that
    what is learned from was chosen for it. At equal env steps it learns from fewer tasks than
    `plr`.

    Source:
        Jiang et al. 2021, "Replay-guided adversarial environment design" (arXiv 2110.02439), PLR⊥,
        with its settings for mazes. Where we differ: as in `plr`.
    """

    @dataclass(frozen=True)
    class Config(ReplaySettings):
        """As published."""

        score: str = MAX_MONTE_CARLO
        temperature: float = 0.1

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.scores
        self._replay = Replay(config)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n proposals, replayed or new; new ones give no gradient.

        Raises:
            taskgen.source.TooFewTasks: if the distribution holds too few tasks of the split.
        """
        replay = self._replay
        replay.begin(source, distribution)
        replay.replay(replay.num_replays(n, self.config.replay_prob, rng), rng)
        new = fresh(source, distribution, n - replay.num_proposed, rng)
        replay.propose(new, "new", train=False)
        return replay.asked()

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Scores replays anew, and takes new tasks into the buffer.

        Raises:
            RuntimeError: if these are not the proposals of the last ask.
        """
        self._replay.tell(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns the buffer's numbers."""
        return self._replay.metrics()

    def state_dict(self) -> dict[str, Any]:
        """Returns the buffer."""
        return self._replay.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the buffer back."""
        self._replay.load_state_dict(state)
