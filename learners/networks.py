"""The recurrent actor-critic: encoder, memory over the steps of a lifetime, two linear heads.

Where a recall is wanted, what it finds is fed to the encoder beside the inputs, and it scores
actions beside the policy's head.

Time comes first, as the fused kernels want it: inputs are [H, B, D]. Whatever precision the
encoder and the memory run in, the heads and all that follows are float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.images import PictureEncoder, PictureNetwork
from learners.recall import Recall, RecallShape
from learners.recurrent import run_memory

_GAINS = {"policy_head.weight": 0.01, "recall.score.weight": 0.01, "value_head.weight": 1.0}

State: TypeAlias = tuple[Tensor, ...]
"""What the memory carries from step to step: (h,) of a GRU, (h, c) of an LSTM, each [1, B, N]; and
after these, where there is a recall, the last place and the notes, [1, B, …]."""


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """The sizes of a recurrent actor-critic.

    Args:
        num_inputs: D, numbers a step.
        num_outputs: P, numbers that the action head needs.
        num_constants: how many of them, the last ones, are parameters that no input moves.
        cell: "lstm" or "gru".
        hidden_size: N, units of the memory.
        encoder_sizes: units of the layers before the memory; () feeds it the inputs themselves.
        heads_see_inputs: whether the heads see the encoded inputs beside the memory.
        precision: "float32" or "bfloat16", of encoder and memory.
        kernel: what runs the memory, "torch" or "fused" (ours, for float32 on the processor alone;
            elsewhere torch's runs).
        pictures: what reads pictures beside the rows; None: there are none.
        recall: what is kept of each place and action beside the memory; None: nothing.
    """

    num_inputs: int
    num_outputs: int
    cell: str
    hidden_size: int
    encoder_sizes: tuple[int, ...] = ()
    heads_see_inputs: bool = False
    num_constants: int = 0
    precision: str = "float32"
    kernel: str = "torch"
    pictures: PictureNetwork | None = None
    recall: RecallShape | None = None

    @property
    def num_encoded(self) -> int:
        """Numbers a step that reach the encoder: inputs, what pictures say, what is recalled."""
        num_pictured = self.pictures.num_features if self.pictures else 0
        return self.num_inputs + num_pictured + (self.recall.num_found if self.recall else 0)


class RecurrentActorCritic(nn.Module):
    """A policy and a critic that share a memory.

    Args:
        shape: its sizes.
        seed: of the initial parameters; torch's global random state is left as it was.
    """

    def __init__(self, shape: NetworkShape, seed: int) -> None:
        super().__init__()
        self.shape = shape
        sizes = (shape.num_encoded, *shape.encoder_sizes)
        num_features = shape.hidden_size + (sizes[-1] if shape.heads_see_inputs else 0)
        self._num_features = num_features
        with torch.random.fork_rng(devices=[]):
            layers = [nn.Linear(*pair) for pair in pairwise(sizes)]
            self.encoder = nn.ModuleList(layers)
            self.sight = PictureEncoder(shape.pictures) if shape.pictures else None
            kind = nn.LSTM if shape.cell == "lstm" else nn.GRU
            self.memory = kind(sizes[-1], shape.hidden_size)
            self.recall = Recall(shape.recall, num_features) if shape.recall else None
            self.policy_head = nn.Linear(num_features, shape.num_outputs - shape.num_constants)
            if shape.num_constants:
                self.policy_constants = nn.Parameter(torch.zeros(shape.num_constants))
            self.value_head = nn.Linear(num_features, 1)
        self._initialize(torch.Generator().manual_seed(seed))

    def forward(
        self, inputs: Tensor, state: State | None = None, pictures: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Returns the features that the heads see and the state after the last step.

        Args:
            inputs: [H, B, D].
            state: of the memory before the first step; None: empty, a lifetime's start.
            pictures: bytes [H, B, rows, columns, channels], where the shape has pictures.

        Returns:
            Features [H, B, F] in float32, after them what the recall read, and the state.
        """
        after_recall: State = ()
        with computing_in(self.shape.precision, inputs.device.type):
            encoded = inputs
            if self.sight is not None and pictures is not None:
                encoded = torch.cat((self.sight(pictures), inputs), dim=-1)
            if self.recall is not None:
                found, read, after_recall = self.recall(encoded, state and state[-2:])
                encoded, state = torch.cat((encoded, found), dim=-1), state and state[:-2]
            for layer in self.encoder:
                encoded = torch.relu(layer(encoded))
            memory, after = self._remember(encoded, state)
            features = memory.float()
        if self.shape.heads_see_inputs:
            features = torch.cat((features, encoded.float()), dim=-1)
        if self.recall is not None:
            features = torch.cat((features, read), dim=-1)
        return features, (*after, *after_recall)

    def whole_lifetimes(
        self, inputs: Tensor, lengths: Sequence[int], pictures: Tensor | None = None
    ) -> Tensor:
        """Returns the features of lifetimes of different lengths, each from its empty memory.

        The same as `forward`, but lifetimes that are over are dropped on the way instead of being
        computed to the end of the longest; their features are 0 from there on.

        Args:
            inputs: [H, B, D], the longest lifetime first.
            lengths: env steps of each lifetime, falling, [B].
            pictures: as in `forward`.

        Returns:
            Features [H, B, F].
        """
        state: State | None = None
        parts = []
        for start, stop, num in stretches(lengths):
            if state is not None:
                state = tuple(part[:, :num] for part in state)
            seen = None if pictures is None else pictures[start:stop, :num]
            features, state = self(inputs[start:stop, :num], state, seen)
            parts.append(functional.pad(features, (0, 0, 0, len(lengths) - num)))
        return torch.cat(parts)

    def policy(self, features: Tensor) -> Tensor:
        """Returns the action head's outputs, [..., P]."""
        seen, read = features.tensor_split((self._num_features,), dim=-1)
        outputs: Tensor = self.policy_head(seen)
        if self.recall is not None and self.recall.shape.num_actions:
            outputs = outputs + self.recall.scores(read, seen)
        if self.shape.num_constants:
            constants = self.policy_constants.expand(*outputs.shape[:-1], -1)
            outputs = torch.cat((outputs, constants), dim=-1)
        return outputs

    def value(self, features: Tensor) -> Tensor:
        """Returns V in units of the scaled reward, [...]."""
        values: Tensor = self.value_head(features[..., : self._num_features])
        return values.squeeze(-1)

    def _remember(self, encoded: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Returns the memory's hidden states and the state after the last step."""
        if self.shape.kernel == "fused" and encoded.device.type == "cpu":
            return run_memory(self.memory, encoded, state)
        given = state if state is None or len(state) == 2 else state[0]
        hiddens, after = self.memory(encoded, given)
        return hiddens, after if isinstance(after, tuple) else (after,)

    @torch.no_grad()
    def _initialize(self, generator: torch.Generator) -> None:
        """Orthogonal weights, gate by gate in the memory; a nearly uniform first policy."""
        for name, parameter in self.named_parameters():
            if "bias" in name or name == "policy_constants":
                parameter.zero_()
            elif name.startswith("memory"):
                _orthogonal(parameter.split(self.shape.hidden_size), 1.0, generator)
            else:
                _orthogonal([parameter], _GAINS.get(name, 2.0**0.5), generator)
        if self.recall is not None:
            self.recall.notes.initialize(generator)
        if self.shape.cell == "lstm":
            # A forget gate that starts open: Jozefowicz et al. 2015, section 2.2.
            size = self.shape.hidden_size
            dict(self.memory.named_parameters())["bias_hh_l0"][size : 2 * size] = 1.0


def stretches(
    lengths: Sequence[int], max_stretches: int = 8, min_steps: int = 16
) -> list[tuple[int, int, int]]:
    """Returns (start, stop, num lifetimes) of stretches of time that cover falling lengths.

    Lifetimes drop out at the ends of stretches only: fewer of them cost less bookkeeping, more of
    them less computing of what is over.

    Example:
        >>> stretches([100, 90, 40, 40])
        [(0, 40, 4), (40, 100, 2)]
    """
    longest, num = lengths[0], len(lengths)
    ends = sorted({lengths[num - 1 - k * num // max_stretches] for k in range(max_stretches)})
    cuts = [0]
    for end in ends:
        if end - cuts[-1] >= min_steps and longest - end >= min_steps:
            cuts.append(end)
    cuts.append(longest)
    return [
        (start, stop, sum(length > start for length in lengths)) for start, stop in pairwise(cuts)
    ]


@contextmanager
def computing_in(precision: str, device_type: str) -> Iterator[None]:
    """Runs matrix products in a precision, "float32" or "bfloat16".

    A processor whose fused recurrent kernels know no bfloat16 runs it with the plain ones: slower
    than float32 and a little different from a processor that has the unit, but it runs.
    """
    if precision == "float32":
        yield
        return
    fused = torch.backends.mkldnn.enabled
    known = device_type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    torch.backends.mkldnn.enabled = fused and known  # type: ignore[assignment]
    try:
        with torch.autocast(device_type, torch.bfloat16):
            yield
    finally:
        torch.backends.mkldnn.enabled = fused


def _orthogonal(blocks: Sequence[Tensor], gain: float, generator: torch.Generator) -> None:
    for block in blocks:
        nn.init.orthogonal_(block, gain=gain, generator=generator)
