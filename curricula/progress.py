"""Learning progress: how fast a learner changes on tasks, whether it improves or forgets.

Pure functions of what was measured; `Cells` cuts a distribution into the parts that it is measured
on, where tasks are too many to be played twice.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from curricula.cube import Frame
from taskgen.parameter_space import Columns

_MAX_BASELINE = 0.75


def normalized(rate: NDArray[np.float64], baseline: float) -> NDArray[np.float64]:
    """Returns success rates above a baseline as shares of what is left of it, in [0, 1].

    q = max(p − p₀, 0) / (1 − p₀), with p₀ at most 0.75.

    Args:
        rate: success rates in [0, 1].
        baseline: p₀, the success rate of a policy that knows nothing, in [0, 1].

    Example:
        >>> normalized(np.array([0.1, 0.2, 0.6, 1.0]), 0.2)
        array([0. , 0. , 0.5, 1. ])
    """
    floor = min(baseline, _MAX_BASELINE)
    return np.maximum(rate - floor, 0.0) / (1.0 - floor)


def reweighted(rate: NDArray[np.float64], threshold: float = 0.1) -> NDArray[np.float64]:
    """Returns rates with what is low spread out: f(q) = q(1 − θ) / (q + θ(1 − 2q)).

    From 0 to 1 as before, and 1/2 at θ: early progress on hard tasks counts more.

    Example:
        >>> reweighted(np.array([0.0, 0.1, 1.0]))
        array([0. , 0.5, 1. ])
    """
    return rate * (1.0 - threshold) / (rate + threshold * (1.0 - 2.0 * rate))


def bidirectional_progress(
    fast: NDArray[np.float64], slow: NDArray[np.float64], threshold: float = 0.1
) -> NDArray[np.float64]:
    """Returns |f(fast) − f(slow)|, f of `reweighted`: forgetting is progress too.

    Args:
        fast: a moving average of success rates, in [0, 1].
        slow: a moving average of `fast`.
        threshold: θ.

    Source:
        Kanitscheider et al. 2021, "Multi-task curriculum learning in a complex, visual, hard-
        exploration domain: Minecraft" (arXiv 2106.14876).
    """
    return np.abs(reweighted(fast, threshold) - reweighted(slow, threshold))


def progress_law(progress: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how likely each task should come next, [N], summing to 1.

    Those with any progress by the logistic function of their standardised progress, the others
    never; where none has any (or nothing is known, NaN), all alike.

    Example:
        >>> progress_law(np.array([0.0, 0.3, 0.3, np.nan]))
        array([0. , 0.5, 0.5, 0. ])
    """
    moves = np.nan_to_num(progress, nan=0.0) > 0.0
    if not moves.any():
        return np.full(len(progress), 1.0 / len(progress))
    some = progress[moves]
    deviation = some.std()
    standard = (some - some.mean()) / deviation if deviation > 0.0 else np.zeros(len(some))
    law = np.zeros(len(progress))
    law[moves] = 1.0 / (1.0 + np.exp(-standard))
    return law / law.sum()


def nearest_progress(
    points: NDArray[np.float64],
    values: NDArray[np.float64],
    past_points: NDArray[np.float64],
    past_values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns absolute learning progress, [B]: |value − value of the nearest task of the past|.

    0 where there is no past; of two that are equally near, the later one counts.

    Args:
        points: where tasks lie, [B, D].
        values: what they came to, [B].
        past_points: where tasks lay that were played before, oldest first, [N, D].
        past_values: what those came to, [N].

    Source:
        Portelas et al. 2019, "Teacher algorithms for curriculum learning of deep RL in
        continuously parameterized environments" (arXiv 1910.07224).
    """
    if not len(past_points):
        return np.zeros(len(points))
    gaps = ((points[:, None, :] - past_points[None, ::-1, :]) ** 2).sum(axis=2)
    return np.abs(values - past_values[::-1][gaps.argmin(axis=1)])


class Cells:
    """A grid over a distribution's cube whose cells share its axes as evenly as they can.

    Args:
        frame: of the distribution.
        max_cells: how many there may be; axes with the fewest bins are cut first.

    Attributes:
        num: how many there are.
    """

    def __init__(self, frame: Frame, max_cells: int) -> None:
        self.frame = frame
        self.num_bins = _bins(frame.num_values(), max_cells)
        self.num = math.prod(self.num_bins)
        self._edges = frame.edges(self.num_bins)

    def index(self, local: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the cell that each point of the frame's cube lies in, [B]."""
        if not self.num_bins:
            return np.zeros(len(local), dtype=np.int64)
        bins = [
            np.clip(np.searchsorted(edges, local[:, f], side="right") - 1, 0, len(edges) - 2)
            for f, edges in enumerate(self._edges)
        ]
        return np.ravel_multi_index(bins, self.num_bins).astype(np.int64)

    def draw(self, cells: NDArray[np.int64], rng: np.random.Generator) -> Columns:
        """Returns a row of each of these cells, uniform within it, as columns [B]."""
        return self.frame.columns(self._points(cells, rng.random((len(cells), len(self._edges)))))

    def centres(self) -> NDArray[np.float64]:
        """Returns the middle of every cell in the frame's cube, [N, F]."""
        return self._points(np.arange(self.num), np.full((self.num, len(self._edges)), 0.5))

    def _points(self, cells: NDArray[np.int64], within: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.zeros(within.shape)
        if self.num_bins:
            for f, bins in enumerate(np.unravel_index(cells, self.num_bins)):
                low, high = self._edges[f][bins], self._edges[f][bins + 1]
                points[:, f] = low + within[:, f] * (high - low)
        return points


def _bins(num_values: list[float], max_cells: int) -> list[int]:
    bins = [1] * len(num_values)
    while True:
        wider = [f for f, n in enumerate(bins) if n < num_values[f]]
        wider = [f for f in wider if math.prod(bins) // bins[f] * (bins[f] + 1) <= max_cells]
        if not wider:
            return bins
        bins[min(wider, key=bins.__getitem__)] += 1
