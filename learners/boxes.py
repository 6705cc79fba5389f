"""One unit for the numbers of a box: its finite bounds become ±1.

What acts in a box and what is fed the actions taken in it count in the same unit, so that neither
depends on whether a torque is written in N·m or in mN·m.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

_UNBOUNDED = float(np.finfo(np.float32).max)  # what some environments write for infinity


class UnitBox:
    """Maps values of a float box to units and back: u = (x − middle) / half-width.

    An axis without two finite bounds that differ stays as it is.

    Args:
        space: a Box of floats.

    `num` is A, the numbers of one value.

    Raises:
        TypeError: if the space is no box of floats.

    Example:
        >>> low, high = np.array([0.0, -np.inf]), np.array([10.0, np.inf])
        >>> box = UnitBox(spaces.Box(low, high, dtype=np.float64))
        >>> box.from_units(np.array([[0.5, 3.0], [-2.0, 0.0]])).tolist()
        [[7.5, 3.0], [0.0, 0.0]]
    """

    def __init__(self, space: spaces.Box) -> None:
        if not is_float_box(space):
            raise TypeError(f"the space must be a Box of floats, got {space}.")
        low, high = (x.reshape(-1).astype(np.float64) for x in (space.low, space.high))
        bounded = (low > -_UNBOUNDED) & (high < _UNBOUNDED) & (low < high)
        low_or_0, high_or_0 = np.where(bounded, low, 0.0), np.where(bounded, high, 0.0)
        self.num = len(low)
        self._space = space
        self._low, self._high = low, high
        self._middle = (low_or_0 + high_or_0) / 2.0
        self._half = np.where(bounded, (high_or_0 - low_or_0) / 2.0, 1.0)

    def from_units(self, units: NDArray[np.floating]) -> NDArray[Any]:
        """Returns the nearest values inside the box, [B, …] as the space has them, from [B, A]."""
        values = np.clip(self._middle + self._half * units, self._low, self._high)
        return values.reshape(len(units), *self._space.shape).astype(self._space.dtype)

    def to_units(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Returns the values in units, [B, A], from [B, …]."""
        units: NDArray[np.float64] = (values.reshape(-1, self.num) - self._middle) / self._half
        return units


def is_float_box(space: Any) -> TypeGuard[spaces.Box]:
    """Returns whether a space is a Box of floats."""
    return isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating)
