"""Covar-GMM: train where scores rise with time, by Gaussians over parameters, time and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.cube import Frame
from curricula.curriculum import Curriculum, Proposal
from curricula.gaussians import Mixture, fitted, to_unit_range
from curricula.place_model import PlaceModel
from curricula.told import Played, Told
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class CovarGMM(Curriculum):
    """Draws tasks from Gaussians over the parameters, by how much scores rise with time there.

    Gaussians are fitted to where tasks lie, when they were played and what they came to, as many
    as the AIC wants; one is drawn by its covariance of time and score, where that is above 0, and
    a task from it.

    Source:
        Moulin-Frier, Nguyen and Oudeyer 2014, "Self-organization of early vocal development in
        infants and machines: the role of intrinsic motivation", Frontiers in Psychology 4:1006;
        as a baseline in Portelas et al. 2019 (arXiv 1910.07224). There the space is fixed; here
        the Gaussians live in the cube of the current distribution, time and score run from 0 to 1
        over the tasks of a fit, and what was played outside of the distribution is left out.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            explore_prob: share of tasks drawn from the whole distribution, in [0, 1].
            fit_every: tasks between two fits; each takes the last as many.
            max_components: the most Gaussians that are tried, from 2 on.
            score: what progress is made in.

        Raises:
            ValueError: if a setting is out of its range.
        """

        explore_prob: float = 0.2
        fit_every: int = 250
        max_components: int = 10
        score: Literal["last_return", "mean_return", "success_rate"] = "last_return"

        def __post_init__(self) -> None:
            if not 0.0 <= self.explore_prob <= 1.0:
                raise ValueError(f"explore_prob must lie in [0, 1], got {self.explore_prob}.")
            if self.max_components < 2:
                raise ValueError(f"max_components must be 2 or more, got {self.max_components}.")
            if self.fit_every < 1:
                raise ValueError(f"fit_every must be 1 or more, got {self.fit_every}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._told = Told()
        self._played = Played(config.fit_every)
        self._model = PlaceModel(config.explore_prob, config.fit_every)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n new tasks, most of them where scores rise."""
        points, values = self._told.take(distribution.space)
        if len(points):
            self._played.add(points, values)
            self._model.count(len(points))
        new = self._model.ask(source, distribution, n, rng, self._fit)
        return self._told.asked.remember(new)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores; they are looked at with the next `ask`."""
        self._told.add(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns how many Gaussians are drawn from."""
        mixture = self._model.mixture
        return {"curriculum/num_gaussians": float(len(mixture.probs)) if mixture else 0.0}

    def state_dict(self) -> dict[str, Any]:
        """Returns what was told and played, and the Gaussians."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Told | Played | PlaceModel]:
        return {"told": self._told, "played": self._played, "model": self._model}

    def _fit(self, frame: Frame, rng: np.random.Generator) -> Mixture | None:
        if not len(self._played.values):
            return None
        inside = frame.inside(self._played.points)
        scores = self._played.values[inside]
        if not len(scores):
            return None
        local = frame.local(self._played.points[inside], rng)
        time = np.linspace(0.0, 1.0, len(scores))
        columns = np.column_stack([local, time, to_unit_range(scores)])
        fit = fitted(columns, self.config.max_components, rng)
        return fit.toward(fit.covariances[:, -2, -1], local.shape[1]) if fit else None
