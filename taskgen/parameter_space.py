"""The space that the parameters of a family span.

Values travel in two forms: a *row* (one dict, plain Python scalars, as it stands in a `Task`) and
*columns* (a dict of arrays of shape [B]), which is what samplers and batched generators work on.
`to_unit` and `from_unit` map rows to the unit cube and back, logarithmic axes by their logarithm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.parameters import Categorical, Int, Parameter, Scalar, refusal

Row: TypeAlias = dict[str, Scalar]
Columns: TypeAlias = dict[str, NDArray[Any]]


class OutOfSpace(ValueError):
    """A value that the space does not hold; the message names it, the bounds, and the cure."""


class ParameterSpace(Mapping[str, Parameter]):
    """All axes of a family, in a fixed order; D is their number.

    Args:
        parameters: name → parameter.

    Raises:
        ValueError: if an `active_when` names a parameter or a value that is not there.

    Example:
        >>> space = ParameterSpace({"size": Int(low=5, high=9, step=2, default=5)})
        >>> space.complete({})
        {'size': 5}
        >>> space.to_unit({"size": 9}), space.from_unit([0.0])
        (array([1.]), {'size': 5})
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._parameters = dict(parameters)
        for name, parameter in self._parameters.items():
            for other, values in (parameter.active_when or {}).items():
                if other not in self._parameters:
                    raise ValueError(f"active_when of {name!r} names unknown {other!r}.")
                if not all(self._parameters[other].contains(value) for value in values):
                    raise ValueError(f"active_when of {name!r}: {values} is not in {other!r}.")

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def complete(self, params: Mapping[str, Any]) -> Row:
        """Returns a full row: the given values, defaults for the rest.

        Raises:
            OutOfSpace: if a name or a value is not of this space.
        """
        row = {name: params.get(name, p.default) for name, p in self._parameters.items()}
        self.validate({**row, **params})
        return {name: self._plain(name, value) for name, value in row.items()}

    def validate(self, params: Mapping[str, Any]) -> None:
        """Refuses a row that is not of this space.

        Raises:
            OutOfSpace: naming the parameter, its bounds, what came and what to do.
        """
        for name, value in params.items():
            if name not in self._parameters:
                raise OutOfSpace(
                    f"parameter {name!r} is not in this space; it has {', '.join(self)}."
                )
            if not self._parameters[name].contains(value):
                raise OutOfSpace(f"{name} {refusal(self._parameters[name], value)}.")
        missing = [name for name in self if name not in params]
        if missing:
            raise OutOfSpace(f"the row lacks {', '.join(missing)}; fill it with space.complete().")

    def is_active(self, name: str, params: Mapping[str, Any]) -> bool:
        """Whether a parameter has an effect at these values of the others."""
        conditions = self._parameters[name].active_when or {}
        return all(
            self._holds(other, values, params[other]) for other, values in conditions.items()
        )

    def is_ordered(self, name: str) -> bool:
        """Whether neighbouring values are alike, so that an end of an interval is a place."""
        parameter = self._parameters[name]
        if isinstance(parameter, Int):
            return parameter.ordered
        return not isinstance(parameter, Categorical)

    def to_unit(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Returns the row as a point of the unit cube, shape [D]."""
        return np.array([self._unit(name, params[name]) for name in self])

    def from_unit(self, point: Sequence[float] | NDArray[np.float64]) -> Row:
        """Returns the row at a point of the unit cube, shape [D]; the nearest one of a grid."""
        row: Row = {}
        for name, unit in zip(self, np.clip(point, 0.0, 1.0), strict=True):
            parameter = self._parameters[name]
            if isinstance(parameter, Categorical):
                index = round(float(unit) * (len(parameter.choices) - 1))
                row[name] = parameter.choices[index]
            else:
                low, high = parameter.axis
                row[name] = parameter.from_axis(low + float(unit) * (high - low))
        return row

    def to_point(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Returns the row as plain numbers, [D]: values as they are, choices by their index.

        Example:
            >>> kind = Categorical(choices=("plain", "dotted"), default="plain")
            >>> ParameterSpace({"kind": kind}).to_point({"kind": "dotted"})
            array([1.])
        """
        return np.array(
            [
                parameter.choices.index(params[name])
                if isinstance(parameter, Categorical)
                else params[name]
                for name, parameter in self._parameters.items()
            ],
            dtype=np.float64,
        )

    def rows(self, columns: Mapping[str, NDArray[Any]]) -> list[Row]:
        """Returns columns of shape [B] as B rows of plain scalars, in the space's order."""
        lists = [columns[name].tolist() for name in self]
        return [dict(zip(self, values, strict=True)) for values in zip(*lists, strict=True)]

    def columns(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Returns B rows as columns of shape [B]."""
        return {name: np.array([row[name] for row in rows]) for name in self}

    def _holds(self, other: str, values: Sequence[Scalar], value: Any) -> bool:
        if isinstance(self._parameters[other], Categorical):
            return value in values
        low, high = values
        return bool(low <= value <= high)

    def _unit(self, name: str, value: Any) -> float:
        parameter = self._parameters[name]
        if isinstance(parameter, Categorical):
            return parameter.choices.index(value) / (len(parameter.choices) - 1)
        low, high = parameter.axis
        return (parameter.to_axis(value) - low) / (high - low)

    def _plain(self, name: str, value: Any) -> Scalar:
        parameter = self._parameters[name]
        if isinstance(parameter, Categorical):
            return str(value)
        return int(value) if isinstance(parameter, Int) else float(value)
