"""What came of each action in places like this one: sums over soft places, and how they are read.

A recurrent cell has to learn how to keep fifty averages apart; notes by place and action have them
apart by design. A step is written down under the place where its action was taken, in the entry of
that action; a place is a soft choice of one of K, made of what is observed there. Read are, for the
place where one is now, each action's averages and how often it was tried. One small network looks
at all entries in the same way: what it finds, over all actions, is fed to the recurrent cell beside
the inputs, and a second one scores every action for the policy. The notes have one size, whatever
the lifetime's length, and know no order of steps: that is the business of the cell.

Source:
    Sums of outer products as a memory, and their two forms, step by step and all at once: fast
    weights (Schmidhuber 1992, "Learning to control fast-weight memories") and linear attention
    (Katharopoulos et al. 2020, arXiv:2006.16236). Recalling in meta-reinforcement learning what
    was lived through where things looked alike: Ritter et al. 2018 (arXiv:1805.09692). One network
    for all members of a set: Zaheer et al. 2017 (arXiv:1703.06114). Entries of actions, and a
    count beside each average, are ours.
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
"""Steps that are compared with one another at once; what was before comes from the notes."""


@dataclass(frozen=True, kw_only=True)
class RecallShape:
    """What is kept of a lifetime, and how it is looked at.

    Args:
        num_inputs: D, numbers a step.
        num_observed: O, the first of them: what a place is made of.
        num_actions: A, the numbers after these where they are a one-hot action; 0 where actions
            are numbers: then a place has one entry for all of them, and nothing is scored.
        num_places: K.
        num_averages: W, averages that are kept of each place and action.
        num_units: U, of the networks that look at an entry.
    """

    num_inputs: int
    num_observed: int
    num_actions: int
    num_places: int
    num_averages: int
    num_units: int

    @property
    def num_read(self) -> int:
        """R, numbers that are read of a place: W averages and a count in each entry."""
        return max(self.num_actions, 1) * (self.num_averages + 1)

    @property
    def num_found(self) -> int:
        """Numbers that are fed to the recurrent cell."""
        return 2 * self.num_units


class Recall(nn.Module):
    """Notes of what came of each action in each place, and two networks that look at them.

    Args:
        shape: its sizes.
        num_features: F, what the policy sees beside them.
    """

    def __init__(self, shape: RecallShape, num_features: int) -> None:
        super().__init__()
        self.shape = shape
        self.notes = RecallNotes(shape)
        self.look = EntryNetwork(shape.num_averages + 1, shape.num_inputs, shape.num_units)
        if shape.num_actions:
            self.judge = EntryNetwork(shape.num_averages + 1, num_features, shape.num_units)
            self.score = nn.Linear(shape.num_units, 1)

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Returns what is found [H, B, 2U], what is read [H, B, R], and the state after all steps.

        Args:
            inputs: [H, B, D].
            state: of the notes; None: nothing is known.
        """
        with torch.autocast(inputs.device.type, enabled=False):  # sums want all their digits
            inputs = inputs.float()
            read, after = self.notes(inputs, state)
            looked = self.look(self._entries(read), inputs)
            return torch.cat((looked.amax(dim=-2), looked.mean(dim=-2)), dim=-1), read, after

    def scores(self, read: Tensor, features: Tensor) -> Tensor:
        """Returns what speaks for each action, [..., A], from what was read and the features."""
        scores: Tensor = self.score(self.judge(self._entries(read), features))
        return scores.squeeze(-1)

    def _entries(self, read: Tensor) -> Tensor:
        return read.unflatten(-1, (-1, self.shape.num_averages + 1))


class EntryNetwork(nn.Module):
    """h_a = relu(W·entry_a + V·context): every entry is looked at in the same way, [..., A, U]."""

    def __init__(self, num_entry: int, num_context: int, num_units: int) -> None:
        super().__init__()
        self.entry = nn.Linear(num_entry, num_units)
        self.context = nn.Linear(num_context, num_units, bias=False)

    def forward(self, entries: Tensor, context: Tensor) -> Tensor:
        """Returns what is seen in entries [..., A, W + 1], in a context [..., C]."""
        return torch.relu(self.entry(entries) + self.context(context).unsqueeze(-2))


class RecallNotes(nn.Module):
    """Writes down what came of each step, and reads what is known of the present place.

        k_t = softmax(P·o_t / √(1 + |o_t|²))              the place, K
        w_t = a_{t-1} ⊗ [C·x_t, 1]                        what came of the last action, A × (W + 1)
        S_t = S_{t-1} + k_{t-1} ⊗ w_t                     the notes
        [s, n] = k_t·S_t,  read = [s / (1 + n), log(1 + n)]

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: RecallShape) -> None:
        super().__init__()
        self.shape = shape
        self.place = nn.Linear(shape.num_observed, shape.num_places)
        self.noted = nn.Linear(shape.num_inputs, shape.num_averages)

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns what is read at each step, [H, B, R], and the state after the last one.

        Args:
            inputs: [H, B, D].
            state: the last place [1, B, K] and the notes [1, B, K·R]; None: nothing is known.
        """
        if state is None:
            num, places = inputs.shape[1], self.shape.num_places
            notes = inputs.new_zeros(1, num, places * self.shape.num_read)
            state = inputs.new_zeros(1, num, places), notes
        parts = []
        for chunk in inputs.split(_CHUNK_STEPS):
            read, state = self._read(chunk, *state)
            parts.append(read)
        return torch.cat(parts), state

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws the first parameters: places that differ, and averages as large as inputs."""
        self.place.weight.normal_(0.0, _SHARPNESS, generator=generator)
        bound = self.shape.num_inputs**-0.5
        self.noted.weight.uniform_(-bound, bound, generator=generator)
        for layer in (self.place, self.noted):
            layer.bias.zero_()

    def _read(
        self, inputs: Tensor, last: Tensor, notes: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns what is read at each step of a chunk, [H, B, R], and the state after it."""
        places = self._places(inputs)
        asked = places.transpose(0, 1)  # [B, H, K]
        left = torch.cat((last, places[:-1])).transpose(0, 1)
        written = self._written(inputs).transpose(0, 1)  # [B, H, R]
        before = notes.view(len(asked), self.shape.num_places, self.shape.num_read)
        after = torch.baddbmm(before, left.transpose(1, 2), written)
        if len(inputs) == 1:
            sums = asked @ after
        else:
            alike = (asked @ left.transpose(1, 2)).tril()  # a step reads what came up to itself
            sums = torch.baddbmm(alike @ written, asked, before)
        return self._averages(sums).transpose(0, 1), (places[-1:], after.view(notes.shape))

    def _places(self, inputs: Tensor) -> Tensor:
        observed = inputs[..., : self.shape.num_observed]
        length = (1.0 + observed.square().sum(dim=-1, keepdim=True)).sqrt()
        return self.place(observed / length).softmax(dim=-1)

    def _written(self, inputs: Tensor) -> Tensor:
        """Returns what came of the last step, in the entry of its action, [H, B, R]."""
        noted = functional.pad(self.noted(inputs), (0, 1), value=1.0)
        if not self.shape.num_actions:
            return noted
        acted = inputs[..., self.shape.num_observed :][..., : self.shape.num_actions]
        return (acted.unsqueeze(-1) * noted.unsqueeze(-2)).flatten(start_dim=-2)

    def _averages(self, sums: Tensor) -> Tensor:
        """Returns averages, shrunk as by one step that came to nothing, and logs of counts."""
        entries = sums.unflatten(-1, (-1, self.shape.num_averages + 1))
        counts = entries[..., -1:]
        means = entries[..., :-1] / (1.0 + counts)
        return torch.cat((means, torch.log1p(counts)), dim=-1).flatten(start_dim=-2)
