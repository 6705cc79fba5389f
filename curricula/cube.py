"""A distribution as a unit cube: what curricula that model parameters compute in.

Tasks are kept as points of the declared space's cube, which never moves. A `Frame` looks at them
from within one distribution: its axes are the parameters that vary there, each from 0 to 1, and
every point of it is a row of the distribution. So what a model draws cannot lie outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.distribution import Interval, Region, TaskDistribution, Weights
from taskgen.parameter_space import Columns, ParameterSpace
from taskgen.parameters import Categorical, Int, Parameter
from taskgen.regions import draw

_BELOW_ONE = np.nextafter(1.0, 0.0)
_ROUNDING = 1e-9


def points_of(space: ParameterSpace, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Returns where rows of parameters lie in the unit cube of the declared space, [B, D]."""
    return np.array([space.to_unit(row) for row in rows]).reshape(len(rows), len(space))


class Frame:
    """A distribution's own unit cube, [0, 1]^F over its F parameters that vary.

    Whole numbers share their axis evenly, choices by their weights; so uniform points of the cube
    are tasks as the distribution draws them (what it rehearses left out).

    Args:
        distribution: the region.

    Attributes:
        free: the indices of the parameters that vary, among the D of the space, [F].

    Example:
        >>> from taskgen.parameters import Float, Int
        >>> space = ParameterSpace({"size": Int(low=1, high=9, step=2, default=5),
        ...                         "x": Float(low=0.0, high=10.0, default=1.0)})
        >>> frame = Frame(TaskDistribution.make(space, {"size": [3, 5], "x": 4.0}))
        >>> frame.free, frame.columns(np.array([[0.2], [0.9]]))["size"]
        (array([0]), array([3, 5]))
        >>> frame.local(np.array([[0.5, 0.4]]))  # size 5, x 4
        array([[0.75]])
    """

    def __init__(self, distribution: TaskDistribution) -> None:
        self.distribution = distribution
        self.space = distribution.space
        self._axes = [_Axis.of(self.space[n], r) for n, r in distribution.regions.items()]
        self.free = np.flatnonzero([axis.num_values > 1 for axis in self._axes])

    def columns(self, local: NDArray[np.float64]) -> Columns:
        """Returns the rows at points of the cube, [B, F]; what lies beyond is at its edge."""
        unit = np.full((len(local), len(self._axes)), 0.5)
        unit[:, self.free] = np.clip(local, 0.0, _BELOW_ONE)
        return {
            name: draw(parameter, self.distribution.regions[name], unit[:, d])
            for d, (name, parameter) in enumerate(self.space.items())
        }

    def local(
        self, points: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.float64]:
        """Returns points of the declared cube, [B, D], as points of this one, [B, F].

        Only those that are `inside` mean something.

        Args:
            points: of the declared cube.
            rng: spreads whole numbers and choices over their share of the axis, as a density
                wants them; without it they are in its middle.
        """
        within = np.full(len(points), 0.5)
        columns = [
            self._axes[d].to_local(points[:, d], rng.random(len(points)) if rng else within)
            for d in self.free
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((len(points), 0))

    def inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Returns which points of the declared cube, [B, D], the distribution's region holds."""
        held = [axis.holds(points[:, d]) for d, axis in enumerate(self._axes)]
        return np.logical_and.reduce(held) if held else np.ones(len(points), dtype=bool)

    def points(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns points of this cube, [B, F], as points of the declared one, [B, D]."""
        return points_of(self.space, self.space.rows(self.columns(local)))

    def num_values(self) -> list[float]:
        """Returns how many values each varying parameter has, infinite for a real one, [F]."""
        return [self._axes[d].num_values for d in self.free]

    def edges(self, num_bins: Sequence[int]) -> list[NDArray[np.float64]]:
        """Returns where each axis is cut into bins that part no whole number and no choice, [F].

        Args:
            num_bins: how many each axis has, at most as many as it has values, [F].
        """
        return [self._axes[d].edges(n) for d, n in zip(self.free, num_bins, strict=True)]


@dataclass(frozen=True)
class _Axis:
    """One parameter's region on the declared unit axis.

    `steps` are where its values begin and end on the local axis, None for real numbers; `choices`
    are the declared positions of what they stand for.
    """

    low: float
    high: float
    num_values: float
    steps: NDArray[np.float64] | None = None
    choices: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, parameter: Parameter, region: Region) -> _Axis:
        if isinstance(parameter, Categorical):
            assert isinstance(region, Weights)
            index = np.flatnonzero(np.array(region.values) > 0.0)
            choices = index / (len(parameter.choices) - 1)
            steps = np.concatenate([[0.0], np.cumsum(np.array(region.values)[index])])
            return cls(choices[0], choices[-1], len(index), steps, choices)
        assert isinstance(region, Interval)
        first, last = parameter.axis
        low, high = (
            (parameter.to_axis(end) - first) / (last - first) for end in (region.low, region.high)
        )
        if not isinstance(parameter, Int):
            return cls(low, high, np.inf if high > low else 1.0)
        count = int(region.high - region.low) // parameter.step + 1
        return cls(
            low, high, count, np.linspace(0.0, 1.0, count + 1), np.linspace(low, high, count)
        )

    def to_local(
        self, unit: NDArray[np.float64], within: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.steps is None or self.choices is None:
            return (unit - self.low) / (self.high - self.low)
        nearest = np.abs(unit[:, None] - self.choices).argmin(axis=1)
        return self.steps[nearest] + within * (self.steps[nearest + 1] - self.steps[nearest])

    def holds(self, unit: NDArray[np.float64]) -> NDArray[np.bool_]:
        if self.choices is None:
            return (unit >= self.low - _ROUNDING) & (unit <= self.high + _ROUNDING)
        return np.abs(unit[:, None] - self.choices).min(axis=1) <= _ROUNDING

    def edges(self, num_bins: int) -> NDArray[np.float64]:
        if self.steps is None:
            return np.linspace(0.0, 1.0, num_bins + 1)
        cuts = np.linspace(0, len(self.steps) - 1, num_bins + 1).round().astype(np.int64)
        return self.steps[cuts]
