"""The two kinds of targets that problems have: numbers, and classes.

A `Target` is what follows from the target space alone: how many numbers a network has to say, what
being wrong costs, how a target is shown to a network, and what a prediction is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from torch import Tensor
from torch.nn import functional

from learners.boxes import is_float_box


class Target(ABC):
    """One kind of target.

    - `num_outputs`: P, what the network has to say about a point.
    - `num_features`: F, the numbers that a target is shown as.
    """

    num_outputs: int
    num_features: int

    @abstractmethod
    def errors(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns the loss at each point, [...], of outputs [..., P] and targets [..., *y]."""

    @abstractmethod
    def features(self, targets: Tensor) -> Tensor:
        """Returns targets [..., *y] as numbers, [..., F]."""

    @abstractmethod
    def values(self, outputs: Tensor) -> Tensor:
        """Returns outputs [..., P] as predictions have them."""


class NumberTarget(Target):
    """Numbers; the loss is their mean squared error.

    Args:
        shape: of one target.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self.num_outputs = self.num_features = math.prod(shape)

    def errors(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns 1/P · Σ (output − target)², [...]."""
        return (outputs - self.features(targets)).square().mean(dim=-1)

    def features(self, targets: Tensor) -> Tensor:
        """Returns the numbers themselves, [..., P]."""
        return targets.reshape(*targets.shape[: targets.ndim - len(self._shape)], -1)

    def values(self, outputs: Tensor) -> Tensor:
        """Returns the numbers in the shape of a target, [..., *y]."""
        return outputs.reshape(*outputs.shape[:-1], *self._shape)


class ClassTarget(Target):
    """One of N classes, counted from 0; the loss is the cross-entropy in nats.

    Args:
        num_classes: N.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_outputs = self.num_features = num_classes

    def errors(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Returns −log softmax(output) at the class, [...]."""
        log_probs = outputs.log_softmax(dim=-1)
        return -log_probs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)

    def features(self, targets: Tensor) -> Tensor:
        """Returns one-hot rows, [..., N]."""
        return functional.one_hot(targets, self.num_features).to(torch.get_default_dtype())

    def values(self, outputs: Tensor) -> Tensor:
        """Returns the logits, [..., N]."""
        return outputs


def make_target(space: gymnasium.Space[Any] | None) -> Target:
    """Returns the kind of target that a space has.

    Raises:
        TypeError: if it has none.
    """
    if isinstance(space, spaces.Discrete):
        return ClassTarget(int(space.n))
    if isinstance(space, spaces.Box) and is_float_box(space):
        return NumberTarget(space.shape)
    raise TypeError(
        f"a target space must be a Box of floats (regression) or Discrete (classes), got {space}; "
        f"this learner plays generators of the kind 'problem'."
    )


def task_means(errors: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns the mean error of each task over the points that count, [B].

    Args:
        errors: at each point, [B, N].
        mask: which points count, [B, N]; None: all of them.
    """
    if mask is None:
        return errors.mean(dim=1)
    return errors.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
