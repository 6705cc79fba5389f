"""Replay in whole batches or shares of them, as `plr` and `robust_plr` have it in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from curricula.curriculum import Curriculum, Proposal
from curricula.replay import Replay, ReplaySettings, fresh
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class PrioritizedReplay(Curriculum):
    """A curriculum whose batches are replayed from a buffer, or new: what its variants share.

    `trains_on_new` says whether new tasks are learned from, or played for their score alone.

    Args:
        config: of the variant, settings of replay among them.
    """

    trains_on_new: ClassVar[bool]

    def __init__(self, config: ReplaySettings) -> None:
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
        replay.propose(new, "new", train=self.trains_on_new)
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
