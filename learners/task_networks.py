"""Networks as pure functions of their parameters, of which each of B tasks has its own.

`make_network(...)` returns one of them: `initial(seed)` are parameters without the axis of tasks,
a call computes all tasks at once from parameters that have it. No output depends on another point
of the batch: what is normalised is normalised within one point, never over a set of them, so that
an answer about one query point is the same whatever else is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from learners.inner_loop import Parameters

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh}
_GAINS = {"relu": math.sqrt(2.0), "tanh": 5.0 / 3.0}


class TaskNetwork(Protocol):
    """A network that each task has its own parameters of."""

    @property
    def head(self) -> frozenset[str]:
        """Names of the parameters of its last layer."""

    def initial(self, seed: int) -> dict[str, Tensor]:
        """Returns new parameters, without the axis of tasks; a function of the seed alone."""

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Returns the outputs [B, N, P] of inputs [B, N, *x] under parameters [B, …]."""


@dataclass(frozen=True, kw_only=True)
class MLP:
    """Layers of units, each with its own weights for each task: one batched product a layer.

    Args:
        num_inputs: D; inputs of any shape are flattened.
        num_outputs: P.
        hidden_sizes: units of the hidden layers; (): a linear function.
        activation: of the hidden layers, "relu" or "tanh".
        normalize: whether the units of a hidden layer are normalised, those of one point together,
            before the activation.

    Source:
        Ba, Kiros and Hinton 2016, "Layer normalization" (arXiv:1607.06450), in the place of the
        batch normalisation of arXiv:1703.03400, which sees all query points together.
    """

    num_inputs: int
    num_outputs: int
    hidden_sizes: tuple[int, ...]
    activation: str = "relu"
    normalize: bool = False

    @property
    def head(self) -> frozenset[str]:
        """Names of the parameters of the last layer."""
        return _layer_names(len(self.hidden_sizes))

    def initial(self, seed: int) -> dict[str, Tensor]:
        """Returns normal weights of the variance gain² / fan-in, biases of 0, scales of 1."""
        generator = torch.Generator().manual_seed(seed)
        gain = _GAINS[self.activation]
        parameters: dict[str, Tensor] = {}
        for i, (fan_in, size) in enumerate(pairwise((self.num_inputs, *self.hidden_sizes))):
            parameters |= _layer(i, fan_in, size, gain, generator)
            if self.normalize:
                parameters[f"scale_{i}"] = torch.ones(size)
        last = (self.num_inputs, *self.hidden_sizes)[-1]
        return parameters | _layer(len(self.hidden_sizes), last, self.num_outputs, 1.0, generator)

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Returns [B, N, P] of inputs [B, N, *x]."""
        activate = ACTIVATIONS[self.activation]
        hidden = inputs.flatten(start_dim=2)
        for i, size in enumerate(self.hidden_sizes):
            if self.normalize:
                hidden = torch.bmm(hidden, parameters[f"weight_{i}"])
                scaled = functional.layer_norm(hidden, (size,)) * _of_point(parameters, "scale", i)
                hidden = activate(scaled + _of_point(parameters, "bias", i))
            else:
                hidden = activate(_linear(parameters, i, hidden))
        return _linear(parameters, len(self.hidden_sizes), hidden)


@dataclass(frozen=True, kw_only=True)
class ConvNet:
    """Small convolutions with a stride of two, each normalised within its image, then one layer.

    Args:
        image_shape: (height, width) or (height, width, channels).
        num_outputs: P.
        filters: of each convolution of 3×3.
        activation: "relu" or "tanh".

    Source:
        The strided network that arXiv:1703.03400 uses for Omniglot, with group normalisation of
        one group (Wu and He 2018, arXiv:1803.08494) in the place of batch normalisation.
    """

    image_shape: tuple[int, ...]
    num_outputs: int
    filters: tuple[int, ...]
    activation: str = "relu"

    @property
    def head(self) -> frozenset[str]:
        """Names of the parameters of the last layer."""
        return _layer_names(len(self.filters))

    def initial(self, seed: int) -> dict[str, Tensor]:
        """Returns normal weights of the variance gain² / fan-in, biases of 0, scales of 1."""
        generator = torch.Generator().manual_seed(seed)
        gain = _GAINS[self.activation]
        parameters: dict[str, Tensor] = {}
        for i, (fan_in, size) in enumerate(pairwise((self._channels, *self.filters))):
            parameters |= _layer(i, 9 * fan_in, size, gain, generator)
            parameters[f"scale_{i}"] = torch.ones(size)
        return parameters | _layer(
            len(self.filters), self.filters[-1], self.num_outputs, 1.0, generator
        )

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Returns [B, N, P] of images [B, N, *image_shape]."""
        num_tasks, num_points = inputs.shape[:2]
        images = inputs.reshape(num_tasks, num_points, *self.image_shape[:2], self._channels)
        # Tasks stand beside each other as groups of channels: [N, B·C, height, width].
        hidden = images.permute(1, 0, 4, 2, 3).flatten(1, 2)
        for i in range(len(self.filters)):
            hidden = self._convolve(parameters, i, hidden)
        means = hidden.unflatten(1, (num_tasks, -1)).mean(dim=(-2, -1))
        return _linear(parameters, len(self.filters), means.transpose(0, 1))

    @property
    def _channels(self) -> int:
        return self.image_shape[2] if len(self.image_shape) == 3 else 1

    def _convolve(self, parameters: Parameters, i: int, hidden: Tensor) -> Tensor:
        """Returns the next layer's activations, [N, B·C, height, width]."""
        weight = parameters[f"weight_{i}"]  # [B, 9·C, F]
        num_tasks, _, num_filters = weight.shape
        kernels = weight.transpose(1, 2).reshape(num_tasks * num_filters, -1, 3, 3)
        hidden = functional.conv2d(hidden, kernels, stride=2, padding=1, groups=num_tasks)
        # One group a task, so that each image is normalised over its own channels.
        normal = functional.group_norm(hidden, num_tasks)
        scale, bias = (parameters[f"{name}_{i}"].flatten()[:, None, None] for name in _CHANNELWISE)
        return ACTIVATIONS[self.activation](normal * scale + bias)


_CHANNELWISE = ("scale", "bias")


@dataclass(frozen=True)
class WithConstants:
    """A network some of whose outputs, the last ones, are parameters that no input moves.

    Args:
        network: says the others.
        num_constants: how many, one at least; they start at 0.
    """

    network: TaskNetwork
    num_constants: int

    @property
    def head(self) -> frozenset[str]:
        """Names of the parameters of the last layer, the constants among them."""
        return self.network.head | {"constants"}

    def initial(self, seed: int) -> dict[str, Tensor]:
        """Returns the parameters of the network, and constants of 0."""
        return {**self.network.initial(seed), "constants": torch.zeros(self.num_constants)}

    def __call__(self, parameters: Parameters, inputs: Tensor) -> Tensor:
        """Returns [B, N, P] of inputs [B, N, *x]."""
        outputs = self.network(parameters, inputs)
        constants = parameters["constants"].unsqueeze(1).expand(-1, outputs.shape[1], -1)
        return torch.cat((outputs, constants), dim=-1)


def make_network(
    kind: str,
    input_shape: Sequence[int],
    num_outputs: int,
    *,
    hidden_sizes: tuple[int, ...],
    filters: tuple[int, ...],
    activation: str,
    normalize: bool,
) -> TaskNetwork:
    """Returns a network for inputs of a shape.

    Args:
        kind: "mlp" or "conv".
        input_shape: of one input.
        num_outputs: P.
        hidden_sizes: of an MLP.
        filters: of a ConvNet.
        activation: "relu" or "tanh".
        normalize: of an MLP; a ConvNet always is.

    Raises:
        ValueError: if a ConvNet is to read what is no image.
    """
    if kind == "mlp":
        return MLP(
            num_inputs=math.prod(input_shape),
            num_outputs=num_outputs,
            hidden_sizes=hidden_sizes,
            activation=activation,
            normalize=normalize,
        )
    if len(input_shape) not in (2, 3):
        raise ValueError(
            f"a conv network reads images [height, width] or [height, width, channels], got inputs "
            f"of shape {tuple(input_shape)}; set network to mlp."
        )
    return ConvNet(
        image_shape=tuple(input_shape),
        num_outputs=num_outputs,
        filters=filters,
        activation=activation,
    )


def _layer(
    index: int, fan_in: int, size: int, gain: float, generator: torch.Generator
) -> dict[str, Tensor]:
    weight = torch.randn(fan_in, size, generator=generator) * (gain / math.sqrt(fan_in))
    return {f"weight_{index}": weight, f"bias_{index}": torch.zeros(size)}


def _layer_names(index: int) -> frozenset[str]:
    return frozenset({f"weight_{index}", f"bias_{index}"})


def _linear(parameters: Parameters, index: int, inputs: Tensor) -> Tensor:
    """Returns x W_b + c_b of each task, [B, N, size]."""
    bias = _of_point(parameters, "bias", index)
    return torch.baddbmm(bias, inputs, parameters[f"weight_{index}"])


def _of_point(parameters: Parameters, name: str, index: int) -> Tensor:
    return parameters[f"{name}_{index}"].unsqueeze(1)
