"""The parameters: those of the source that are not held fixed, and our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace, Row
from taskgen.parameters import Int, Parameter, Scalar
from taskgen.registry import resolve

OWN: Mapping[str, Int] = {
    "shots": Int(low=1, high=256, default=32, doc="support transitions"),
    "hold": Int(
        low=1,
        high=8,
        default=1,
        unit="env steps",
        doc="for which a random action is held: longer ones move a body farther",
    ),
}
"""The parameters beside those of the source."""


def source_of(source: str | EnvGenerator, options: Mapping[str, Any]) -> EnvGenerator:
    """Returns the family of environments that is given or named.

    Raises:
        ValueError: if it makes none.
    """
    made = resolve("generators", source)(**options) if isinstance(source, str) else source
    if not isinstance(made, EnvGenerator):
        raise ValueError(
            f"source must make environments to predict (kind 'env'), got {source!r}; "
            f"choose a control family."
        )
    return made


def space_of(source: EnvGenerator, fixed: Row) -> ParameterSpace:
    """Returns the source's parameters but the fixed ones, and our own.

    Raises:
        ValueError: if the source has one of ours, or what is fixed leaves one without effect.
        taskgen.parameter_space.OutOfSpace: if the source does not have what is fixed.
    """
    taken = [name for name in OWN if name in source.space]
    if taken:
        raise ValueError(f"source must have no parameter {' or '.join(taken)}, got {source.name}.")
    source.space.complete(fixed)
    free = {
        name: _freed(name, parameter, source.space, fixed)
        for name, parameter in source.space.items()
        if name not in fixed
    }
    return ParameterSpace({**free, **OWN})


def _freed(name: str, parameter: Parameter, space: ParameterSpace, fixed: Row) -> Parameter:
    """Returns a parameter that no longer depends on what is fixed."""
    conditions = parameter.active_when or {}
    held = {other: fixed[other] for other in conditions if other in fixed}
    if not held:
        return parameter
    if not space.is_active(name, {**space.complete({}), **_active(conditions, space), **held}):
        raise ValueError(f"fixed holds {held}, at which {name} has no effect; fix {name} as well.")
    rest = {other: values for other, values in conditions.items() if other not in fixed}
    return replace(parameter, active_when=rest or None)


def _active(conditions: Mapping[str, Sequence[Scalar]], space: ParameterSpace) -> Row:
    """Returns a value of each other parameter at which the conditions hold."""
    return {other: values[0] for other, values in conditions.items() if other in space}
