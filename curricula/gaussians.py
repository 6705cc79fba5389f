"""Mixtures of Gaussians over where tasks lie and what they came to, fitted and drawn from.

The part that ALP-GMM and Covar-GMM hold. Some hundred points are fitted again every few batches, so
this is expectation-maximisation compiled for the purpose: scikit-learn's takes ten times as long
here, and its threads, which wait for each other on so little work, make the bits depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_TRIES = 16
_MIN_POINTS_PER_COMPONENT = 5
_MAX_ROUNDS, _ENOUGH, _REGULAR = 100, 1e-3, 1e-5


@dataclass(frozen=True)
class Mixture:
    """K Gaussians over F coordinates of a place, and how likely each is to be drawn from.

    Args:
        probs: summing to 1, [K].
        means: [K, F].
        covariances: [K, F, F].
    """

    probs: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Returns n points of the unit cube, [n, F].

        What falls outside is drawn again a few times, then put on the nearest edge.
        """
        num_coordinates = self.means.shape[1]
        factors = np.linalg.cholesky(self.covariances + 1e-12 * np.eye(num_coordinates))
        points = np.empty((n, num_coordinates))
        missing = np.arange(n)
        which = rng.choice(len(self.probs), n, p=self.probs)
        for _ in range(_TRIES):
            noise = rng.standard_normal((len(missing), num_coordinates))
            chosen = which[missing]
            drawn = self.means[chosen] + np.einsum("kij,kj->ki", factors[chosen], noise)
            points[missing] = drawn
            missing = missing[((drawn < 0.0) | (drawn > 1.0)).any(axis=1)]
        return np.clip(points, 0.0, 1.0)

    def state_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return {name: array.tolist() for name, array in vars(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Mixture:
        """Returns the mixture of a state."""
        return cls(**{name: np.array(values) for name, values in state.items()})


@dataclass(frozen=True)
class Fit:
    """K Gaussians over all columns that were fitted, places and what tasks came to.

    Args:
        probs: share of the points that each explains, [K].
        means: [K, C].
        covariances: [K, C, C].
        log_likelihood: of all points together.
    """

    probs: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    log_likelihood: float

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 · number of parameters − 2 · log-likelihood; lower is better."""
        num, columns = self.means.shape
        return 2.0 * (num * (1 + columns + columns * (columns + 1) // 2) - 1 - self.log_likelihood)

    def toward(self, interest: NDArray[np.float64], num_coordinates: int) -> Mixture | None:
        """Returns the mixture over the first coordinates, drawn from by interest.

        None where no component is of any interest.

        Args:
            interest: of each component, [K]; below 0 counts as none.
            num_coordinates: F, how many of the columns are the place.
        """
        weights = np.maximum(np.nan_to_num(interest), 0.0)
        if weights.sum() <= 0.0:
            return None
        some, place = weights > 0.0, slice(num_coordinates)
        return Mixture(
            probs=weights[some] / weights[some].sum(),
            means=self.means[some][:, place],
            covariances=self.covariances[some][:, place, place],
        )


def fitted(
    columns: NDArray[np.float64], max_components: int, rng: np.random.Generator
) -> Fit | None:
    """Returns the mixture of 2 to `max_components` Gaussians with the least AIC.

    None where there are too few points for two.

    Args:
        columns: points, [N, C], all of a similar scale.
        max_components: the most that are tried, fewer where points are few.
        rng: decides where fitting begins.
    """
    most = min(max_components, len(columns) // _MIN_POINTS_PER_COMPONENT)
    fits = [expectation_maximization(columns, k, rng) for k in range(2, most + 1)]
    return min(fits, key=lambda fit: fit.aic) if fits else None


def expectation_maximization(
    points: NDArray[np.float64], num: int, rng: np.random.Generator
) -> Fit:
    """Returns `num` Gaussians fitted to points, [N, C], from far-apart points of them on.

    Ends where a round adds less than 1e-3 to the mean log-likelihood of a point, as scikit-learn's
    does, and after 100 rounds.
    """
    shares = _nearest(points, _far_apart(points, num, rng))
    return Fit(*_rounds(np.ascontiguousarray(points), shares, _MAX_ROUNDS, _ENOUGH, _REGULAR))


@numba.njit(cache=True)
def _rounds(points, shares, max_rounds, enough, regular):  # type: ignore[no-untyped-def]
    """Expectation and maximisation in turns; `shares`, [N, K], are the first expectations."""
    num_points, num_columns = points.shape
    num = shares.shape[1]
    probs = np.empty(num)
    means = np.empty((num, num_columns))
    covariances = np.empty((num, num_columns, num_columns))
    before = -np.inf
    for _ in range(max_rounds):
        _maximize(points, shares, regular, probs, means, covariances)
        _log_densities(points, means, covariances, shares)
        total = 0.0
        for n in range(num_points):
            highest = -np.inf
            for k in range(num):
                shares[n, k] += np.log(probs[k])
                highest = max(highest, shares[n, k])
            mass = 0.0
            for k in range(num):
                shares[n, k] = np.exp(shares[n, k] - highest)
                mass += shares[n, k]
            for k in range(num):
                shares[n, k] /= mass
            total += highest + np.log(mass)
        if total / num_points - before < enough:
            break
        before = total / num_points
    return probs, means, covariances, total


@numba.njit(cache=True)
def _maximize(points, shares, regular, probs, means, covariances):  # type: ignore[no-untyped-def]
    """Writes the Gaussians that explain the points' shares best."""
    num_points, num_columns = points.shape
    for k in range(shares.shape[1]):
        mass = 1e-15
        means[k] = 0.0
        covariances[k] = 0.0
        for n in range(num_points):
            mass += shares[n, k]
            for c in range(num_columns):
                means[k, c] += shares[n, k] * points[n, c]
        means[k] /= mass
        for n in range(num_points):
            for c in range(num_columns):
                weighted = shares[n, k] * (points[n, c] - means[k, c])
                for d in range(num_columns):
                    covariances[k, c, d] += weighted * (points[n, d] - means[k, d])
        covariances[k] /= mass
        for c in range(num_columns):
            covariances[k, c, c] += regular
        probs[k] = mass / num_points


@numba.njit(cache=True)
def _log_densities(points, means, covariances, logs):  # type: ignore[no-untyped-def]
    """Writes the logarithm of each Gaussian's density at each point, [N, K]."""
    num_points, num_columns = points.shape
    white = np.empty(num_columns)
    for k in range(len(means)):
        factor = np.linalg.cholesky(covariances[k])
        constant = -0.5 * num_columns * np.log(2.0 * np.pi)
        for c in range(num_columns):
            constant -= np.log(factor[c, c])
        for n in range(num_points):
            squares = 0.0
            for c in range(num_columns):
                value = points[n, c] - means[k, c]
                for d in range(c):
                    value -= factor[c, d] * white[d]
                white[c] = value / factor[c, c]
                squares += white[c] * white[c]
            logs[n, k] = constant - 0.5 * squares


def _far_apart(
    points: NDArray[np.float64], num: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Returns `num` of the points, each drawn by its squared distance to those before."""
    chosen = [points[rng.integers(len(points))]]
    nearest = np.full(len(points), np.inf)
    for _ in range(num - 1):
        nearest = np.minimum(nearest, ((points - chosen[-1]) ** 2).sum(axis=1))
        total = nearest.sum()
        probs = nearest / total if total > 0.0 else None
        chosen.append(points[rng.choice(len(points), p=probs)])
    return np.array(chosen)


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    gaps = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return np.eye(len(centres))[gaps.argmin(axis=1)]


def to_unit_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns values with the lowest at 0 and the highest at 1; all 0 where they are alike.

    Example:
        >>> to_unit_range(np.array([-2.0, 0.0, 2.0]))
        array([0. , 0.5, 1. ])
    """
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros(len(values))
