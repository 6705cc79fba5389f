"""A distribution is a region of a parameter space: an interval or weights for each parameter.

It is data (JSON there and back), it can be sampled, measured, widened, and moved by a *move*: a
point of a fixed, normalised box. What happens to a single parameter stands in `taskgen.regions`
and `taskgen.moves`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.moves import Move, apply, approached, axes, effective, grown, toward
from taskgen.parameter_space import Columns, OutOfSpace, ParameterSpace
from taskgen.parameters import Categorical
from taskgen.regions import (
    SIDES,
    Interval,
    Region,
    Side,
    Weights,
    common_share,
    draw,
    gap,
    holds,
    holds_each,
    meets,
    parse,
    region_to_json,
    share,
    whole,
)
from taskgen.task import canonical_json

__all__ = ["SIDES", "Interval", "Move", "Region", "Side", "TaskDistribution", "Weights"]


@dataclass(frozen=True)
class TaskDistribution:
    """A region of a space, from which parameters are drawn independently.

    Intervals are uniform on the parameter's own scale (logarithmic where it says so).

    Args:
        space: the declared space.
        regions: one `Interval` or `Weights` for every parameter of the space.
        rehearsal: earlier distributions mixed in against forgetting, as (share, distribution);
            the shares sum to less than one, the rest is this region.
        room: intervals that moves must not leave, by name; elsewhere the declared bounds hold. It
            belongs to the question of where to move, so it is not part of the JSON.

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
    room: Mapping[str, Interval] = field(default_factory=dict)

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
        given = {name: regions.get(name, p.default) for name, p in space.items()}
        return cls(space, {name: parse(name, p, given[name]) for name, p in space.items()})

    @classmethod
    def whole(cls, space: ParameterSpace) -> TaskDistribution:
        """Returns the distribution that covers the declared space."""
        return cls(space, {name: whole(parameter) for name, parameter in space.items()})

    def sample(self, n: int, rng: np.random.Generator) -> Columns:
        """Returns n rows of parameters as columns, [n] each."""
        unit = rng.random((len(self.space), n))
        own = {
            name: draw(parameter, self.regions[name], unit[d])
            for d, (name, parameter) in enumerate(self.space.items())
        }
        if not self.rehearsal:
            return own
        which = rng.random(n)
        start = 0.0
        for part, earlier in self.rehearsal:
            picked = (which >= start) & (which < start + part)
            old = earlier.sample(n, rng)
            own = {name: np.where(picked, old[name], own[name]) for name in own}
            start += part
        return own

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Whether a row lies in the region (or in one that is rehearsed)."""
        here = all(
            holds(self.space[name], region, params[name]) for name, region in self.regions.items()
        )
        return here or any(earlier.contains(params) for _, earlier in self.rehearsal)

    def contains_points(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Returns which of N rows of the space `contains`, [N].

        Args:
            points: rows as `ParameterSpace.to_point` writes them, [N, D].
        """
        inside = np.ones(len(points), dtype=bool)
        for d, (name, parameter) in enumerate(self.space.items()):
            inside &= holds_each(parameter, self.regions[name], points[:, d])
        for _, earlier in self.rehearsal:
            inside |= earlier.contains_points(points)
        return inside

    def widths(self) -> dict[str, float]:
        """Returns each parameter's share of its declared axis, in (0, 1].

        A whole-number interval counts its grid values, a point of a real axis as one thousandth;
        weights count as exp(entropy) / number of choices.
        """
        return {name: share(self.space[name], region) for name, region in self.regions.items()}

    def volume(self, names: Iterable[str] | None = None) -> float:
        """Returns the share of the declared space, the product of the widths, in (0, 1]."""
        widths = self.widths()
        return math.prod(widths[name] for name in (widths if names is None else names))

    def likeness(self, other: TaskDistribution, names: Iterable[str]) -> float:
        """Returns how alike two distributions are on the named axes, in [−1, 1].

        The product over the axes of what both cover over what either covers. 1: the same; what
        lies beyond the other counts against it as much as what is missing. Where they have nothing
        in common, minus how far apart they are, as a share of the axis, mean over the axes: who
        comes nearer is more alike, before anything is covered.

        Example:
            >>> from taskgen.parameters import Int
            >>> space = ParameterSpace({"size": Int(low=1, high=11, default=1)})
            >>> sizes = [1, 4], [3, 7], [6, 9]
            >>> one, two, three = (TaskDistribution.make(space, {"size": s}) for s in sizes)
            >>> round(one.likeness(two, ["size"]), 3), round(one.likeness(three, ["size"]), 3)
            (0.286, -0.2)
        """
        result, gaps = 1.0, []
        for name in names:
            parameter, mine, its = self.space[name], self.regions[name], other.regions[name]
            common = common_share(parameter, mine, its)
            gaps.append(gap(parameter, mine, its))
            if isinstance(parameter, Categorical):
                result *= common / (2.0 - common)
            else:
                result *= common / (share(parameter, mine) + share(parameter, its) - common)
        return -sum(gaps) / len(gaps) if any(gaps) else result

    def nats(self) -> dict[str, float]:
        """Returns each width in nats: its logarithm, 0 for the whole axis."""
        return {name: math.log(width) for name, width in self.widths().items()}

    def moves(self, movable: Iterable[str]) -> list[str]:
        """Returns the names of the axes of the box of moves for the movable parameters."""
        return [
            f"{name}.{axis}"
            for name in movable
            if self._can_be_active(name)
            for axis in axes(self.space[name])
        ]

    def moved(self, move: Mapping[str, float]) -> TaskDistribution:
        """Returns this distribution after a move.

        For a number, with w = max(width, min_width) on its axis,

            centre′ = centre + shift · w,   width′ = w · 2^log_width,

        sliding along the ends of its room where it meets them (never cut, so that the effective
        move is always one of the box). A point stays a point while both are 0. For categories,
        weight′ ∝ max(weight, 1 %) · exp(2 · logit).

        Args:
            move: values in [−1, 1] by name, as in `moves`; what is not named counts as 0.

        Raises:
            OutOfSpace: if a name is no axis of this space.
        """
        parts: dict[str, Move] = {name: {} for name in self.space}
        for axis, value in move.items():
            name, _, what = axis.partition(".")
            if name not in parts or what not in axes(self.space[name]):
                raise OutOfSpace(f"a move has no axis {axis!r}; it has {self.moves(self.space)}.")
            parts[name][what] = value
        moved = {
            name: apply(parameter, self.regions[name], parts[name], self.room.get(name))
            for name, parameter in self.space.items()
        }
        return replace(self, regions=moved)

    def toward(self, aim: TaskDistribution, names: Iterable[str]) -> Move:
        """Returns the move that brings the named parameters closest to another distribution's.

        Where they are there already, the move is empty.
        """
        return {
            f"{name}.{axis}": value
            for name in names
            if self.regions[name] != aim.regions[name] and self._can_be_active(name)
            for axis, value in toward(
                self.space[name], self.regions[name], aim.regions[name]
            ).items()
        }

    def effective_move(self, after: TaskDistribution, move: Mapping[str, float]) -> Move:
        """Returns the move that really happened, after the bounds and the grid, in [−1, 1]."""
        result = dict(move)
        for name, parameter in self.space.items():
            old, new = self.regions[name], after.regions[name]
            if f"{name}.shift" in move and isinstance(old, Interval) and isinstance(new, Interval):
                assert not isinstance(parameter, Categorical)
                for axis, value in effective(parameter, old, new).items():
                    result[f"{name}.{axis}"] = value
        return result

    def widened(self, margin: float, names: Iterable[str]) -> TaskDistribution:
        """Returns the frontier: the named intervals longer by `margin` of their width each side.

        A whole-number interval grows by one grid step at least, a real one by `margin` of
        `min_width` at least. Categories keep their weights.
        """
        regions = dict(self.regions)
        for name in names:
            parameter, region = self.space[name], self.regions[name]
            if isinstance(region, Interval) and not isinstance(parameter, Categorical):
                regions[name] = grown(parameter, region, margin)
        return replace(self, regions=regions)

    def approached(
        self, aim: TaskDistribution, margin: float, names: Iterable[str]
    ) -> TaskDistribution:
        """Returns this distribution, each end of the named intervals nearer to another one's.

        They go as far as `widened` does at most; categories take the other's weights.
        """
        regions = dict(self.regions)
        for name in names:
            parameter, region, its = self.space[name], self.regions[name], aim.regions[name]
            if isinstance(parameter, Categorical):
                regions[name] = its
            elif isinstance(region, Interval) and isinstance(its, Interval):
                regions[name] = approached(parameter, region, its, margin)
        return replace(self, regions=regions)

    def boundary(self, name: str, side: Side) -> TaskDistribution:
        """Returns the distribution with one number held at an end of its interval.

        What is rehearsed is left out: it does not lie there. Numbers that are but names stay as
        they are: one of them tells nothing of the others.
        """
        regions = dict(self.regions)
        if self.space.is_ordered(name):
            end = getattr(self.regions[name], side)
            regions[name] = Interval(end, end)
        return replace(self, regions=regions, rehearsal=(), room={})

    def to_json(self) -> dict[str, Any]:
        """Returns plain values that `make` takes back, and the rehearsal."""
        data: dict[str, Any] = {
            "regions": {
                name: region_to_json(self.space[name], region)
                for name, region in self.regions.items()
            }
        }
        if self.rehearsal:
            data["rehearsal"] = [
                {"share": part, "distribution": earlier.to_json()}
                for part, earlier in self.rehearsal
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
        conditions = self.space[name].active_when or {}
        return all(
            meets(self.space[other], self.regions[other], values)
            for other, values in conditions.items()
        )
