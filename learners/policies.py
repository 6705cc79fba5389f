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

    Whenever half of the tasks that it computes have stopped playing, it drops them: what it says
    about a task whose lifetime is over is 0 from then on.

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
        self._computed: NDArray[np.int64] | None = None
        self._step = 0

    @torch.inference_mode()
    def act(self, step: Step) -> NDArray[Any]:
        """Returns the actions, and remembers what was seen and done."""
        inputs = np.empty((len(step.rewards), self._features.num), dtype=np.float32)
        self._features.write(inputs, step, self._previous_actions)
        computed = self._drop_finished(step.playing)
        fed = torch.from_numpy(inputs[computed]).to(self._device)
        seen, self._state = self._network(
            fed.unsqueeze(0), self._state, self._pictures(step, computed)
        )
        outputs = self._network.policy(seen[0])
        uniforms = None if self._draw is None else self._draw(self._step)[computed]
        actions = self._head.choose(outputs, self._on_device(uniforms))
        said = {"features": seen[0], "outputs": outputs, "actions": actions}
        said = {name: _spread(tensor, computed, len(inputs)) for name, tensor in said.items()}
        if self._tape is not None:
            self._record(step, inputs, said)
        self._previous_actions = self._head.to_env(said["actions"])
        self._step += 1
        return self._previous_actions

    def _drop_finished(self, playing: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Returns the tasks that are still computed."""
        if self._computed is None:
            self._computed = np.arange(len(playing))
        kept = playing[self._computed]
        if self._state is not None and 0 < 2 * kept.sum() <= len(kept):
            index = torch.from_numpy(np.flatnonzero(kept)).to(self._device)
            self._state = tuple(part[:, index] for part in self._state)
            self._computed = self._computed[kept]
        return self._computed

    def _record(
        self, step: Step, inputs: NDArray[np.float32], said: dict[str, torch.Tensor]
    ) -> None:
        assert self._tape is not None
        row = {name: tensor.cpu().numpy() for name, tensor in said.items()}
        if self._features.normalizer is not None:
            raw = step.observations.reshape(len(inputs), -1)
            row["observations"] = raw.astype(np.float32, copy=False)
        if self._features.picture is not None:
            row["pictures"] = step.observations
        self._tape.append(inputs=inputs, **row)

    def _pictures(self, step: Step, computed: NDArray[np.int64]) -> torch.Tensor | None:
        if self._features.picture is None:
            return None
        return torch.from_numpy(step.observations[computed]).to(self._device).unsqueeze(0)

    def _on_device(self, drawn: NDArray[Any] | None) -> torch.Tensor | None:
        if drawn is None:
            return None
        return torch.from_numpy(drawn.astype(np.float32, copy=False)).to(self._device)


def _spread(tensor: torch.Tensor, computed: NDArray[np.int64], num_tasks: int) -> torch.Tensor:
    """Returns rows of all tasks, 0 for those that were not computed, [B, …]."""
    if len(computed) == num_tasks:
        return tensor
    rows = tensor.new_zeros((num_tasks, *tensor.shape[1:]))
    rows[torch.from_numpy(computed).to(tensor.device)] = tensor
    return rows
