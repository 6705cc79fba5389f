"""The time loops of LSTM and GRU, forward and backward, as kernels over lanes.

A lane is one lifetime of a batch. Lanes never meet, so each thread takes some of them through all
steps of time and waits for nobody; and what a lane computes depends on neither the number of
threads nor its neighbours, to the last bit. Arrays are time first, C-contiguous, and all of one
float type. H steps, B lanes, N units; gates lie side by side in torch's order.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba
import numpy as np

# Numba's own pool of threads: its OpenMP layer shares the runtime of torch, where it would undo
# `torch.set_num_threads` and leave threads spinning. Must be set before a kernel with threads runs.
if numba.config.THREADING_LAYER == "default":
    numba.config.THREADING_LAYER = "workqueue"

_compiled = numba.njit(cache=True, error_model="numpy", fastmath={"contract"})
"""What vectorises: no check for divisors of 0; a product and a sum may be rounded once instead of
twice, and nothing else of the order of operations is given up."""
_shared = numba.njit(cache=True, error_model="numpy", parallel=True)
# Of float32, so that they leave numbers of either type in their type.
_HALF, _ONE, _EDGE = np.float32(0.5), np.float32(1.0), np.float32(8.0)
_P0, _Q0 = np.float32(0.9999999936074573), np.float32(1.0)
_P1, _Q1 = np.float32(0.1344450685499663), np.float32(0.4677783418622663)
_P2, _Q2 = np.float32(0.0035716084619558347), np.float32(0.026164482894681863)
_P3, _Q3 = np.float32(2.1894830997452237e-05), np.float32(0.00034113089507927424)
_P4, _Q4 = np.float32(1.5230650302668374e-08), np.float32(8.52254195302332e-07)


@_compiled
def tanh(x):
    """Returns tanh x ≈ x·P(x²) / Q(x²), off by 4e-7 at most; unlike the exact one it vectorises.

    The ratio is fitted for the least relative error on |x| ≤ 8, and held beyond, where float32
    rounds to ±1. What is not a number stays so.
    """
    x = _EDGE if x > _EDGE else x
    x = -_EDGE if x < -_EDGE else x
    s = x * x
    above = x * (_P0 + s * (_P1 + s * (_P2 + s * (_P3 + s * _P4))))
    return above / (_Q0 + s * (_Q1 + s * (_Q2 + s * (_Q3 + s * _Q4))))


@_compiled
def sigmoid(x):
    """Returns 1 / (1 + exp(−x)) = ½ + ½·tanh(x/2)."""
    return _HALF + _HALF * tanh(_HALF * x)


@_compiled
def accumulate(sums, rows, weights):
    """Adds rows @ weights to the sums: [L, G] += [L, K] @ [K, G].

    Eight rows of the weights at a time: they stay in the nearest cache for all lanes, and a sum is
    loaded and stored once for eight products.
    """
    num_whole = len(weights) // 8 * 8
    for k in range(0, num_whole, 8):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        for lane in range(len(sums)):
            a, out = rows[lane, k : k + 8], sums[lane]
            a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
            for j in range(len(out)):
                low = out[j] + a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]
                out[j] = low + a4 * w4[j] + a5 * w5[j] + a6 * w6[j] + a7 * w7[j]
    for k in range(num_whole, len(weights)):
        weight = weights[k]
        for lane in range(len(sums)):
            factor, out = rows[lane, k], sums[lane]
            for j in range(len(out)):
                out[j] += factor * weight[j]


@_compiled
def lstm_forward(first, last, gates, hiddens, cells, weights):
    """Takes lanes through time.

    Args:
        first: lane to begin with.
        last: lane to stop before.
        gates: of each step, what inputs and biases give; becomes i, f, g, o, [H, B, 4N].
        hiddens: [H + 1, B, N], the first row given, the others written.
        cells: the same.
        weights: from a hidden state to the gates, [N, 4N].
    """
    size = len(weights)
    for t in range(len(gates)):
        accumulate(gates[t][first:last], hiddens[t][first:last], weights)
        for lane in range(first, last):
            row, hidden = gates[t, lane], hiddens[t + 1, lane]
            before, cell = cells[t, lane], cells[t + 1, lane]
            i, f, g, o = row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :]
            for j in range(size):
                i[j] = sigmoid(i[j])
                f[j] = sigmoid(f[j])
                g[j] = tanh(g[j])
                o[j] = sigmoid(o[j])
                cell[j] = f[j] * before[j] + i[j] * g[j]
                hidden[j] = o[j] * tanh(cell[j])


@_compiled
def lstm_backward(first, last, grads, gates, cells, weights, grad_gates, grad_hidden, grad_cell):
    """Takes lanes back through time.

    Args:
        first: lane to begin with.
        last: lane to stop before.
        grads: of the loss to the hidden states, [H, B, N].
        gates: as `lstm_forward` left them.
        cells: the same.
        weights: to the gates from a hidden state, [4N, N].
        grad_gates: written: to the gates before their nonlinearities, [H, B, 4N].
        grad_hidden: to the last hidden state on its own; becomes that to the first one, [B, N].
        grad_cell: the same of the cell state.
    """
    size = weights.shape[1]
    for t in range(len(gates) - 1, -1, -1):
        for lane in range(first, last):
            row, out = gates[t, lane], grad_gates[t, lane]
            i, f, g, o = row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :]
            di, df, dg = out[:size], out[size : 2 * size], out[2 * size : 3 * size]
            do, before, cell = out[3 * size :], cells[t, lane], cells[t + 1, lane]
            grad, d_hidden, d_cell = grads[t, lane], grad_hidden[lane], grad_cell[lane]
            for j in range(size):
                dh = grad[j] + d_hidden[j]
                shown = tanh(cell[j])
                dc = d_cell[j] + dh * o[j] * (_ONE - shown * shown)
                di[j] = dc * g[j] * i[j] * (_ONE - i[j])
                df[j] = dc * before[j] * f[j] * (_ONE - f[j])
                dg[j] = dc * i[j] * (_ONE - g[j] * g[j])
                do[j] = dh * shown * o[j] * (_ONE - o[j])
                d_cell[j] = dc * f[j]
                d_hidden[j] = 0
        accumulate(grad_hidden[first:last], grad_gates[t][first:last], weights)


@_compiled
def gru_forward(first, last, gates, shown, hiddens, weights, bias):
    """Takes lanes through time.

    Args:
        first: lane to begin with.
        last: lane to stop before.
        gates: of each step, what inputs and their biases give; becomes r, z, n, [H, B, 3N].
        shown: written: what the hidden state gives to n before the reset gate, [H, B, N].
        hiddens: [H + 1, B, N], the first row given, the others written.
        weights: from a hidden state to the gates, [N, 3N].
        bias: of the hidden state, [3N].
    """
    size = len(weights)
    given = np.empty((last - first, 3 * size), gates.dtype)
    for t in range(len(gates)):
        given[:] = bias
        accumulate(given, hiddens[t][first:last], weights)
        for lane in range(first, last):
            row, inner, kept = gates[t, lane], given[lane - first], shown[t, lane]
            before, hidden = hiddens[t, lane], hiddens[t + 1, lane]
            r, z, n = row[:size], row[size : 2 * size], row[2 * size :]
            to_r, to_z, to_n = inner[:size], inner[size : 2 * size], inner[2 * size :]
            for j in range(size):
                r[j] = sigmoid(r[j] + to_r[j])
                z[j] = sigmoid(z[j] + to_z[j])
                kept[j] = to_n[j]
                n[j] = tanh(n[j] + r[j] * kept[j])
                hidden[j] = n[j] + z[j] * (before[j] - n[j])


@_compiled
def gru_backward(
    first, last, grads, gates, shown, hiddens, weights, grad_inputs, grad_given, grad_hidden
):
    """Takes lanes back through time.

    Args:
        first: lane to begin with.
        last: lane to stop before.
        grads: of the loss to the hidden states, [H, B, N].
        gates: as `gru_forward` left them.
        shown: the same.
        hiddens: the same.
        weights: to the gates from a hidden state, [3N, N].
        grad_inputs: written: to what the inputs give to the gates, [H, B, 3N].
        grad_given: written: to what the hidden state gives to them, [H, B, 3N].
        grad_hidden: to the last hidden state on its own; becomes that to the first one, [B, N].
    """
    size = weights.shape[1]
    for t in range(len(gates) - 1, -1, -1):
        for lane in range(first, last):
            row, inner, before = gates[t, lane], shown[t, lane], hiddens[t, lane]
            r, z, n = row[:size], row[size : 2 * size], row[2 * size :]
            out, given = grad_inputs[t, lane], grad_given[t, lane]
            dr, dz, dn = out[:size], out[size : 2 * size], out[2 * size :]
            to_n = given[2 * size :]
            grad, d_hidden = grads[t, lane], grad_hidden[lane]
            for j in range(size):
                dh = grad[j] + d_hidden[j]
                dn[j] = dh * (_ONE - z[j]) * (_ONE - n[j] * n[j])
                to_n[j] = dn[j] * r[j]
                dr[j] = dn[j] * inner[j] * r[j] * (_ONE - r[j])
                dz[j] = dh * (before[j] - n[j]) * z[j] * (_ONE - z[j])
                d_hidden[j] = dh * z[j]
            given[: 2 * size] = out[: 2 * size]
        accumulate(grad_hidden[first:last], grad_given[t][first:last], weights)


@_shared
def lstm_forward_threads(chunks, lanes, *arrays):
    """Does the same for all lanes, in so many chunks."""
    for chunk in numba.prange(chunks):
        lstm_forward(lanes * chunk // chunks, lanes * (chunk + 1) // chunks, *arrays)


@_shared
def lstm_backward_threads(chunks, lanes, *arrays):
    """Does the same for all lanes, in so many chunks."""
    for chunk in numba.prange(chunks):
        lstm_backward(lanes * chunk // chunks, lanes * (chunk + 1) // chunks, *arrays)


@_shared
def gru_forward_threads(chunks, lanes, *arrays):
    """Does the same for all lanes, in so many chunks."""
    for chunk in numba.prange(chunks):
        gru_forward(lanes * chunk // chunks, lanes * (chunk + 1) // chunks, *arrays)


@_shared
def gru_backward_threads(chunks, lanes, *arrays):
    """Does the same for all lanes, in so many chunks."""
    for chunk in numba.prange(chunks):
        gru_backward(lanes * chunk // chunks, lanes * (chunk + 1) // chunks, *arrays)
