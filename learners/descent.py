"""Plain descent of an outer loop: Adam, a step size that falls, a longest gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from learners.learner import Metrics
from learners.settings import Counters, decayed, require


@dataclass(frozen=True, kw_only=True)
class DescentConfig:
    """The settings of an outer loop that takes one gradient step an update.

    Args:
        lr: Adam's step size at the start.
        lr_decay_updates: updates over which it falls linearly to `decay_floor` of itself; None: it
            stays.
        decay_floor: the share of it that remains at the end, in [0, 1].
        max_grad_norm: longest gradient, Euclidean.

    Raises:
        ValueError: if a setting lies outside its range.
    """

    lr: float = 1e-3
    lr_decay_updates: int | None = None
    decay_floor: float = 0.02
    max_grad_norm: float = 10.0

    def __post_init__(self) -> None:
        for name in ("lr", "max_grad_norm"):
            require(getattr(self, name) > 0, f"{name} must be above 0", getattr(self, name))
        in_unit = 0.0 <= self.decay_floor <= 1.0
        require(in_unit, "decay_floor must lie in [0, 1]", self.decay_floor)
        decay = self.lr_decay_updates
        require(decay is None or decay > 0, "lr_decay_updates must be above 0 or null", decay)


class Descent:
    """Takes the gradient steps of an outer loop.

    Args:
        parameters: to be moved.
        config: the settings.

    `optimizer` and `counters` have a state that belongs to the learner's.
    """

    def __init__(self, parameters: Sequence[Tensor], config: DescentConfig) -> None:
        self._parameters = list(parameters)
        self._config = config
        self.optimizer = torch.optim.Adam(self._parameters, lr=config.lr, fused=True)
        self.counters = Counters()

    def step(self, gradients: Sequence[Tensor], remedy: str) -> Metrics:
        """Takes one step against gradients, one a parameter, and returns its metrics.

        Args:
            gradients: in the order of the parameters.
            remedy: what to do about gradients that are not finite, as an imperative.

        Raises:
            FloatingPointError: if they are not.
        """
        config, counters = self._config, self.counters
        norm = float(nn.utils.get_total_norm(gradients))
        if not math.isfinite(norm):
            raise FloatingPointError(
                f"the gradient of the loss must be finite, got a norm of {norm}; {remedy}."
            )
        share = min(1.0, config.max_grad_norm / max(norm, 1e-12))
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient * share
        lr = decayed(config.lr, config.lr_decay_updates, counters.updates, config.decay_floor)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        counters.updates += 1
        counters.gradient_updates += 1
        return {"train/gradient_updates": 1.0, "train/grad_norm": norm}
