"""The policy of a recurrent network: what it learns about its tasks is in its memory alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from learners.features import InputFeatures
from learners.heads import ActionHead
from learners.learner import Policy, Step
from learners.networks import RecurrentActorCritic, State
from learners.rollout import Tape
from taskgen.randomness import fold, uniforms

Draw: TypeAlias = Callable[[int], NDArray[Any]]
"""From the number of a lifetime's step to uniform numbers in [0, 1), [B, U]."""


def keyed_draw(keys: NDArray[np.uint64], num_uniforms: int) -> Draw:
    """Returns draws that depend on each task's key and the step alone, not on the batch."""
    return lambda step: uniforms(fold(keys, step), num_uniforms)


class RecurrentPolicy(Policy):
    """Plays one lifetime of B tasks; the memory is empty at its start and cleared by nothing else.

    Args:
        network: read, never written.
        features: makes the rows that the network is fed.
        head: turns its outputs into actions.
        draw: the randomness of the actions; None: always the likeliest one.
        tape: where to record inputs, features, outputs and actions of each step, if anywhere.
    """

    def __init__(
        self,
        network: RecurrentActorCritic,
        features: InputFeatures,
        head: ActionHead,
        draw: Draw | None,
        tape: Tape | None = None,
    ) -> None:
        self._network = network
        self._features = features
        self._head = head
        self._draw = draw
        self._tape = tape
        self._device = next(network.parameters()).device
        self._state: State | None = None
        self._previous_actions: NDArray[Any] | None = None
        self._step = 0

    @torch.inference_mode()
    def act(self, step: Step) -> NDArray[Any]:
        """Returns the actions, and remembers what was seen and done."""
        inputs = np.empty((len(step.rewards), self._features.num), dtype=np.float32)
        self._features.write(inputs, step, self._previous_actions)
        fed = torch.from_numpy(inputs).to(self._device)
        seen, self._state = self._network(fed.unsqueeze(0), self._state)
        outputs = self._network.policy(seen[0])
        actions = self._head.choose(outputs, self._uniforms())
        if self._tape is not None:
            self._record(step, inputs, seen[0], outputs, actions)
        self._previous_actions = self._head.to_env(actions)
        self._step += 1
        return self._previous_actions

    def _record(
        self,
        step: Step,
        inputs: NDArray[np.float32],
        seen: torch.Tensor,
        outputs: torch.Tensor,
        actions: torch.Tensor,
    ) -> None:
        assert self._tape is not None
        tensors = {"features": seen, "outputs": outputs, "actions": actions}
        row = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
        if self._features.normalizer is not None:
            raw = step.observations.reshape(len(inputs), -1)
            row["observations"] = raw.astype(np.float32, copy=False)
        self._tape.append(inputs=inputs, **row)

    def _uniforms(self) -> torch.Tensor | None:
        if self._draw is None:
            return None
        drawn = self._draw(self._step).astype(np.float32, copy=False)
        return torch.from_numpy(drawn).to(self._device)
