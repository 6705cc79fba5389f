"""The last layer of a policy: from what the network says to actions, and back to probabilities.

A head is a part of its own, so that another kind of action space needs another head and nothing
else. All of them draw actions as a pure function of uniform numbers that somebody else made: the
generator of a training batch, or the keyed streams of an evaluation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class ActionHead(ABC):
    """A family of distributions over one action space, given by P numbers a step.

    - `num_outputs`: P, what the network has to say.
    - `num_uniforms`: U, the random numbers that one action takes.
    """

    num_outputs: int
    num_uniforms: int

    @abstractmethod
    def choose(self, outputs: Tensor, uniforms: Tensor | None) -> Tensor:
        """Returns an action for each row, the likeliest one where `uniforms` is None.

        Args:
            outputs: [B, P].
            uniforms: numbers in [0, 1), [B, U]; the same ones give the same actions.
        """

    @abstractmethod
    def log_prob(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Returns log π(a) of each step, [...], from outputs [..., P]."""

    @abstractmethod
    def entropy(self, outputs: Tensor) -> Tensor:
        """Returns the entropy of each step in nats, [...], from outputs [..., P]."""

    def to_env(self, actions: Tensor) -> NDArray[Any]:
        """Returns the actions as the action space has them."""
        return actions.cpu().numpy()


class CategoricalHead(ActionHead):
    """One of A actions; the outputs are logits.

    Args:
        space: the action space; its first action may be any number.
    """

    def __init__(self, space: gymnasium.spaces.Discrete) -> None:
        self.num_outputs = self.num_uniforms = int(space.n)
        self._start = int(space.start)

    def choose(self, outputs: Tensor, uniforms: Tensor | None) -> Tensor:
        """Draws by the Gumbel-max rule: argmax of logit − log(−log u), [B]."""
        if uniforms is None:
            return outputs.argmax(dim=-1)
        exponentials = -torch.log(uniforms.to(outputs.dtype).clamp(1e-20, 1.0 - 6e-8))
        return (outputs - exponentials.log()).argmax(dim=-1)

    def log_prob(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Returns the log-softmax at the taken actions."""
        return outputs.log_softmax(dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self, outputs: Tensor) -> Tensor:
        """Returns −Σ p·log p."""
        log_probs = outputs.log_softmax(dim=-1)
        return -(log_probs.exp() * log_probs).sum(dim=-1)

    def to_env(self, actions: Tensor) -> NDArray[Any]:
        """Returns the actions counted from the space's first one, int64 [B]."""
        return actions.cpu().numpy().astype(np.int64) + self._start


def make_head(space: gymnasium.Space[Any]) -> ActionHead:
    """Returns the head of an action space.

    Raises:
        TypeError: if there is none for it.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return CategoricalHead(space)
    raise TypeError(
        f"a policy needs a Discrete action space, got {space}; "
        f"map the actions of this task to numbers, or choose another learner."
    )
