"""Proposing tasks from a model of the distribution that is fitted again every so often.

The part that curricula hold which say by a mixture of Gaussians where the next tasks should lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from curricula.cube import Frame
from curricula.curriculum import Proposal
from curricula.gaussians import Mixture
from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import Columns
from taskgen.source import TaskSource

FitMixture: TypeAlias = Callable[[Frame, np.random.Generator], Mixture | None]
"""Fits what was played within a frame's distribution; None where there is nothing to go by."""


class PlaceModel:
    """Draws tasks from a mixture over a distribution's cube, and some of all of it.

    The mixture is fitted when enough tasks were told of, and again where the distribution moved.

    Args:
        explore_prob: share of tasks drawn from the whole distribution.
        fit_every: tasks that are told of between two fits.
    """

    def __init__(self, explore_prob: float, fit_every: int) -> None:
        self.explore_prob = explore_prob
        self.fit_every = fit_every
        self.mixture: Mixture | None = None
        self._place: dict[str, Any] | None = None
        self._num_new = 0

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
        fit: FitMixture,
    ) -> list[Proposal]:
        """Returns n new tasks, most of them where the mixture is, or can be fitted now."""
        frame, place = Frame(distribution), distribution.to_json()
        has_moved = self._place is not None and place != self._place
        if self._num_new >= self.fit_every or has_moved:
            self.mixture = fit(frame, rng) if len(frame.free) else None
            self._place, self._num_new = place, 0
        law = _Law(frame, self.mixture, self.explore_prob)
        return [Proposal(task) for task in source.make(law, n, rng)]

    def count(self, num_tasks: int) -> None:
        """Takes in how many tasks were told of."""
        self._num_new += num_tasks

    def state_dict(self) -> dict[str, Any]:
        """Returns the mixture, where it belongs, and how long it will last."""
        return {
            "mixture": self.mixture.state_dict() if self.mixture else None,
            "place": self._place,
            "num_new": self._num_new,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        mixture = state["mixture"]
        self.mixture = Mixture.from_state(mixture) if mixture else None
        self._place, self._num_new = state["place"], state["num_new"]


@dataclass(frozen=True)
class _Law:
    """Rows where a mixture is, a share of them of the whole distribution."""

    frame: Frame
    mixture: Mixture | None
    explore_prob: float

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows as columns, [n] each."""
        anywhere = self.frame.distribution.sample(n, rng)
        if self.mixture is None:
            return anywhere
        drawn = self.frame.columns(self.mixture.sample(n, rng))
        explores = rng.random(n) < self.explore_prob
        return {name: np.where(explores, anywhere[name], drawn[name]) for name in drawn}
