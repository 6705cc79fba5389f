"""What is published for Bernoulli bandits, with a uniform prior: B bandits at once.

All of them count for each arm what it won and lost, one win and one loss to begin with: the
posterior of arm i is Beta(wins, losses), its mean wins / (wins + losses).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.references.gittins import gittins_indices
from taskgen.generators.references.play import ReferencePolicy
from taskgen.task import Task

_TINY = 1e-12  # keeps logarithms finite


class BanditPolicy(ReferencePolicy):
    """Pulls the arm that looks best by some measure.

    Args:
        num_arms: A.
    """

    def __init__(self, num_arms: int) -> None:
        self._num_arms = num_arms

    @abstractmethod
    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns how good the arms look, [B, A]."""

    def begin(self, tasks: Sequence[Task], rng: np.random.Generator) -> None:
        """Starts with one win and one loss of every arm."""
        self.rng = rng
        self.num_pulls = 0
        self._everyone = np.arange(len(tasks))
        self._wins, self._losses = np.ones((2, len(tasks), self._num_arms))

    def act(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the arm with the highest score, the first of several."""
        del observations
        return np.asarray(self.scores(self._wins, self._losses).argmax(axis=1))

    def learn(
        self,
        observations: NDArray[Any],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        after: NDArray[Any],
        over: NDArray[np.bool_],
    ) -> None:
        """Counts wins and losses."""
        del observations, after, over
        self._wins[self._everyone, actions] += rewards
        self._losses[self._everyone, actions] += 1.0 - rewards
        self.num_pulls += 1


class Thompson(BanditPolicy):
    """Thompson sampling: the arm whose mean is largest in one draw of the posterior.

    Source: Thompson 1933; as in Chapelle and Li 2011.
    """

    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns θᵢ ~ Beta(winsᵢ, lossesᵢ)."""
        return self.rng.beta(wins, losses)


class LikeliestThompson(BanditPolicy):
    """The arm whose mean is largest in the likeliest of several draws of the posterior.

    Args:
        num_arms: A.
        num_draws: N, of all means, for each pull.

    Source: Duan et al. 2016 call it optimistic Thompson sampling, which "samples N times from the
    posterior, and takes the one with the highest probability", after May et al. 2012; that paper's
    own bounds each draw by the mean from below, and earns hardly more than Thompson sampling here.
    """

    def __init__(self, num_arms: int, num_draws: int) -> None:
        super().__init__(num_arms)
        self._num_draws = num_draws

    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns the draw θ with the largest Σ (winsᵢ − 1) ln θᵢ + (lossesᵢ − 1) ln (1 − θᵢ)."""
        best, likeliest = np.zeros(wins.shape), np.full(len(wins), -np.inf)
        for _ in range(self._num_draws):
            draw = np.clip(self.rng.beta(wins, losses), _TINY, 1.0 - _TINY)
            logs = (wins - 1.0) * np.log(draw) + (losses - 1.0) * np.log1p(-draw)
            likelihood = logs.sum(axis=1)
            better = likelihood > likeliest
            best[better], likeliest[better] = draw[better], likelihood[better]
        return best


class UCB1(BanditPolicy):
    """The upper confidence bound, with a constant that is tuned.

    Args:
        num_arms: A.
        width: c of the bound.

    Source: Auer 2002; the constant as in Audibert and Munos 2011, the statistics with one win and
    one loss as in Duan et al. 2016.
    """

    def __init__(self, num_arms: int, width: float) -> None:
        super().__init__(num_arms)
        self._width = width

    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns mean + c · √(2 ln t / Tᵢ), Tᵢ = winsᵢ + lossesᵢ, t the number of this pull."""
        counts = wins + losses
        return wins / counts + self._width * np.sqrt(2.0 * math.log(self.num_pulls + 1) / counts)


class EpsilonGreedy(BanditPolicy):
    """The arm with the best mean, but any arm with a chance ε; greedy where ε = 0.

    Args:
        num_arms: A.
        epsilon: ε.
    """

    def __init__(self, num_arms: int, epsilon: float = 0.0) -> None:
        super().__init__(num_arms)
        self._epsilon = epsilon

    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns the means, or random numbers."""
        means = wins / (wins + losses)
        if self._epsilon == 0.0:
            return means
        at_random = self.rng.random(len(means)) < self._epsilon
        return np.where(at_random[:, None], self.rng.random(means.shape), means)


class Gittins(BanditPolicy):
    """The largest Gittins index: Bayes-optimal for discounted pulls without end.

    Args:
        num_arms: A.
        num_pulls: of a lifetime.
        discount: γ.

    Source: Gittins 1979; indices by calibration, see `gittins`.
    """

    def __init__(self, num_arms: int, num_pulls: int, discount: float) -> None:
        super().__init__(num_arms)
        self._indices = gittins_indices(num_pulls, discount)

    def scores(self, wins: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[Any]:
        """Returns the indices."""
        return self._indices[wins.astype(np.int64) - 1, losses.astype(np.int64) - 1]
