"""A distribution is a region of a parameter space: an interval or weights for each parameter.

It is data (JSON there and back), it can be sampled, measured, widened, and moved by a *move*: a
point of a fixed, normalised box, so that a search over moves never sees the intervals themselves
and what it learned about a move in one place carries over to the next.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.parameters import Categorical, Columns, Numeric, OutOfSpace, ParameterSpace
from taskgen.task import canonical_json

Move: TypeAlias = dict[str, float]

_MIN_WEIGHT = 0.01
_MAX_LOGIT = 2.0


@dataclass(frozen=True)
class Interval:
    """The values from `low` to `high`, both within; a point where they are equal."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise OutOfSpace(
                f"an interval needs finite low <= high, got [{self.low}, {self.high}]."
            )


@dataclass(frozen=True)
class Weights:
    """Probabilities of the choices of a categorical, in its order; they sum to one."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        total = sum(self.values)
        if min(self.values) < 0 or not math.isfinite(total) or total <= 0:
            raise OutOfSpace(f"weights must be finite, >= 0 and not all zero, got {self.values}.")
        if total != 1.0:
            object.__setattr__(self, "values", tuple(value / total for value in self.values))


Region: TypeAlias = Interval | Weights


@dataclass(frozen=True)
class TaskDistribution:
    """A region of a space, from which parameters are drawn independently.

    Intervals are uniform on the parameter's own scale (logarithmic where it says so).

    Args:
        space: the declared space.
        regions: one `Interval` or `Weights` for every parameter of the space.
        rehearsal: earlier distributions mixed in against forgetting, as (share, distribution);
            the shares sum to less than one, the rest is this region.

    Example:
        >>> from taskgen.parameters import Int
        >>> space = ParameterSpace({"size": Int(low=5, high=9, step=2, default=5)})
        >>> here = TaskDistribution.make(space, {"size": [5, 7]})
        >>> here.sample(4, np.random.default_rng(0))["size"]
        array([7, 5, 5, 5])
        >>> here.moved({"size.shift": 0.0, "size.log_width": 1.0}).regions["size"]
        Interval(low=5, high=9)
    """

    space: ParameterSpace
    regions: Mapping[str, Region]
    rehearsal: tuple[tuple[float, TaskDistribution], ...] = ()

    @classmethod
    def make(cls, space: ParameterSpace, regions: Mapping[str, Any]) -> TaskDistribution:
        """Returns a distribution from plain values; what is not named stays at its default.

        Args:
            space: the declared space.
            regions: for a number a value or [low, high]; for a categorical a choice, a list of
                choices, or a dict choice → weight.

        Raises:
            OutOfSpace: if a name or a value is not of the space.
        """
        unknown = [name for name in regions if name not in space]
        if unknown:
            raise OutOfSpace(f"unknown parameters {unknown}; the space has {', '.join(space)}.")
        return cls(space, {name: _parse_region(space, name, regions.get(name)) for name in space})

    @classmethod
    def whole(cls, space: ParameterSpace) -> TaskDistribution:
        """Returns the distribution that covers the declared space."""
        regions: dict[str, Region] = {}
        for name, p in space.items():
            if isinstance(p, Categorical):
                regions[name] = Weights((1.0,) * len(p.choices))
            else:
                regions[name] = Interval(p.low, p.high)
        return cls(space, regions)

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows of parameters as columns, [n] each."""
        unit = rng.random((len(self.space), n))
        own = {
            name: _draw(self.space, name, self.regions[name], unit[d])
            for d, name in enumerate(self.space)
        }
        if not self.rehearsal:
            return own
        which = rng.random(n)
        start = 0.0
        for share, earlier in self.rehearsal:
            picked = (which >= start) & (which < start + share)
            old = earlier.sample(n, rng)
            own = {name: np.where(picked, old[name], own[name]) for name in own}
            start += share
        return own

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether a row lies in the region (or in one that is rehearsed)."""
        here = all(
            _in_region(self.space, name, region, params[name])
            for name, region in self.regions.items()
        )
        return here or any(earlier.contains(params) for _, earlier in self.rehearsal)

    def widths(self) -> dict[str, float]:
        """Returns each parameter's share of its declared axis, in (0, 1].

        A point of a number counts as one grid step, or as one thousandth of a real axis; weights
        count as exp(entropy) / number of choices.
        """
        return {name: _share(self.space, name, region) for name, region in self.regions.items()}

    def volume(self, names: Iterable[str] | None = None) -> float:
        """Returns the share of the declared space, the product of the widths, in (0, 1]."""
        widths = self.widths()
        return math.prod(widths[name] for name in (widths if names is None else names))

    def nats(self) -> dict[str, float]:
        """Returns each width in nats: its logarithm, 0 for the whole axis."""
        return {name: math.log(width) for name, width in self.widths().items()}

    def moves(self, movable: Iterable[str]) -> list[str]:
        """Returns the names of the axes of the box of moves for the movable parameters."""
        names: list[str] = []
        for name in movable:
            parameter = self.space[name]
            if isinstance(parameter, Categorical):
                names += [f"{name}.{choice}" for choice in parameter.choices]
            elif self._can_be_active(name):
                names += [f"{name}.shift", f"{name}.log_width"]
        return names

    def moved(self, move: Mapping[str, float]) -> TaskDistribution:
        """Returns this distribution after a move.

        For a number, with w = max(width, min_width) on its axis,

            centre′ = centre + shift · w,   width′ = w · 2^log_width,

        then clipped to the declared bounds. A point stays a point while both are 0. For
        categories, weight′ ∝ max(weight, 1 %) · exp(2 · logit).

        Args:
            move: values in [−1, 1] by name, as in `moves`; what is not named counts as 0.
        """
        regions = dict(self.regions)
        for name, parameter in self.space.items():
            mine = {
                key.partition(".")[2]: v for key, v in move.items() if key.startswith(f"{name}.")
            }
            if not any(mine.values()):
                continue
            region = self.regions[name]
            if isinstance(parameter, Categorical):
                assert isinstance(region, Weights)
                regions[name] = _tilt(parameter, region, mine)
            else:
                assert isinstance(region, Interval)
                regions[name] = _shift(parameter, region, mine)
        return replace(self, regions=regions)

    def effective_move(self, after: TaskDistribution, move: Mapping[str, float]) -> Move:
        """Returns the move that really happened, after clipping and the grid, in [−1, 1]."""
        effective = dict(move)
        for name, parameter in self.space.items():
            if f"{name}.shift" not in move:
                continue
            old, new = self.regions[name], after.regions[name]
            assert isinstance(old, Interval)
            assert isinstance(new, Interval)
            assert not isinstance(parameter, Categorical)
            width = max(_axis_width(parameter, old), parameter.min_axis_width)
            shift = (_axis_centre(parameter, new) - _axis_centre(parameter, old)) / width
            new_width = _axis_width(parameter, new)
            ratio = math.log2(max(new_width / width, 0.5)) if old != new else 0.0
            effective[f"{name}.shift"] = min(max(shift, -1.0), 1.0)
            effective[f"{name}.log_width"] = min(max(ratio, -1.0), 1.0)
        return effective

    def widened(self, margin: float, names: Iterable[str]) -> TaskDistribution:
        """Returns the frontier: the named intervals longer by `margin` of their width each side.

        A whole-number interval grows by one grid step at least, a real one by `margin` of
        `min_width` at least. Categories keep their weights.
        """
        regions = dict(self.regions)
        for name in names:
            parameter, region = self.space[name], self.regions[name]
            if isinstance(parameter, Categorical) or not isinstance(region, Interval):
                continue
            width = max(_axis_width(parameter, region), parameter.min_axis_width)
            reach = max(margin * width, float(getattr(parameter, "step", 0)))
            low, high = parameter.to_axis(region.low), parameter.to_axis(region.high)
            regions[name] = Interval(
                parameter.from_axis(low - reach), parameter.from_axis(high + reach)
            )
        return replace(self, regions=regions)

    def to_json(self) -> dict[str, Any]:
        """Returns plain values that `make` takes back, and the rehearsal."""
        data: dict[str, Any] = {"regions": {}}
        for name, region in self.regions.items():
            parameter = self.space[name]
            if isinstance(region, Weights):
                assert isinstance(parameter, Categorical)
                data["regions"][name] = dict(zip(parameter.choices, region.values, strict=True))
            else:
                data["regions"][name] = [region.low, region.high]
        if self.rehearsal:
            data["rehearsal"] = [
                {"share": share, "distribution": earlier.to_json()}
                for share, earlier in self.rehearsal
            ]
        return data

    @classmethod
    def from_json(cls, space: ParameterSpace, data: Mapping[str, Any]) -> TaskDistribution:
        """Returns the distribution of a JSON dict.

        Raises:
            OutOfSpace: if it does not fit the space.
        """
        rehearsal = tuple(
            (float(item["share"]), cls.from_json(space, item["distribution"]))
            for item in data.get("rehearsal", ())
        )
        return replace(cls.make(space, data["regions"]), rehearsal=rehearsal)

    @property
    def digest(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of its JSON."""
        return hashlib.sha256(canonical_json(self.to_json())).hexdigest()[:12]

    def _can_be_active(self, name: str) -> bool:
        """Whether some task of this distribution has the parameter active."""
        for other, values in (self.space[name].active_when or {}).items():
            region, parameter = self.regions[other], self.space[other]
            if isinstance(region, Weights):
                assert isinstance(parameter, Categorical)
                weights = dict(zip(parameter.choices, region.values, strict=True))
                if not any(weights[str(value)] > 0 for value in values):
                    return False
            else:
                low, high = (float(value) for value in values)
                if region.high < low or region.low > high:
                    return False
        return True


def _parse_region(space: ParameterSpace, name: str, value: Any) -> Region:
    parameter = space[name]
    if value is None:
        value = parameter.default
    if isinstance(parameter, Categorical):
        return _parse_weights(name, parameter, value)
    low, high = value if isinstance(value, list | tuple) else (value, value)
    for end in (low, high):
        if not parameter.contains(end):
            space.validate({name: end})
    whole = int if hasattr(parameter, "step") else float
    return Interval(whole(low), whole(high))


def _parse_weights(name: str, parameter: Categorical, value: Any) -> Weights:
    if isinstance(value, str):
        value = [value]
    weights = dict(value) if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)
    unknown = [choice for choice in weights if choice not in parameter.choices]
    if unknown:
        raise OutOfSpace(f"{name} has no choice {unknown}; it has {', '.join(parameter.choices)}.")
    return Weights(tuple(float(weights.get(choice, 0.0)) for choice in parameter.choices))


def _draw(
    space: ParameterSpace, name: str, region: Region, unit: NDArray[np.float64]
) -> NDArray[Any]:
    parameter = space[name]
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        edges = np.cumsum(region.values)
        index = np.minimum(np.searchsorted(edges, unit, side="right"), len(edges) - 1)
        return np.array(parameter.choices)[index]
    assert isinstance(region, Interval)
    return parameter.from_unit(unit, region.low, region.high)


def _in_region(space: ParameterSpace, name: str, region: Region, value: Any) -> bool:
    parameter = space[name]
    if not parameter.contains(value):
        return False
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        return region.values[parameter.choices.index(value)] > 0
    assert isinstance(region, Interval)
    return region.low <= value <= region.high


def _share(space: ParameterSpace, name: str, region: Region) -> float:
    parameter = space[name]
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        entropy = -sum(w * math.log(w) for w in region.values if w > 0)
        return math.exp(entropy) / len(parameter.choices)
    assert isinstance(region, Interval)
    low, high = parameter.axis
    point = float(getattr(parameter, "step", 0)) or 1e-3 * (high - low)
    extra = point if hasattr(parameter, "step") else 0.0
    width = max(_axis_width(parameter, region) + extra, point)
    return min(width / (high - low + extra), 1.0)


def _axis_width(parameter: Numeric, region: Interval) -> float:
    return parameter.to_axis(region.high) - parameter.to_axis(region.low)


def _axis_centre(parameter: Numeric, region: Interval) -> float:
    return 0.5 * (parameter.to_axis(region.high) + parameter.to_axis(region.low))


def _shift(parameter: Numeric, region: Interval, move: Mapping[str, float]) -> Interval:
    width = max(_axis_width(parameter, region), parameter.min_axis_width)
    centre = _axis_centre(parameter, region) + move.get("shift", 0.0) * width
    half = 0.5 * width * 2.0 ** move.get("log_width", 0.0)
    return Interval(parameter.from_axis(centre - half), parameter.from_axis(centre + half))


def _tilt(parameter: Categorical, region: Weights, logits: Mapping[str, float]) -> Weights:
    return Weights(
        tuple(
            max(weight, _MIN_WEIGHT) * math.exp(_MAX_LOGIT * logits.get(choice, 0.0))
            for choice, weight in zip(parameter.choices, region.values, strict=True)
        )
    )
