"""A memory that reads the support points of problems one by one, and answers after each of them.

A step of the memory reads a point together with the target of the point before it. A question is
such a step too, with a query point in the place of the next one, but what it does to the memory is
forgotten: no answer depends on another question. The memory is a GRU, whose whole state is what it
shows, so that the states after all shots come from one pass and every pair of state and question
is computed at once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from learners.problem_adaptation import Sets
from learners.recurrent import run_memory
from learners.targets import Target
from learners.task_networks import ACTIVATIONS, MLP, TaskNetwork


class ShotMemory(nn.Module):
    """Reads problems and answers their query points after 0 to S shots.

    Args:
        encoder: of one point, P features.
        num_features: P.
        target: how targets are read, and what an answer is.
        hidden_size: N, units of the memory.
        activation: of the features.
        seed: of the initial parameters; torch's global random state is left as it was.
    """

    def __init__(
        self,
        encoder: TaskNetwork,
        num_features: int,
        target: Target,
        *,
        hidden_size: int,
        activation: str,
        seed: int,
    ) -> None:
        super().__init__()
        self._encode, self._target = encoder, target
        self._activate = ACTIVATIONS[activation]
        self._decode = MLP(
            num_inputs=hidden_size, num_outputs=target.num_outputs, hidden_sizes=(hidden_size,)
        )
        self.encoder = nn.ParameterDict(encoder.initial(seed))
        self.head = nn.ParameterDict(self._decode.initial(seed))
        with torch.random.fork_rng(devices=[]):
            self.memory = nn.GRU(num_features + target.num_features + 1, hidden_size)
        generator, bound = torch.Generator().manual_seed(seed), hidden_size**-0.5
        for parameter in self.memory.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator)

    def forward(self, sets: Sets) -> Tensor:
        """Returns the outputs at the query points after each number of shots, [B, S + 1, Q, P].

        A problem that has fewer shots than others says after its last one what it says for good.

        Args:
            sets: B problems; the query targets are not read.
        """
        shots = sets["mask"].sum(dim=1)
        seen = self._features(sets["support_x"])  # [B, S, P]
        told = self._told(sets["support_y"])  # [B, S + 1, F + 1]
        states = self._states(torch.cat((seen, told[:, :-1]), dim=-1))  # [B, S + 1, N]
        read = torch.arange(states.shape[1], device=shots.device).minimum(shots[:, None])
        rows = torch.arange(len(shots), device=shots.device)[:, None]
        asked = self._features(sets["query_x"])
        answers = self._ask(states[rows, read], told[rows, read], asked)
        return _for_all(self._decode, self.head, answers)

    def _features(self, points: Tensor) -> Tensor:
        """Returns the features of points, [B, n, P], by one network for all tasks."""
        return self._activate(
            _for_all(self._encode, self.encoder, points, point_ndim=points.ndim - 2)
        )

    def _told(self, targets: Tensor) -> Tensor:
        """Returns what is known of the last target after each number of shots: [target | any]."""
        known = self._target.features(targets)
        known = torch.cat((known, torch.ones_like(known[..., :1])), dim=-1)
        return torch.cat((torch.zeros_like(known[:, :1]), known), dim=1)

    def _states(self, inputs: Tensor) -> Tensor:
        """Returns the memory before the first of S steps and after each, [B, S + 1, N]."""
        inputs = inputs.transpose(0, 1)
        if inputs.device.type == "cpu":
            hiddens, _ = run_memory(self.memory, inputs.contiguous())
        else:
            hiddens, _ = self.memory(inputs)
        return torch.cat((torch.zeros_like(hiddens[:1]), hiddens)).transpose(0, 1)

    def _ask(self, states: Tensor, told: Tensor, asked: Tensor) -> Tensor:
        """Returns the memory after one more step from every state to every question.

            r, z = σ(W x + U h + b),   n = tanh(W x + b + r ∘ (U h + c)),   h' = n + z ∘ (h − n)

        W x is a sum of a question's part and a state's part, so that only sums and gates are
        computed for the pairs.

        Args:
            states: h, [B, E, N].
            told: what is known of the last target in each, [B, E, F + 1].
            asked: features of the query points, [B, Q, P].

        Returns:
            [B, E, Q, N].
        """
        weight_in, weight_on, bias_in, bias_on = self.memory.parameters()
        of_point, of_target = weight_in.tensor_split([asked.shape[-1]], dim=1)
        given = states @ weight_on.t() + bias_on
        known = told @ of_target.t() + bias_in
        points = (asked @ of_point.t()).unsqueeze(1).chunk(3, dim=-1)
        given_r, given_z, given_n = given.unsqueeze(2).chunk(3, dim=-1)
        known_r, known_z, known_n = known.unsqueeze(2).chunk(3, dim=-1)
        reset = torch.sigmoid(points[0] + (given_r + known_r))
        keep = torch.sigmoid(points[1] + (given_z + known_z))
        new = torch.tanh(points[2] + known_n + reset * given_n)
        return torch.lerp(new, states.unsqueeze(2).expand_as(new), keep)


def _for_all(
    network: TaskNetwork, parameters: nn.ParameterDict, points: Tensor, point_ndim: int = 1
) -> Tensor:
    """Returns outputs [..., P] at points [..., *x] of one network that all tasks share."""
    shared = {name: value.unsqueeze(0) for name, value in parameters.items()}
    axes = points.shape[: points.ndim - point_ndim]
    outputs = network(shared, points.reshape(1, -1, *points.shape[len(axes) :]))
    return outputs.view(*axes, -1)
