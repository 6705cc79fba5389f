"""The axes of a task family: parameters with a kind, finite bounds, a unit and a default.

`Float` and `Int` are intervals, `Categorical` is a choice among names. An axis measures distances
on its own scale: logarithms where ratios are what counts, steps of a grid for whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.hints import did_you_mean, either

Scalar: TypeAlias = float | int | str
ActiveWhen: TypeAlias = Mapping[str, Sequence[Scalar]]


@dataclass(frozen=True, kw_only=True)
class Float:
    """A real parameter.

    Args:
        low: smallest value, finite.
        high: largest value, finite, above `low`.
        default: the value of a configuration that does not name this parameter.
        unit: what one of it is, "" for a pure number.
        log: whether distances on this axis are ratios (needs `low` > 0).
        min_width: the width that a single point counts as when a distribution grows from it,
            in units of the parameter (of its natural logarithm where `log`); by default 5 % of
            the axis.
        open_ended: whether an open-ended campaign may grow this parameter without a target.
        active_when: other parameters' values without which this one has no effect: choices of a
            `Categorical`, or a (low, high) interval of a number.
        doc: one line for people.

    Raises:
        ValueError: if the bounds are not finite and ordered, or the default lies outside.
    """

    low: float
    high: float
    default: float
    unit: str = ""
    log: bool = False
    min_width: float | None = None
    open_ended: bool = False
    active_when: ActiveWhen | None = None
    doc: str = ""

    def __post_init__(self) -> None:
        _check_bounds(self)

    @property
    def axis(self) -> tuple[float, float]:
        """The ends of the axis on its own scale: natural logarithms where `log`."""
        return self.to_axis(self.low), self.to_axis(self.high)

    @property
    def min_axis_width(self) -> float:
        """The width on the axis that a point grows from."""
        low, high = self.axis
        return 0.05 * (high - low) if self.min_width is None else self.min_width

    def to_axis(self, value: float) -> float:
        """Returns the value on the scale on which this parameter is uniform."""
        return math.log(value) if self.log else float(value)

    def from_axis(self, position: float) -> float:
        """Returns the value at a position of the axis, clipped to the bounds."""
        value = math.exp(position) if self.log else float(position)
        return min(max(value, self.low), self.high)

    def from_unit(self, unit: NDArray[np.float64], low: float, high: float) -> NDArray[Any]:
        """Returns the values at `unit` in [0, 1] of the interval from `low` to `high`, [B]."""
        start, end = self.to_axis(low), self.to_axis(high)
        position = start + unit * (end - start)
        value = np.exp(position) if self.log else position
        return np.clip(value, low, high)

    def contains(self, value: Any) -> bool:
        """Whether the value is a finite number within the bounds."""
        return is_number(value) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Int:
    """A whole-number parameter on the grid low, low + step, …, high.

    Args:
        low: smallest value.
        high: largest value; `high - low` is a multiple of `step`.
        default: the value of a configuration that does not name this parameter.
        step: distance of neighbouring values, e.g. 2 for odd sizes.
        unit: what one of it is, "" for a pure number.
        min_width: the width that a single point counts as when a distribution grows from it;
            two steps by default.
        open_ended: whether an open-ended campaign may grow this parameter without a target.
        ordered: whether neighbours are alike. False where a number is but a name, as that of a
            level: the ends of an interval are then no harder and no easier than what is between.
        active_when: as in `Float`.
        doc: one line for people.

    Raises:
        ValueError: if the bounds are not ordered or the default is off the grid.
    """

    low: int
    high: int
    default: int
    step: int = 1
    unit: str = ""
    min_width: float | None = None
    open_ended: bool = False
    ordered: bool = True
    active_when: ActiveWhen | None = None
    doc: str = ""

    def __post_init__(self) -> None:
        if self.step < 1 or (self.high - self.low) % self.step:
            raise ValueError(
                f"high - low must be a multiple of step >= 1, "
                f"got {self.low}, {self.high}, step {self.step}."
            )
        _check_bounds(self)

    @property
    def axis(self) -> tuple[float, float]:
        """The ends of the axis."""
        return float(self.low), float(self.high)

    @property
    def min_axis_width(self) -> float:
        """The width on the axis that a point grows from."""
        return 2.0 * self.step if self.min_width is None else self.min_width

    def to_axis(self, value: float) -> float:
        """Returns the value as a position of the axis."""
        return float(value)

    def from_axis(self, position: float) -> int:
        """Returns the nearest value of the grid within the bounds (halves go up)."""
        steps = math.floor((position - self.low) / self.step + 0.5)
        return int(min(max(self.low + steps * self.step, self.low), self.high))

    def from_unit(self, unit: NDArray[np.float64], low: float, high: float) -> NDArray[Any]:
        """Returns the grid values at `unit` in [0, 1] of the interval, equally likely, [B]."""
        count = int(high - low) // self.step + 1
        index = np.minimum((unit * count).astype(np.int64), count - 1)
        return int(low) + index * self.step

    def contains(self, value: Any) -> bool:
        """Whether the value is a whole number of the grid within the bounds."""
        if not (is_number(value) and self.low <= value <= self.high):
            return False
        return float(value).is_integer() and (int(value) - self.low) % self.step == 0


@dataclass(frozen=True, kw_only=True)
class Categorical:
    """A choice among named things, without order.

    Args:
        choices: at least two different names.
        default: the value of a configuration that does not name this parameter.
        active_when: as in `Float`.
        doc: one line for people.
    """

    choices: tuple[str, ...]
    default: str
    active_when: ActiveWhen | None = None
    doc: str = ""

    def __post_init__(self) -> None:
        if len(set(self.choices)) != len(self.choices) or len(self.choices) < 2:
            raise ValueError(f"choices must be two or more different names, got {self.choices}.")
        if self.default not in self.choices:
            raise ValueError(f"default must be one of {self.choices}, got {self.default!r}.")

    def contains(self, value: Any) -> bool:
        """Whether the value is one of the choices."""
        return isinstance(value, str) and value in self.choices


Parameter: TypeAlias = Float | Int | Categorical
Numeric: TypeAlias = Float | Int


def parameter_from_json(fields: Mapping[str, Any]) -> Parameter:
    """Returns the parameter of plain fields, as they stand in a campaign file.

    `choices` make it a `Categorical`; whole-number bounds make it an `Int` unless `log` is set.

    Raises:
        ValueError: if a field is unknown or missing, or the values do not fit.

    Example:
        >>> parameter_from_json({"low": 1, "high": 3, "default": 2})
        Int(low=1, high=3, default=2, ...)
    """
    kind: type[Parameter] = Float
    if "choices" in fields:
        kind, fields = Categorical, {**fields, "choices": tuple(fields["choices"])}
    elif "log" not in fields and all(isinstance(fields.get(k), int) for k in ("low", "high")):
        kind = Int
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"{dict(fields)} is not a parameter: {error}.") from error


def describe_bounds(parameter: Parameter) -> str:
    """Returns the bounds of a parameter in words, for messages and tables."""
    if isinstance(parameter, Categorical):
        return f"one of {', '.join(parameter.choices)}"
    text = f"in [{parameter.low:g}, {parameter.high:g}]"
    if isinstance(parameter, Int):
        text = f"a whole number {text}"
        text += f" in steps of {parameter.step}" if parameter.step > 1 else ""
    return f"{text} {parameter.unit}".rstrip()


def refusal(parameter: Parameter, *values: Any) -> str:
    """Returns what must hold of values that a parameter does not hold, and what is nearest.

    Example:
        >>> refusal(Int(low=5, high=25, step=2, default=7), 6)
        'must be a whole number in [5, 25] in steps of 2, got 6 (nearest: 5 or 7)'
        >>> refusal(Categorical(choices=("rooms", "walls"), default="rooms"), "room")
        "must be one of rooms, walls, got 'room' (did you mean rooms?)"
    """
    got = " and ".join(f"{value!r}{_hint(parameter, value)}" for value in values)
    return f"must be {describe_bounds(parameter)}, got {got}"


def _hint(parameter: Parameter, value: Any) -> str:
    if isinstance(parameter, Categorical):
        return did_you_mean(value, parameter.choices) if isinstance(value, str) else ""
    if not is_number(value) and value not in (math.inf, -math.inf):
        return ""
    return f" (nearest: {either(f'{near:g}' for near in _nearest(parameter, value))})"


def _nearest(parameter: Numeric, value: float) -> list[float]:
    """Returns the allowed values on both sides of one that is not."""
    inside = min(max(value, parameter.low), parameter.high)
    if isinstance(parameter, Float) or inside != value:
        return [inside]
    below = parameter.low + (value - parameter.low) // parameter.step * parameter.step
    return [below, below + parameter.step]


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; a truth value is none."""
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _check_bounds(parameter: Numeric) -> None:
    low, high, default = parameter.low, parameter.high, parameter.default
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"bounds must be finite with low < high, got [{low}, {high}].")
    if isinstance(parameter, Float) and parameter.log and low <= 0:
        raise ValueError(f"a log parameter needs low > 0, got {low}.")
    if not parameter.contains(default):
        raise ValueError(f"default must be {describe_bounds(parameter)}, got {default}.")
