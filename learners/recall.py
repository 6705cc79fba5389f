"""A memory of what came of each action in places like this one: sums over soft places.

A recurrent cell has to learn how to keep fifty averages apart; a table keeps them by design. A
step is written down under the place where its action was taken and in the row of that action; a
place is a soft choice of one of K, made of what is observed there. Read is, for the place where
one is now, each action's average and how often it was tried. The state is one table of fixed size,
whatever the lifetime's length, and nothing in it depends on the order of the steps: what has to be
remembered in order is the business of a recurrent cell.

Source:
    Sums of outer products as a memory, and their two forms, step by step and all at once: fast
    weights (Schmidhuber 1992, "Learning to control fast-weight memories") and linear attention
    (Katharopoulos et al. 2020, arXiv:2006.16236). Recalling in meta-reinforcement learning what
    was lived through where things looked alike: Ritter et al. 2018 (arXiv:1805.09692). The row of
    an action and the count beside the average are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_SHARPNESS = 6.0
"""Deviation of a place's first score for a long observation: two that differ are mostly told apart,
and gradients still move them."""
_CHUNK_STEPS = 128
"""Steps that are compared with one another at once; what was before comes from the table."""


@dataclass(frozen=True, kw_only=True)
class RecallShape:
    """What a recall memory reads and keeps.

    Args:
        num_observed: O, the first columns of its inputs: what the place is made of.
        num_actions: A, the columns after them where they are a one-hot action; 0 where actions are
            numbers: then a place has one row for all of them.
        num_places: K.
        num_contents: W, averages that are kept of each place and action.
    """

    num_observed: int
    num_actions: int
    num_places: int = 64
    num_contents: int = 8

    @property
    def num_read(self) -> int:
        """R, numbers that are read of a place: W averages and a count of each row."""
        return max(self.num_actions, 1) * (self.num_contents + 1)


class RecallMemory(nn.Module):
    """Writes down what came of each step, and reads what is known of the present place.

        k_t = softmax(P·o_t / √(1 + |o_t|²))              the place, K
        w_t = a_{t-1} ⊗ [C·x_t, 1]                        what came of the last action, A × (W + 1)
        S_t = S_{t-1} + k_{t-1} ⊗ w_t                     the table
        [s, n] = k_t·S_t,  read = [s / (1 + n), log(1 + n)]
        features = [relu(J·[read, x_t]), read]

    Args:
        num_inputs: D.
        hidden_size: N, units of the layer that joins what is read and what is seen.
        shape: what it keeps.
    """

    def __init__(self, num_inputs: int, hidden_size: int, shape: RecallShape) -> None:
        super().__init__()
        self.shape = shape
        self.place = nn.Linear(shape.num_observed, shape.num_places)
        self.content = nn.Linear(num_inputs, shape.num_contents)
        self.join = nn.Linear(shape.num_read + num_inputs, hidden_size)
        self.num_features = hidden_size + shape.num_read

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns the features of each step, [H, B, N + R], and the state after the last one.

        Args:
            inputs: [H, B, D].
            state: the last place [1, B, K] and the table [1, B, K·R]; None: nothing is known.
        """
        if state is None:
            keys = inputs.shape[1], self.shape.num_places
            state = inputs.new_zeros(1, *keys), inputs.new_zeros(1, keys[0], self._table_size)
        parts = []
        for chunk in inputs.split(_CHUNK_STEPS):
            read, state = self._read(chunk, *state)
            parts.append(read)
        read = torch.cat(parts) if len(parts) > 1 else parts[0]
        joined = torch.relu(self.join(torch.cat((read, inputs), dim=-1)))
        return torch.cat((joined, read), dim=-1), state

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws the first parameters: places that differ, contents and joins as large as inputs."""
        self.place.weight.normal_(0.0, _SHARPNESS, generator=generator)
        for layer in (self.content, self.join):
            bound = layer.in_features**-0.5
            layer.weight.uniform_(-bound, bound, generator=generator)
        for layer in (self.place, self.content, self.join):
            layer.bias.zero_()

    @property
    def _table_size(self) -> int:
        return self.shape.num_places * self.shape.num_read

    def _read(
        self, inputs: Tensor, last: Tensor, table: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns what is read at each step of a chunk, [H, B, R], and the state after it."""
        places = self._places(inputs)
        asked = places.transpose(0, 1)  # [B, H, K]
        left = torch.cat((last, places[:-1])).transpose(0, 1)
        written = self._written(inputs).transpose(0, 1)  # [B, H, R]
        before = table.view(len(asked), self.shape.num_places, self.shape.num_read)
        after = torch.baddbmm(before, left.transpose(1, 2), written)
        if len(inputs) == 1:
            sums = asked @ after
        else:
            alike = (asked @ left.transpose(1, 2)).tril()  # a step reads what came up to itself
            sums = torch.baddbmm(alike @ written, asked, before)
        return self._averages(sums).transpose(0, 1), (places[-1:], after.view(table.shape))

    def _places(self, inputs: Tensor) -> Tensor:
        observed = inputs[..., : self.shape.num_observed]
        length = (1.0 + observed.square().sum(dim=-1, keepdim=True)).sqrt()
        return self.place(observed / length).softmax(dim=-1)

    def _written(self, inputs: Tensor) -> Tensor:
        """Returns what came of the last step, in the row of its action, [H, B, R]."""
        contents = functional.pad(self.content(inputs), (0, 1), value=1.0)
        if not self.shape.num_actions:
            return contents
        acted = inputs[..., self.shape.num_observed :][..., : self.shape.num_actions]
        return (acted.unsqueeze(-1) * contents.unsqueeze(-2)).flatten(start_dim=-2)

    def _averages(self, sums: Tensor) -> Tensor:
        """Returns averages, shrunk as by one step that came to nothing, and logs of counts."""
        rows = sums.unflatten(-1, (-1, self.shape.num_contents + 1))
        counts = rows[..., -1:]
        means = rows[..., :-1] / (1.0 + counts)
        return torch.cat((means, torch.log1p(counts)), dim=-1).flatten(start_dim=-2)
