"""Random actions of a space, as the environment takes them and as an input shows them."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray


class RandomActions:
    """Uniformly random actions of one space.

    Args:
        space: Discrete, or a Box of floats with finite bounds.

    Attributes:
        num_draws: uniform numbers that one action takes, U.
        num_features: numbers that one action is shown as, F.

    Raises:
        ValueError: if the space is another one.

    Example:
        >>> actions = RandomActions(Box(0.0, 4.0, (2,)))
        >>> drawn = actions.drawn(np.array([[0.0, 0.75]]))
        >>> drawn, actions.features(drawn)
        (array([[0., 3.]], dtype=float32), array([[-1. ,  0.5]]))
    """

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        if isinstance(space, Discrete):
            self.num_draws, self.num_features = 1, int(space.n)
        elif (
            isinstance(space, Box)
            and space.is_bounded()
            and np.issubdtype(space.low.dtype, np.floating)
        ):
            self.num_draws = self.num_features = math.prod(space.low.shape)
        else:
            raise ValueError(
                f"the source's actions must be Discrete or a Box of floats with finite bounds, so "
                f"that random ones can be drawn, got {space}; wrap its environment."
            )
        self.space: Any = space

    def drawn(self, units: NDArray[np.float64]) -> NDArray[Any]:
        """Returns the actions at uniform numbers of [0, 1), [..., U] → [..., *action]."""
        if isinstance(self.space, Discrete):
            chosen = np.minimum((units[..., 0] * self.space.n).astype(np.int64), self.space.n - 1)
            return chosen + self.space.start
        units = units.reshape(*units.shape[:-1], *self.space.shape)
        low, high = self.space.low.astype(np.float64), self.space.high.astype(np.float64)
        actions: NDArray[Any] = (low + units * (high - low)).astype(self.space.dtype)
        return actions

    def features(self, actions: NDArray[Any]) -> NDArray[np.float64]:
        """Returns actions as numbers, [..., *action] → [..., F]: bounds at ±1, choices one-hot."""
        if isinstance(self.space, Discrete):
            choices = np.arange(self.space.n) + self.space.start
            return (actions[..., None] == choices).astype(np.float64)
        low, high = self.space.low.astype(np.float64), self.space.high.astype(np.float64)
        units = (actions - 0.5 * (low + high)) / (0.5 * (high - low))
        shape = actions.shape[: actions.ndim - len(self.space.shape)]
        return units.reshape(*shape, self.num_features)
