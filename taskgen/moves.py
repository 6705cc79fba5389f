"""Moves: points of a fixed, normalised box that shift, widen or tilt a region.

A search over moves never sees the intervals themselves, so its box never changes and what it
learned about a move in one place carries over to the next.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from taskgen.parameters import Categorical, Numeric, Parameter
from taskgen.regions import Interval, Region, Weights, axis_centre, axis_width

Move: TypeAlias = dict[str, float]
"""Values in [−1, 1] by the name of the axis: "size.shift", "size.log_width", "layout.rooms"."""

_MIN_WEIGHT = 0.01
_MAX_LOGIT = 2.0
_SMALLEST = 1e-9


def axes(parameter: Parameter) -> list[str]:
    """Returns the axes of the box that move a region of this parameter, without its name."""
    if isinstance(parameter, Categorical):
        return list(parameter.choices)
    return ["shift", "log_width"]


def apply(
    parameter: Parameter,
    region: Region,
    move: Mapping[str, float],
    room: Interval | None = None,
) -> Region:
    """Returns the region after its part of a move; unchanged where all of that is 0.

    Args:
        parameter: whose region it is.
        region: before the move.
        move: values in [−1, 1] by axis; what is not named counts as 0.
        room: what an interval must not leave; None: the parameter's bounds.
    """
    if not any(move.values()):
        return region
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        return _tilt(parameter, region, move)
    assert isinstance(region, Interval)
    room = room or Interval(parameter.low, parameter.high)
    return _shift(parameter, region, move, room)


def effective(parameter: Numeric, before: Interval, after: Interval) -> Move:
    """Returns the move of a number that leads from one interval to the other, in [−1, 1]."""
    if before == after:
        return {"shift": 0.0, "log_width": 0.0}
    width = max(axis_width(parameter, before), parameter.min_axis_width)
    shift = (axis_centre(parameter, after) - axis_centre(parameter, before)) / width
    ratio = math.log2(max(axis_width(parameter, after) / width, 0.5))
    if shift == ratio == 0.0:  # a point that grew to exactly min_width: 0 would leave it a point
        ratio = _SMALLEST
    return {"shift": _within_box(shift), "log_width": _within_box(ratio)}


def toward(parameter: Parameter, region: Region, aim: Region) -> Move:
    """Returns the move in the box that makes a region most like another one.

    An interval takes the other's width and slides in between its ends, both as far as one move
    reaches; weights are tilted to the other's, by the largest tilt at most.

    Example:
        >>> from taskgen.parameters import Float
        >>> speed = Float(low=0.0, high=3.0, default=1.0)
        >>> toward(speed, Interval(0.5, 1.0), Interval(0.0, 3.0))
        {'shift': 0.0, 'log_width': 1.0}
    """
    if isinstance(parameter, Categorical):
        assert isinstance(region, Weights)
        assert isinstance(aim, Weights)
        pairs = zip(parameter.choices, region.values, aim.values, strict=True)
        odds = {c: max(new, _MIN_WEIGHT) / max(old, _MIN_WEIGHT) for c, old, new in pairs}
        return {c: _within_box(math.log(ratio) / _MAX_LOGIT) for c, ratio in odds.items()}
    assert isinstance(region, Interval)
    assert isinstance(aim, Interval)
    width = max(axis_width(parameter, region), parameter.min_axis_width)
    log_width = _within_box(math.log2(max(axis_width(parameter, aim) / width, 0.5)))
    half = 0.5 * min(width * 2.0**log_width, axis_width(parameter, aim))
    low, high = parameter.to_axis(aim.low) + half, parameter.to_axis(aim.high) - half
    centre = axis_centre(parameter, region)
    shift = _within_box((min(max(centre, low), high) - centre) / width)
    return {"shift": shift, "log_width": log_width}


def grown(parameter: Numeric, region: Interval, margin: float) -> Interval:
    """Returns the interval longer by `margin` of its width each side, within the bounds.

    A whole-number interval grows by one grid step at least, a real one by `margin` of `min_width`
    at least.
    """
    reach = _reach(parameter, region, margin)
    low, high = parameter.to_axis(region.low), parameter.to_axis(region.high)
    return Interval(parameter.from_axis(low - reach), parameter.from_axis(high + reach))


def approached(parameter: Numeric, region: Interval, aim: Interval, margin: float) -> Interval:
    """Returns the interval after each end went toward another one's, as far as `grown` goes.

    Example:
        >>> from taskgen.parameters import Int
        >>> size = Int(low=5, high=25, step=2, default=5)
        >>> approached(size, Interval(9, 17), Interval(5, 19), 0.25)
        Interval(low=7, high=19)
    """
    reach = _reach(parameter, region, margin)
    low, high = (
        min(max(parameter.to_axis(there), end - reach), end + reach)
        for end, there in (
            (parameter.to_axis(region.low), aim.low),
            (parameter.to_axis(region.high), aim.high),
        )
    )
    return Interval(parameter.from_axis(low), parameter.from_axis(high))


def _reach(parameter: Numeric, region: Interval, margin: float) -> float:
    """Returns `margin` of a width on the axis, or of the least one, and one grid step at least."""
    width = max(axis_width(parameter, region), parameter.min_axis_width)
    return max(margin * width, float(getattr(parameter, "step", 0)))


def _shift(
    parameter: Numeric, region: Interval, move: Mapping[str, float], room: Interval
) -> Interval:
    """Returns the interval after a shift and a change of width.

    At the ends of its room it slides along instead of being cut: a cut interval could shrink to a
    point at the edge, and no move of the box would lead from the old interval to it.
    """
    low, high = parameter.to_axis(room.low), parameter.to_axis(room.high)
    width = max(axis_width(parameter, region), parameter.min_axis_width)
    half = 0.5 * min(width * 2.0 ** move.get("log_width", 0.0), high - low)
    centre = axis_centre(parameter, region) + move.get("shift", 0.0) * width
    centre = min(max(centre, low + half), high - half)
    return Interval(parameter.from_axis(centre - half), parameter.from_axis(centre + half))


def _within_box(value: float) -> float:
    return min(max(value, -1.0), 1.0)


def _tilt(parameter: Categorical, region: Weights, logits: Mapping[str, float]) -> Weights:
    return Weights(
        tuple(
            max(weight, _MIN_WEIGHT) * math.exp(_MAX_LOGIT * logits.get(choice, 0.0))
            for choice, weight in zip(parameter.choices, region.values, strict=True)
        )
    )
