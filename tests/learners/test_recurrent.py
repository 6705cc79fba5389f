"""The fused LSTM and GRU against torch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from learners import recurrent_kernels
from learners.recurrent import run_memory

CELLS = pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])


def made(kind, size=(7, 5, 3, 11), dtype=torch.float32, scale=1.0):
    """Returns a memory, inputs and an initial state, all of which want gradients."""
    steps, lanes, num_inputs, units = size
    generator = torch.Generator().manual_seed(0)
    memory = kind(num_inputs, units, dtype=dtype)
    with torch.no_grad():
        for parameter in memory.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    draw = {"generator": generator, "dtype": dtype}
    inputs = (scale * torch.randn(steps, lanes, num_inputs, **draw)).requires_grad_()
    parts = 2 if kind is nn.LSTM else 1
    state = tuple(torch.randn(1, lanes, units, **draw).requires_grad_() for _ in range(parts))
    return memory, inputs, state


def torchs_own(memory, inputs, state):
    given = state if state is None or len(state) == 2 else state[0]
    hiddens, after = memory(inputs, given)
    return hiddens, after if isinstance(after, tuple) else (after,)


def passed(run, memory, inputs, state):
    """Returns what a pass gives and all gradients of a loss that everything has a part in."""
    wanted = [inputs, *(state or ()), *memory.parameters()]
    hiddens, after = run(memory, inputs, state)
    weights = torch.linspace(-1.0, 1.0, hiddens.numel(), dtype=inputs.dtype)
    loss = (hiddens * weights.view_as(hiddens)).sum() + sum(part.square().sum() for part in after)
    return [hiddens, *after, *torch.autograd.grad(loss, wanted)]


@CELLS
@pytest.mark.parametrize("size", [(7, 5, 3, 11), (1, 1, 1, 1), (30, 4, 9, 32), (2, 3, 4, 8)])
@pytest.mark.parametrize("from_empty", [False, True])
def test_values_and_gradients_are_torchs(kind, size, from_empty):
    memory, inputs, state = made(kind, size)
    state = None if from_empty else state
    ours = passed(run_memory, memory, inputs, state)
    theirs = passed(torchs_own, memory, inputs, state)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=2e-5)


@CELLS
def test_the_same_comes_out_bit_for_bit_where_no_gradient_is_wanted(kind):
    memory, inputs, state = made(kind)
    hiddens, after = run_memory(memory, inputs, state)
    with torch.inference_mode():
        alone, after_alone = run_memory(memory, inputs, state)
    assert alone.tolist() == hiddens.tolist()
    assert [part.tolist() for part in after_alone] == [part.tolist() for part in after]


@CELLS
def test_gradients_are_the_slopes_of_the_values(kind):
    memory, inputs, state = made(kind, (3, 2, 2, 3), torch.float64)

    def values(inputs, *state):
        hiddens, after = run_memory(memory, inputs, state)
        return hiddens, *after

    assert torch.autograd.gradcheck(values, (inputs, *state), atol=1e-5, rtol=1e-4)


@CELLS
def test_saturated_gates_stay_finite_and_nonsense_is_not_hidden(kind):
    memory, inputs, state = made(kind, scale=1e4)
    ours = passed(run_memory, memory, inputs, state)
    theirs = passed(torchs_own, memory, inputs, state)
    num_values = 1 + len(state)
    torch.testing.assert_close(ours[:num_values], theirs[:num_values], atol=1e-5, rtol=1e-5)
    assert all(gradient.isfinite().all() for gradient in ours[num_values:])
    with torch.no_grad():
        inputs[2, 1, 0] = torch.nan
        hiddens, _ = run_memory(memory, inputs, state)
    assert hiddens[2:, 1].isnan().all()
    assert hiddens[:, [0, 2, 3, 4]].isfinite().all()


@CELLS
def test_neither_runs_nor_threads_change_a_bit(kind):
    memory, inputs, state = made(kind, (9, 13, 4, 16))
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 1, 2):
            torch.set_num_threads(threads)
            results.append(passed(run_memory, memory, inputs, state))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("chunks", [1, 2, 5])
def test_a_lane_does_not_feel_its_neighbours(chunks):
    draw = np.random.default_rng(0).standard_normal
    gates, weights = draw((6, 5, 12), np.float32), draw((3, 12), np.float32)
    together = [gates.copy(), np.zeros((7, 5, 3), np.float32), np.zeros((7, 5, 3), np.float32)]
    recurrent_kernels.lstm_forward_threads(chunks, 5, *together, weights)
    for lane in range(5):
        alone = [np.ascontiguousarray(gates[:, [lane]])]
        alone += [np.zeros((7, 1, 3), np.float32) for _ in range(2)]
        recurrent_kernels.lstm_forward(0, 1, *alone, weights)
        np.testing.assert_array_equal(alone[1][:, 0], together[1][:, lane])


def test_the_ratio_of_polynomials_is_the_hyperbolic_tangent():
    x = np.linspace(-30.0, 30.0, 100_001, dtype=np.float32)
    ours = np.array([recurrent_kernels.tanh(value) for value in x])
    np.testing.assert_allclose(ours, np.tanh(x.astype(np.float64)), rtol=5e-7)
    assert np.abs(ours).max() <= 1.0
