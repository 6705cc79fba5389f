"""Prioritised level replay: tasks that had much to teach are played again."""

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


class PLR(Curriculum):
    """Replays the tasks with the highest scores, and learns from new and replayed tasks alike.

    A batch is replayed with `replay_prob`, new otherwise; scores of all that was played decide
    what the buffer keeps. Tasks outside of the current distribution are not replayed.

    Source:
        Jiang et al. 2021, "Prioritized level replay" (arXiv 2010.03934); the settings are those of
        Jiang et al. 2023, "minimax" (arXiv 2311.12716). There staleness is counted after each
        draw, and a level can be drawn several times for one batch; here it is counted in batches,
        and that is an option (`repeats`).
    """

    @dataclass(frozen=True)
    class Config(ReplaySettings):
        """As published."""

        score: str = MAX_MONTE_CARLO

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
        """Returns n proposals, replayed or new.

        Raises:
            taskgen.source.TooFewTasks: if the distribution holds too few tasks of the split.
        """
        replay = self._replay
        replay.begin(source, distribution)
        replay.replay(replay.num_replays(n, self.config.replay_prob, rng), rng)
        new = fresh(source, distribution, n - replay.num_proposed, rng)
        replay.propose(new, "new", train=True)
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
