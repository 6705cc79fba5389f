"""The last layer of a policy: from what the network says to actions, and back to probabilities.

A head is a part of its own, so that another kind of action space needs another head and nothing
else: `CategoricalHead` for Discrete spaces, `GaussianHead` for boxes of floats. All of them draw
actions as a pure function of uniform numbers that somebody else made: the generator of a training
batch, or the keyed streams of an evaluation.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.boxes import UnitBox, is_float_box


class ActionHead(ABC):
    """A family of distributions over one action space, given by P numbers a step.

    - `num_outputs`: P, what the network has to say.
    - `num_constants`: how many of these, the last ones, are parameters of their own, the same at
      every step, instead of being computed from the memory. They start at 0.
    - `num_uniforms`: U, the random numbers that one action takes.
    """

    num_outputs: int
    num_uniforms: int
    num_constants: int = 0

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


class GaussianHead(ActionHead):
    """Numbers in a box, each normal by itself: a = μ + σ·z.

    Everything is counted in units of the box (`UnitBox`): finite bounds are at ±1, what has none
    is as it is. The outputs are [μ | c], A numbers each, and

        log σ = log ½ + 3·tanh(c / 3), so that σ starts at ½ and stays within (0.025, 10).

    c does not depend on the step. An action that lies outside the box is clipped on its way to the
    environment alone: its probability is that of the number that was drawn, which keeps the ratio
    of two policies exact. What the policy remembers of it is the clipped one, as only that had
    consequences.

    Args:
        space: the action space, a Box of floats of any shape.

    Source:
        A deviation that is a parameter, and actions clipped by the environment, as in PPO
        (Schulman et al. 2017, arXiv:1707.06347) and in VariBAD's code for RL² (Zintgraf et al.
        2020, arXiv:1910.08348). Andrychowicz et al. 2021 ("What matters for on-policy deep
        actor-critic methods?", arXiv:2006.05990) saw no gain from a deviation that depends on the
        state, and the best start at ½. Here it is bounded: rewards that tell nothing cannot drive
        it to where every action is clipped, and a task that is solved cannot drive it to where a
        ratio of probabilities overflows.
    """

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        self._box = UnitBox(space)
        self.num_uniforms = self.num_constants = self._box.num
        self.num_outputs = 2 * self._box.num

    def choose(self, outputs: Tensor, uniforms: Tensor | None) -> Tensor:
        """Returns μ + σ·Φ⁻¹(u) in units of the box, not clipped, [B, A]; μ where u is None."""
        mean, log_deviation = self._moments(outputs)
        if uniforms is None:
            return mean
        # Single precision has no numbers between 1 − 6e-8 and 1, and none may become an infinity.
        inside = uniforms.double().clamp(2.0**-25, 1.0 - 2.0**-25)
        normals = torch.special.ndtri(inside).to(outputs.dtype)
        return mean + log_deviation.exp() * normals

    def log_prob(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Returns Σ −½·((a − μ) / σ)² − log σ − ½·log 2π over the numbers of an action."""
        mean, log_deviation = self._moments(outputs)
        scaled = (actions - mean) * (-log_deviation).exp()
        logs = -0.5 * scaled.square() - log_deviation - 0.5 * math.log(2.0 * math.pi)
        return logs.sum(dim=-1)

    def entropy(self, outputs: Tensor) -> Tensor:
        """Returns Σ log σ + ½·log 2πe: of what is drawn, before it is clipped."""
        _, log_deviation = self._moments(outputs)
        return (log_deviation + 0.5 * math.log(2.0 * math.pi * math.e)).sum(dim=-1)

    def to_env(self, actions: Tensor) -> NDArray[Any]:
        """Returns the actions in the box's own measure, inside its bounds, [B, …]."""
        return self._box.from_units(actions.cpu().numpy())

    def _moments(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns μ and log σ, [..., A] each."""
        mean, constants = outputs.chunk(2, dim=-1)
        return mean, math.log(0.5) + 3.0 * torch.tanh(constants / 3.0)


def make_head(space: gymnasium.Space[Any]) -> ActionHead:
    """Returns the head of an action space.

    Raises:
        TypeError: if there is none for it.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        return CategoricalHead(space)
    if is_float_box(space):
        return GaussianHead(space)
    raise TypeError(
        f"a policy needs a Discrete action space or a Box of floats, got {space}; "
        f"map the actions of this task to one of them, or choose another learner."
    )
