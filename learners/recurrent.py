"""An LSTM or GRU over many steps on the processor, several times faster than torch's in training.

Torch runs dozens of small operations for each step of time, forward and again backward. Here all
inputs are projected by one matrix product, one kernel walks through time with all gates of a step
at once, and the gradients of the weights are one matrix product each. The parameters stay those
of `nn.LSTM` and `nn.GRU`, and so do the formulas.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from learners import recurrent_kernels as kernels


def run_memory(
    memory: nn.LSTM | nn.GRU, inputs: Tensor, state: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Returns the hidden states [H, B, N] and the state after the last step, each [1, B, N].

    Equals `memory(inputs, state)` up to rounding, and has the same gradients.

    Args:
        memory: one layer, one direction, with biases.
        inputs: on the processor, of the parameters' float type, [H, B, D].
        state: (h,) of a GRU, (h, c) of an LSTM, each [1, B, N]; None: zeros.
    """
    is_lstm = isinstance(memory, nn.LSTM)
    if state is None:
        zeros = inputs.new_zeros(1, inputs.shape[1], memory.hidden_size)
        state = (zeros, zeros) if is_lstm else (zeros,)
    kind = FusedLSTM if is_lstm else FusedGRU
    parameters: Any = memory.weight_ih_l0, memory.weight_hh_l0, memory.bias_ih_l0, memory.bias_hh_l0
    # Whoever acts takes one step at a time and wants no gradient: its bookkeeping would cost more
    # than the step.
    run = kind.apply if torch.is_grad_enabled() else kind.without_gradient
    hiddens, *after = run(inputs, *state, *parameters)
    return hiddens, tuple(after)


class FusedLSTM(torch.autograd.Function):
    """(inputs, h, c, W_ih, W_hh, b_ih, b_hh) → (hidden states, last h, last c)."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        hidden: Tensor,
        cell: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Runs the LSTM over all steps."""
        gates, hiddens, cells = _lstm(inputs, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh)
        ctx.save_for_backward(inputs, weight_ih, weight_hh, gates, hiddens, cells)
        return hiddens[1:], hiddens[-1:], cells[-1:]

    @staticmethod
    def without_gradient(*args: Tensor) -> tuple[Tensor, ...]:
        """Returns what `forward` does, and keeps nothing."""
        _, hiddens, cells = _lstm(*args)
        return hiddens[1:], hiddens[-1:], cells[-1:]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grads: Tensor, last_hidden: Tensor, last_cell: Tensor
    ) -> tuple[Tensor | None, ...]:
        """Returns the gradients to what `forward` was given."""
        inputs, weight_ih, weight_hh, gates, hiddens, cells = ctx.saved_tensors
        grad_gates = torch.empty_like(gates)
        grad_hidden, grad_cell = last_hidden[0].clone(), last_cell[0].clone()
        arrays = (gates, cells, weight_hh, grad_gates, grad_hidden, grad_cell)
        _over_lanes(_LSTM_BACKWARD, grads.contiguous(), *arrays)
        bias = grad_gates.sum((0, 1))
        return (
            grad_gates @ weight_ih if ctx.needs_input_grad[0] else None,
            grad_hidden[None],
            grad_cell[None],
            _outer(grad_gates, inputs),
            _outer(grad_gates, hiddens[:-1]),
            bias,
            bias,
        )


class FusedGRU(torch.autograd.Function):
    """(inputs, h, W_ih, W_hh, b_ih, b_hh) → (hidden states, last h)."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        hidden: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Runs the GRU over all steps."""
        gates, shown, hiddens = _gru(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
        ctx.save_for_backward(inputs, weight_ih, weight_hh, gates, shown, hiddens)
        return hiddens[1:], hiddens[-1:]

    @staticmethod
    def without_gradient(*args: Tensor) -> tuple[Tensor, ...]:
        """Returns what `forward` does, and keeps nothing."""
        *_, hiddens = _gru(*args)
        return hiddens[1:], hiddens[-1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grads: Tensor, last_hidden: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients to what `forward` was given."""
        inputs, weight_ih, weight_hh, gates, shown, hiddens = ctx.saved_tensors
        grad_inputs, grad_given = torch.empty_like(gates), torch.empty_like(gates)
        grad_hidden = last_hidden[0].clone()
        arrays = (gates, shown, hiddens, weight_hh, grad_inputs, grad_given, grad_hidden)
        _over_lanes(_GRU_BACKWARD, grads.contiguous(), *arrays)
        return (
            grad_inputs @ weight_ih if ctx.needs_input_grad[0] else None,
            grad_hidden[None],
            _outer(grad_inputs, inputs),
            _outer(grad_given, hiddens[:-1]),
            grad_inputs.sum((0, 1)),
            grad_given.sum((0, 1)),
        )


def _lstm(
    inputs: Tensor,
    hidden: Tensor,
    cell: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns gates [H, B, 4N], and hidden and cell states before and after, [H + 1, B, N]."""
    gates = _projected(inputs, weight_ih, bias_ih + bias_hh)
    hiddens, cells = (_history(len(inputs), start) for start in (hidden, cell))
    _over_lanes(_LSTM_FORWARD, gates, hiddens, cells, weight_hh.t().contiguous())
    return gates, hiddens, cells


def _gru(
    inputs: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns gates [H, B, 3N], what n was shown [H, B, N], and hidden states [H + 1, B, N]."""
    gates = _projected(inputs, weight_ih, bias_ih)
    hiddens = _history(len(inputs), hidden)
    shown = torch.empty_like(hiddens[1:])
    _over_lanes(_GRU_FORWARD, gates, shown, hiddens, weight_hh.t().contiguous(), bias_hh)
    return gates, shown, hiddens


def _projected(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Returns inputs @ weightᵀ + bias in new memory, [H, B, G]."""
    return torch.addmm(bias, inputs.flatten(0, 1), weight.t()).view(*inputs.shape[:2], -1)


def _history(num_steps: int, start: Tensor) -> Tensor:
    """Returns room for a state before and after each step, the first row filled, [H + 1, B, N]."""
    history = start.new_empty(num_steps + 1, *start.shape[1:])
    history[0] = start[0]
    return history


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """Returns Σ left ⊗ right over all steps and lanes, [G, D]."""
    return left.flatten(0, 1).t() @ right.flatten(0, 1)


_Kernel = Callable[..., None]
_LSTM_FORWARD = kernels.lstm_forward, kernels.lstm_forward_threads
_LSTM_BACKWARD = kernels.lstm_backward, kernels.lstm_backward_threads
_GRU_FORWARD = kernels.gru_forward, kernels.gru_forward_threads
_GRU_BACKWARD = kernels.gru_backward, kernels.gru_backward_threads


def _over_lanes(kernel: tuple[_Kernel, _Kernel], *tensors: Tensor) -> None:
    """Runs a kernel over all lanes with torch's number of threads."""
    alone, shared = kernel
    arrays = [tensor.detach().numpy() for tensor in tensors]
    num_lanes = tensors[0].shape[1]
    num_chunks = min(torch.get_num_threads(), num_lanes)
    if num_chunks > 1:
        shared(num_chunks, num_lanes, *arrays)
    else:
        alone(0, num_lanes, *arrays)
