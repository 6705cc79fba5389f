"""ALP-GMM: train where absolute learning progress is high, by Gaussians over the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.cube import Frame
from curricula.curriculum import Curriculum, Proposal
from curricula.gaussians import Mixture, fitted
from curricula.place_model import PlaceModel
from curricula.progress import nearest_progress
from curricula.told import Played, Told
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource


class ALPGMM(Curriculum):
    """Draws tasks from Gaussians over the parameters, by how much the learner changes there.

    The absolute learning progress of a task is how far its score lies from that of the nearest
    task played before. Gaussians are fitted to where tasks lie and their progress, as many as the
    AIC wants; one is drawn by its mean progress, and a task from it.

    Source:
        Portelas et al. 2019, "Teacher algorithms for curriculum learning of deep RL in
        continuously parameterized environments" (arXiv 1910.07224). There the space is fixed; here
        distances are those of the declared unit cube, and the Gaussians live in the cube of the
        current distribution: what was played outside of it is left out. Tasks of one batch are
        compared with those of earlier batches, and progress is scaled by the largest in a fit.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            explore_prob: share of tasks drawn from the whole distribution, in [0, 1].
            fit_every: tasks between two fits; each takes the progress of the last as many.
            max_components: the most Gaussians that are tried, from 2 on.
            history: tasks of the past among which the nearest one is sought.
            score: what progress is made in.

        Raises:
            ValueError: if a setting is out of its range.
        """

        explore_prob: float = 0.2
        fit_every: int = 250
        max_components: int = 10
        history: int = 500
        score: Literal["last_return", "mean_return", "success_rate"] = "last_return"

        def __post_init__(self) -> None:
            if not 0.0 <= self.explore_prob <= 1.0:
                raise ValueError(f"explore_prob must lie in [0, 1], got {self.explore_prob}.")
            if self.max_components < 2:
                raise ValueError(f"max_components must be 2 or more, got {self.max_components}.")
            for name in ("fit_every", "history"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}.")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._told = Told()
        self._past = Played(config.history)
        self._progress = Played(config.fit_every)
        self._model = PlaceModel(config.explore_prob, config.fit_every)

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n new tasks, most of them where there is progress."""
        points, values = self._told.take(distribution.space)
        if len(points):
            past = self._past.points, self._past.values
            self._progress.add(points, nearest_progress(points, values, *past))
            self._past.add(points, values)
            self._model.count(len(points))
        new = self._model.ask(source, distribution, n, rng, self._fit)
        return self._told.asked.remember(new)

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores; they become progress with the next `ask`."""
        self._told.add(proposals, scores)

    def metrics(self) -> dict[str, float]:
        """Returns the mean progress lately, and how many Gaussians are drawn from."""
        progress, mixture = self._progress.values, self._model.mixture
        return {
            "curriculum/mean_progress": float(progress.mean()) if len(progress) else float("nan"),
            "curriculum/num_gaussians": float(len(mixture.probs)) if mixture else 0.0,
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns what was told and played, its progress, and the Gaussians."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Told | Played | PlaceModel]:
        return {
            "told": self._told,
            "past": self._past,
            "progress": self._progress,
            "model": self._model,
        }

    def _fit(self, frame: Frame, rng: np.random.Generator) -> Mixture | None:
        if not len(self._progress.values):
            return None
        inside = frame.inside(self._progress.points)
        progress = self._progress.values[inside]
        if not progress.any():
            return None
        local = frame.local(self._progress.points[inside], rng)
        columns = np.column_stack([local, progress / progress.max()])
        fit = fitted(columns, self.config.max_components, rng)
        return fit.toward(fit.means[:, -1], local.shape[1]) if fit else None
