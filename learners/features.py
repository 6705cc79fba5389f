"""What a policy is fed, as one row of numbers a task and step.

A policy without memory is fed the observation alone. A row of a recurrent one is

    [observation | previous action | previous reward | episode start | lifetime left]

The previous action is one-hot, or what the environment was given in units of its box; it is all
zero at the start of a lifetime. The reward is raw but for a unit that all tasks share
(`RewardScaler`): its size is what tells the tasks apart. What is left of the lifetime is fed where
training and test count lifetimes alike.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from learners.boxes import UnitBox, is_float_box
from learners.images import picture_shape
from learners.learner import Step
from learners.normalization import ObservationNormalizer, RewardScaler


class SpaceFeatures:
    """Writes values of a space as rows of numbers.

    Discrete values become one-hot; bounded integers are divided by the largest size they can
    have; floats stay as they are, or are counted in units of their box.

    Args:
        space: Discrete, MultiBinary or Box.
        in_units: write floats in units of their box (`UnitBox`): finite bounds at ±1.

    Raises:
        TypeError: if the space is of another kind.
    """

    def __init__(self, space: gymnasium.Space[Any], *, in_units: bool = False) -> None:
        if not isinstance(space, spaces.Discrete | spaces.Box | spaces.MultiBinary):
            raise TypeError(
                f"observations and actions must be of a Discrete, Box or MultiBinary space, got "
                f"{space}; flatten it first (gymnasium.wrappers.FlattenObservation)."
            )
        self._start = int(space.start) if isinstance(space, spaces.Discrete) else None
        self.num = int(space.n) if isinstance(space, spaces.Discrete) else _size(space)
        self.is_float = is_float_box(space)
        self._box = UnitBox(space) if in_units and is_float_box(space) else None
        self._scale = np.float32(1.0)
        if isinstance(space, spaces.Box) and not self.is_float:
            largest = max(abs(float(space.low.min())), abs(float(space.high.max())), 1.0)
            self._scale = np.float32(1.0 / largest)

    def write(self, out: NDArray[np.float32], values: NDArray[Any]) -> None:
        """Writes B values into `out`, [B, num].

        Raises:
            ValueError: if the values are not of the space's size.
        """
        if self._start is not None:
            out[:] = 0.0
            out[np.arange(len(values)), values.reshape(-1).astype(np.int64) - self._start] = 1.0
        else:
            flat = values.reshape(len(values), -1)
            if flat.shape[1] != self.num:
                raise ValueError(
                    f"the learner was made for values of {self.num} numbers, got "
                    f"{flat.shape[1]}; play it where the spaces are those it was made for."
                )
            if self._box is not None:
                flat = self._box.to_units(flat)
            np.multiply(flat, self._scale, out=out, casting="unsafe")


def _size(space: gymnasium.Space[Any]) -> int:
    return int(np.prod(space.shape or ()))


class ObservationFeatures:
    """Writes observations as rows of numbers, standardised where that is wanted.

    Args:
        space: of observations.
        normalize: standardise observations of a float space by running moments.

    `num` is the length of a row; `normalizer` is None where nothing is standardised.
    """

    def __init__(self, space: gymnasium.Space[Any], *, normalize: bool = True) -> None:
        self._values = SpaceFeatures(space)
        self.num = self._values.num
        self.normalizer: ObservationNormalizer | None = None
        if normalize and self._values.is_float:
            self.normalizer = ObservationNormalizer(self.num)

    def write(self, out: NDArray[np.float32], observations: NDArray[Any]) -> None:
        """Writes B observations into `out`, [B, num]."""
        self._values.write(out, observations)
        if self.normalizer is not None:
            self.normalizer.apply(out)


class InputFeatures:
    """Writes the rows that a recurrent policy is fed.

    Args:
        observation_space: of one task.
        action_space: of one task.
        normalize: standardise observations of a float space by running moments.
        rewards: knows the unit of the rewards; None: they are fed as they are.
        lifetime_left: whether the rows end with the share of the lifetime that remains.

    `num` is the length of a row, `num_seen` of the observation in it; `normalizer` is None where
    nothing is standardised. Pictures are not written into rows: `picture` is their shape, and they
    are fed beside the rows as they are.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        *,
        normalize: bool = True,
        rewards: RewardScaler | None = None,
        lifetime_left: bool = True,
    ) -> None:
        self._rewards = rewards
        self._lifetime_left = lifetime_left
        self.observation = ObservationFeatures(observation_space, normalize=normalize)
        self.normalizer = self.observation.normalizer
        self.action = SpaceFeatures(action_space, in_units=True)
        self.picture = picture_shape(observation_space)
        self.num_seen = 0 if self.picture else self.observation.num
        self.num = self.num_seen + self.action.num + 2 + lifetime_left

    def write(
        self, out: NDArray[np.float32], step: Step, previous_actions: NDArray[Any] | None
    ) -> None:
        """Writes the rows of a step.

        Args:
            out: [B, num].
            step: what the policy sees.
            previous_actions: as the action space has them, [B, …]; None at a lifetime's start.
        """
        num_seen = self.num_seen
        num_past = num_seen + self.action.num
        if self.picture is None:
            self.observation.write(out[:, :num_seen], step.observations)
        if previous_actions is None:
            out[:, num_seen:num_past] = 0.0
        else:
            self.action.write(out[:, num_seen:num_past], previous_actions)
        unit = 1.0 if self._rewards is None else self._rewards.input_unit
        out[:, num_past] = step.rewards / unit
        out[:, num_past + 1] = step.episode_start
        if self._lifetime_left:
            out[:, num_past + 2] = step.lifetime_left
