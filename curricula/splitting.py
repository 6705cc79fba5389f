"""A cube cut into boxes where learning progress differs, from what was played in it.

The part of RIAC that is a pure function: the same tasks and values give the same boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CUTS = np.arange(1, 8) / 8.0
"""At which quantiles of a box's points a cut is tried, on every axis."""


@dataclass(frozen=True)
class Box:
    """A part of the unit cube, and what was played in it.

    Args:
        low: its lower corner, [F].
        high: its upper corner, [F].
        values: what tasks in it came to, oldest first.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def progress(self) -> float:
        """How much the values changed, either way."""
        return halves_progress(self.values)


def halves_progress(values: NDArray[np.float64]) -> float:
    """Returns |mean of the newer half − mean of the older half|; 0 of fewer than two values.

    Args:
        values: oldest first; of an odd number the middle one is new.

    Example:
        >>> halves_progress(np.array([1.0, 1.0, 4.0, 2.0]))
        2.0
    """
    half = len(values) // 2
    return abs(float(values[half:].mean() - values[:half].mean())) if half else 0.0


def split_gain(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Returns what a cut is worth: n₁ · n₂ · |progress₁ − progress₂|.

    Large where both sides hold many tasks and one of them is learned while the other is not.

    Args:
        left: values on one side, oldest first.
        right: values on the other.

    Source:
        Baranes and Oudeyer 2009, "R-IAC: robust intrinsically motivated exploration and active
        learning", IEEE Transactions on Autonomous Mental Development 1(3).
    """
    return len(left) * len(right) * abs(halves_progress(left) - halves_progress(right))


def boxes_of(
    points: NDArray[np.float64], values: NDArray[np.float64], max_points: int
) -> list[Box]:
    """Returns boxes that fill the unit cube, each split until it holds few enough points.

    A box that no cut parts in two (all points alike) stays as it is.

    Args:
        points: where tasks lie, oldest first, [N, F].
        values: what they came to, [N].
        max_points: of a box that is not split any further.
    """
    cube = np.zeros(points.shape[1]), np.ones(points.shape[1])
    waiting, done = [(*cube, np.arange(len(points)))], []
    while waiting:
        low, high, inside = waiting.pop()
        cut = _best_cut(points[inside], values[inside]) if len(inside) > max_points else None
        if cut is None:
            done.append(Box(low, high, values[inside]))
            continue
        axis, at = cut
        is_left = points[inside, axis] < at
        middle_high, middle_low = high.copy(), low.copy()
        middle_high[axis] = middle_low[axis] = at
        waiting.append((middle_low, high, inside[~is_left]))
        waiting.append((low, middle_high, inside[is_left]))
    return done


def _best_cut(points: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[int, float] | None:
    """Returns axis and place of the best cut, None if there is none; of equals the first."""
    found, most = None, -1.0
    for axis in range(points.shape[1]):
        for at in _places(points[:, axis]):
            is_left = points[:, axis] < at
            gain = split_gain(values[is_left], values[~is_left])
            if gain > most:
                found, most = (axis, at), gain
    return found


def _places(column: NDArray[np.float64]) -> list[float]:
    """Returns where an axis may be cut: between two values, near the quantiles."""
    ordered = np.unique(column)
    if len(ordered) < 2:
        return []
    above = np.searchsorted(ordered, np.quantile(column, _CUTS), side="right")
    above = np.unique(np.clip(above, 1, len(ordered) - 1))
    return (0.5 * (ordered[above - 1] + ordered[above])).tolist()
