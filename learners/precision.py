"""Which recurrent cell and which precision suit this machine, found by a short measurement.

The recurrent backward pass is nearly all of what training costs, and which kernel runs it best
depends on the processor: an LSTM in bfloat16 where there is a unit for it, otherwise an LSTM or a
GRU in float32. `resolve_compute` measures once; whoever runs a campaign saves the answer and never
measures again, so that a resumed campaign computes the same numbers.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

import torch

from learners.networks import NetworkShape, RecurrentActorCritic

CELLS = ("lstm", "gru")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Compute:
    """What a learner computes with.

    Args:
        cell: "lstm" or "gru".
        precision: "float32" or "bfloat16", of encoder and memory.
        threads: of torch, for whoever starts the process to set.
        sentence: why, for the log.
    """

    cell: str
    precision: str
    threads: int
    sentence: str = ""


def has_bfloat16_unit() -> bool:
    """Returns whether this processor multiplies bfloat16 matrices in hardware."""
    cpu = torch.cpu
    return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def kernel_of(precision: str) -> str:
    """Returns which kernels compute in a precision on this processor, in words.

    bfloat16 runs everywhere, but only where there is a unit for it as fast and rounded as that
    unit does; elsewhere a fused kernel imitates it, or plain ones do.

    Example:
        >>> kernel_of("float32")
        'float32'
    """
    if precision != "bfloat16":
        return precision
    if has_bfloat16_unit():
        return "bfloat16, in a unit of its own"
    is_fused = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return f"bfloat16, without a unit, by {'fused' if is_fused else 'plain'} kernels"


def favoured_cell(cell: str, precision: str) -> tuple[str, str]:
    """Returns cell and precision with "auto" replaced by rule alone, without a measurement.

    Example:
        >>> favoured_cell("gru", "auto"), favoured_cell("auto", "float32")
        (('gru', 'float32'), ('lstm', 'float32'))
    """
    if cell == "auto":
        cell = "lstm"
    if precision == "auto":
        # The fused kernel that runs in bfloat16 is the LSTM's; the GRU has none.
        precision = "bfloat16" if cell == "lstm" and has_bfloat16_unit() else "float32"
    return cell, precision


def resolve_compute(
    cell: str = "auto",
    precision: str = "auto",
    threads: int | None = 1,
    *,
    num_inputs: int = 64,
    hidden_size: int = 128,
    num_lifetimes: int = 16,
    num_steps: int = 64,
) -> Compute:
    """Returns the fastest of the combinations that the settings leave open.

    Each is timed on one forward and backward pass over a minibatch of the given size, best of
    three. Nothing is measured where nothing is open.

    Args:
        cell: "lstm", "gru" or "auto".
        precision: "float32", "bfloat16" or "auto"; bfloat16 is considered only where the
            processor has a unit for it, and for the LSTM.
        threads: of torch; None: one or all that torch has, whichever is faster.
        num_inputs: D, numbers a step.
        hidden_size: units of the memory.
        num_lifetimes: lifetimes in a minibatch.
        num_steps: env steps of a lifetime; the measurement scales with them.
    """
    open_threads = [threads] if threads else sorted({1, torch.get_num_threads()})
    candidates = list(itertools.product(_open_cells(cell, precision), open_threads))
    if len(candidates) == 1:
        (cell, precision), count = candidates[0]
        imitated = precision == "bfloat16" and not has_bfloat16_unit()
        slow = "; this processor has no unit for it, so float32 would be faster" if imitated else ""
        sentence = f"{_words(cell, precision, count)}, as configured{slow}."
        return Compute(cell, precision, count, sentence)
    times = {
        candidate: _seconds(*candidate, num_inputs, hidden_size, (num_steps, num_lifetimes))
        for candidate in candidates
    }
    (cell, precision), count = best = min(times, key=times.__getitem__)
    others = ", ".join(
        f"{_words(*option, n)} {1e3 * seconds:.0f} ms"
        for (option, n), seconds in times.items()
        if (option, n) != best
    )
    sentence = (
        f"{_words(cell, precision, count)}: {1e3 * times[best]:.0f} ms for a pass over "
        f"{num_lifetimes} lifetime{'s' if num_lifetimes > 1 else ''} of {num_steps} steps "
        f"(against {others})."
    )
    return Compute(cell, precision, count, sentence)


def _open_cells(cell: str, precision: str) -> list[tuple[str, str]]:
    cells = CELLS if cell == "auto" else (cell,)
    if precision != "auto":
        return [(name, precision) for name in cells]
    options = [(name, "float32") for name in cells]
    if "lstm" in cells and has_bfloat16_unit():
        options.append(("lstm", "bfloat16"))
    return options


def _words(cell: str, precision: str, threads: int) -> str:
    return f"{cell.upper()} in {precision} with {threads} thread{'s' if threads > 1 else ''}"


def _seconds(
    option: tuple[str, str], threads: int, num_inputs: int, hidden_size: int, size: tuple[int, int]
) -> float:
    """Returns the shortest of three passes forward and backward."""
    shape = NetworkShape(
        num_inputs=num_inputs,
        num_outputs=1,
        cell=option[0],
        precision=option[1],
        hidden_size=hidden_size,
    )
    network = RecurrentActorCritic(shape, seed=0)
    inputs = torch.zeros(*size, num_inputs)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return min(_timed_pass(network, inputs) for _ in range(4))
    finally:
        torch.set_num_threads(before)


def _timed_pass(network: RecurrentActorCritic, inputs: torch.Tensor) -> float:
    start = time.perf_counter()
    features, _ = network(inputs)
    network.value(features).sum().backward()
    return time.perf_counter() - start
