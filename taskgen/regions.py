"""Regions of single parameters: an interval of a number, weights of a categorical.

A `TaskDistribution` has one for each parameter; what can be asked of one parameter's region stands
here: parse it, draw from it, measure it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.parameter_space import OutOfSpace
from taskgen.parameters import (
    Categorical,
    Int,
    Numeric,
    Parameter,
    describe_bounds,
    is_number,
    refusal,
)

_POINT = 1e-3
_ROUNDING = 1e-9


Side: TypeAlias = Literal["low", "high"]
SIDES: tuple[Side, Side] = ("low", "high")
"""The ends of an interval."""


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
        if abs(total - 1.0) > _ROUNDING:  # what is a sum of one already stays as it is, to the bit
            object.__setattr__(self, "values", tuple(value / total for value in self.values))


Region: TypeAlias = Interval | Weights


def parse(name: str, parameter: Parameter, value: Any) -> Region:
    """Returns the region of a plain value.

    Args:
        name: of the parameter, for messages.
        parameter: whose region it is.
        value: for a number a value or [low, high]; for a categorical a choice, a list of choices,
            or a dict choice → weight.

    Raises:
        OutOfSpace: if the parameter does not hold the value.
    """
    if isinstance(parameter, Categorical):
        return _parse_weights(name, parameter, value)
    ends = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(ends) != 2 or any(isinstance(end, str | bool) or not np.isscalar(end) for end in ends):
        wanted = f"a number or [low, high], {describe_bounds(parameter)}"
        raise OutOfSpace(f"{name} must be {wanted}, got {value!r}.")
    is_reversed = all(map(is_number, ends)) and ends[0] > ends[1]
    wrong = [end for end in dict.fromkeys(ends) if not parameter.contains(end)]
    if wrong:
        order = "; low must not be above high" if is_reversed else ""
        raise OutOfSpace(f"{name} {refusal(parameter, *wrong)}{order}.")
    if is_reversed:
        turned = f"write {ends[::-1]} if that is what you mean"
        raise OutOfSpace(f"{name} must not have low above high, got {ends}; {turned}.")
    number = int if isinstance(parameter, Int) else float
    return Interval(*map(number, ends))


def whole(parameter: Parameter) -> Region:
    """Returns the region that covers the parameter: all of the axis, or equal weights."""
    if isinstance(parameter, Categorical):
        return Weights((1.0,) * len(parameter.choices))
    return Interval(parameter.low, parameter.high)


def draw(parameter: Parameter, region: Region, unit: NDArray[np.float64]) -> NDArray[Any]:
    """Returns the values of the region at uniform numbers of [0, 1), [B]."""
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        edges = np.cumsum(region.values)
        index = np.minimum(np.searchsorted(edges, unit, side="right"), len(edges) - 1)
        return np.array(parameter.choices)[index]
    assert isinstance(region, Interval)
    return parameter.from_unit(unit, region.low, region.high)


def holds(parameter: Parameter, region: Region, value: Any) -> bool:
    """Whether the value is in the region (a choice: has a weight above 0)."""
    if not parameter.contains(value):
        return False
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        return region.values[parameter.choices.index(value)] > 0
    assert isinstance(region, Interval)
    return region.low <= value <= region.high


def holds_each(
    parameter: Parameter, region: Region, values: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Returns which values are in the region, [N]; choices by their index."""
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        return np.array(region.values)[values.astype(np.int64)] > 0
    assert isinstance(region, Interval)
    inside = (values >= region.low) & (values <= region.high)
    if isinstance(parameter, Int):
        inside &= (values - parameter.low) % parameter.step == 0
    return inside


def meets(parameter: Parameter, region: Region, values: Any) -> bool:
    """Whether the region holds any of the choices, or any of the interval (low, high)."""
    if isinstance(parameter, Categorical):
        return any(holds(parameter, region, value) for value in values)
    assert isinstance(region, Interval)
    low, high = values
    return region.low <= float(high) and region.high >= float(low)


def share(parameter: Parameter, region: Region) -> float:
    """Returns the share of the axis that the region takes, in (0, 1].

    A whole-number interval counts its grid values; a point of a real axis counts as one
    thousandth; weights count as exp(entropy) / number of choices.
    """
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        entropy = -sum(w * math.log(w) for w in region.values if w > 0)
        return min(math.exp(entropy) / len(parameter.choices), 1.0)
    assert isinstance(region, Interval)
    low, high = parameter.axis
    if isinstance(parameter, Int):
        return (axis_width(parameter, region) + parameter.step) / (high - low + parameter.step)
    return max(axis_width(parameter, region) / (high - low), _POINT)


def common_share(parameter: Parameter, one: Region, other: Region) -> float:
    """Returns the share of the axis that lies in both regions, in [0, 1].

    Weights have in common what they both give to each choice: Σ min(wᵢ, vᵢ).
    """
    if isinstance(parameter, Categorical):
        assert isinstance(one, Weights)
        assert isinstance(other, Weights)
        return sum(min(w, v) for w, v in zip(one.values, other.values, strict=True))
    assert isinstance(one, Interval)
    assert isinstance(other, Interval)
    low, high = max(one.low, other.low), min(one.high, other.high)
    return share(parameter, Interval(low, high)) if low <= high else 0.0


def gap(parameter: Parameter, one: Region, other: Region) -> float:
    """Returns how far apart two regions are, as a share of the axis, in [0, 1]; 0: they meet.

    Weights that have no choice in common are a whole axis apart.
    """
    if isinstance(parameter, Categorical):
        return 0.0 if common_share(parameter, one, other) else 1.0
    assert isinstance(one, Interval)
    assert isinstance(other, Interval)
    low, high = parameter.axis
    ends = min(one.high, other.high), max(one.low, other.low)
    apart = parameter.to_axis(ends[1]) - parameter.to_axis(ends[0])
    return max(apart, 0.0) / (high - low)


def axis_width(parameter: Numeric, region: Interval) -> float:
    """Returns the length of the interval on the parameter's own scale."""
    return parameter.to_axis(region.high) - parameter.to_axis(region.low)


def axis_centre(parameter: Numeric, region: Interval) -> float:
    """Returns the middle of the interval on the parameter's own scale."""
    return 0.5 * (parameter.to_axis(region.high) + parameter.to_axis(region.low))


def region_to_json(parameter: Parameter, region: Region) -> Any:
    """Returns plain values that `parse` takes back."""
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        return dict(zip(parameter.choices, region.values, strict=True))
    assert isinstance(region, Interval)
    return [region.low, region.high]


def _parse_weights(name: str, parameter: Categorical, value: Any) -> Weights:
    if isinstance(value, str):
        value = [value]
    is_plain = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    is_weighted = isinstance(value, Mapping) and all(map(is_number, value.values()))
    if not value or not (is_plain or is_weighted):
        wanted = f"a choice, a list of choices, or choice: weight ({describe_bounds(parameter)})"
        raise OutOfSpace(f"{name} must be {wanted}, got {value!r}.")
    weights = dict(value) if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)
    unknown = [choice for choice in weights if choice not in parameter.choices]
    if unknown:
        raise OutOfSpace(f"{name} {refusal(parameter, *unknown)}.")
    return Weights(tuple(float(weights.get(choice, 0.0)) for choice in parameter.choices))
