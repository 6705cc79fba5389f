"""Playing without looking: uniformly random actions, what a score of 0 stands for."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from learners.boxes import UnitBox, is_float_box
from learners.learner import Policy, Step
from taskgen.randomness import fold, uniforms

_STREAM = 0x0A4D  # apart from the streams of a learner, whose actions have the same keys


class RandomPlayer:
    """Hands out policies that draw every action uniformly from the action space.

    On an axis of a box without two finite bounds they draw from [−1, 1].

    Args:
        action_space: Discrete, or a Box of floats.

    Raises:
        TypeError: if it is another space.
    """

    def __init__(self, action_space: gymnasium.Space[Any]) -> None:
        if not isinstance(action_space, spaces.Discrete) and not is_float_box(action_space):
            raise TypeError(
                f"random play needs a Discrete space or a Box of floats, got {action_space}."
            )
        self._space = action_space

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> RandomPolicy:
        """Returns the random policy for B tasks; it has no likeliest action to be greedy with.

        Args:
            keys: one a task, [B]; its actions depend on its key and the step alone.
            greedy: changes nothing.
        """
        del greedy
        return RandomPolicy(self._space, fold(keys, _STREAM))


class RandomPolicy(Policy):
    """Draws uniform actions, each from its task's key and the number of the step.

    Args:
        action_space: Discrete, or a Box of floats.
        keys: one a task, [B].
    """

    def __init__(self, action_space: gymnasium.Space[Any], keys: NDArray[np.uint64]) -> None:
        self._space = action_space
        self._box = UnitBox(action_space) if is_float_box(action_space) else None
        self._keys = keys
        self._step = 0

    def act(self, step: Step) -> NDArray[Any]:
        """Returns the next actions, whatever was seen, [B] or [B, …]."""
        del step
        drawn = uniforms(fold(self._keys, self._step), 1 if self._box is None else self._box.num)
        self._step += 1
        if self._box is not None:
            return self._box.from_units(2.0 * drawn - 1.0)
        assert isinstance(self._space, spaces.Discrete)
        # The product may round up to n itself.
        index = np.minimum((drawn[:, 0] * self._space.n).astype(np.int64), self._space.n - 1)
        return index + self._space.start
