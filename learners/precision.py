"""Which recurrent cell, precision and kernel suit this machine, found by a short measurement.

The network's passes, step by step when acting and over whole lifetimes when learning, are nearly
all of what training costs, and what runs them best depends on the processor: an LSTM in bfloat16
where there is a unit for it, otherwise an LSTM or a GRU in float32, by torch's kernel or by ours.
`resolve_compute` measures once; whoever runs a campaign saves the answer and never measures again,
so that a resumed campaign computes the same numbers.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from learners.networks import NetworkShape, RecurrentActorCritic, State

CELLS = ("gru", "lstm")
KERNELS = ("fused", "torch")
_NEARLY = 1.25
"""What is at most so much slower than the fastest counts as fast: the first of those is taken, so
that the noise of a measurement does not decide what a campaign computes."""

Option: TypeAlias = tuple[str, str, str]
"""Cell, precision and kernel."""
Candidate: TypeAlias = tuple[Option, int]
"""What may be computed with, and by how many threads."""

_MIN_TURNS, _MAX_TURNS, _PATIENCE_S = 3, 6, 1.0
_ACTING_STEPS = 8  # a turn


@dataclass(frozen=True)
class Compute:
    """What a learner computes with.

    Args:
        cell: "lstm" or "gru".
        precision: "float32" or "bfloat16", of encoder and memory.
        kernel: "torch" or "fused", of the memory.
        threads: of torch, for whoever starts the process to set.
        sentence: why, for the log.
    """

    cell: str
    precision: str
    kernel: str
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


def favoured(cell: str, precision: str, kernel: str, device: str = "cpu") -> Option:
    """Returns cell, precision and kernel with "auto" replaced by rule, without a measurement.

    Example:
        >>> favoured("gru", "auto", "auto"), favoured("auto", "float32", "auto", "cuda")
        (('gru', 'float32', 'fused'), ('lstm', 'float32', 'torch'))
    """
    if cell == "auto":
        cell = "lstm"
    if precision == "auto":
        # The kernel that runs in bfloat16 is torch's LSTM; its GRU has none.
        fitting = cell == "lstm" and kernel != "fused" and has_bfloat16_unit()
        precision = "bfloat16" if fitting else "float32"
    if kernel == "auto":
        kernel = "fused" if device == "cpu" and precision == "float32" else "torch"
    return cell, precision, kernel


@dataclass(frozen=True)
class Workload:
    """The shape of an update, of which a part is timed.

    Args:
        num_inputs: D, numbers a step.
        hidden_size: units of the memory.
        num_acting: lifetimes that are played at once, B.
        num_lifetimes: lifetimes in a minibatch.
        num_passes: minibatches that an update learns from, all epochs together.
        num_steps: env steps of a lifetime that are timed; what is measured scales with them.
    """

    num_inputs: int = 64
    hidden_size: int = 128
    num_acting: int = 64
    num_lifetimes: int = 16
    num_passes: int = 16
    num_steps: int = 64


def resolve_compute(
    cell: str = "auto",
    precision: str = "auto",
    threads: int | None = 1,
    *,
    kernel: str = "auto",
    load: Workload | None = None,
) -> Compute:
    """Returns the fastest of the combinations that the settings leave open.

    Timed are a forward and backward pass over a minibatch and a step of acting, each as often as
    they come in an update: s = num_passes · pass + num_steps · step. The candidates take turns, so
    that what else the machine does hits all of them, and the best turn of each counts. Nothing is
    measured where nothing is open.

    Args:
        cell: "lstm", "gru" or "auto".
        precision: "float32", "bfloat16" or "auto"; bfloat16 is considered only where the
            processor has a unit for it, and for torch's LSTM.
        threads: of torch; None: one or all that torch has, whichever is faster.
        kernel: "torch", "fused" or "auto"; the fused one computes in float32 alone.
        load: the shape of an update; None: one of middling size.
    """
    load = load or Workload()
    open_threads = [threads] if threads else sorted({1, torch.get_num_threads()})
    candidates = list(itertools.product(_options(cell, precision, kernel), open_threads))
    if len(candidates) == 1:
        option, count = candidates[0]
        imitated = option[1] == "bfloat16" and not has_bfloat16_unit()
        slow = "; this processor has no unit for it, so float32 would be faster" if imitated else ""
        return Compute(*option, count, f"{_words(option, count)}, as configured{slow}.")
    times = _update_seconds(candidates, load)
    fastest = min(times.values())
    best = next(each for each in candidates if times[each] <= _NEARLY * fastest)
    others = ", ".join(
        f"{_difference(candidate, candidates)} {1e3 * seconds:.0f} ms"
        for candidate, seconds in times.items()
        if candidate != best
    )
    sentence = (
        f"{_words(*best)}: {1e3 * times[best]:.0f} ms for {load.num_steps} steps of "
        f"{load.num_acting} lifetime{'s' if load.num_acting > 1 else ''}, to play them and to "
        f"learn from them (against {others})."
    )
    return Compute(*best[0], best[1], sentence)


def _options(cell: str, precision: str, kernel: str) -> list[Option]:
    """Returns the combinations that settings leave open and that there is a kernel for."""
    cells = CELLS if cell == "auto" else (cell,)
    options = [(c, "float32", k) for c in cells for k in KERNELS]
    if precision == "bfloat16":
        options = [(c, "bfloat16", "torch") for c in cells]
    elif precision == "auto" and "lstm" in cells and has_bfloat16_unit():
        options.append(("lstm", "bfloat16", "torch"))
    return [option for option in options if kernel in ("auto", option[2])]


def _words(option: Option, threads: int) -> str:
    cell, precision, kernel, count = _parts((option, threads))
    return f"{cell} in {precision}, {kernel} kernel, with {count}"


def _parts(candidate: Candidate) -> tuple[str, str, str, str]:
    (cell, precision, kernel), threads = candidate
    return cell.upper(), precision, kernel, f"{threads} thread{'s' if threads > 1 else ''}"


def _difference(candidate: Candidate, candidates: Sequence[Candidate]) -> str:
    """Returns that of a candidate in which not all candidates are alike.

    Example:
        >>> fused, plain = (("gru", "float32", "fused"), 1), (("lstm", "float32", "torch"), 1)
        >>> _difference(plain, [fused, plain])
        'LSTM torch'
    """
    columns = zip(*map(_parts, candidates), strict=True)
    mine = zip(_parts(candidate), columns, strict=True)
    return " ".join(part for part, column in mine if len(set(column)) > 1)


def _update_seconds(candidates: Sequence[Candidate], load: Workload) -> dict[Candidate, float]:
    """Returns what `num_steps` steps of an update take each; the first turn warms up."""
    networks = {candidate: _network(candidate[0], load) for candidate in candidates}
    turns: dict[Candidate, list[tuple[float, float]]] = {each: [] for each in candidates}
    before, began = torch.get_num_threads(), 0.0
    try:
        for turn in range(_MAX_TURNS + 1):
            for candidate, network in networks.items():
                torch.set_num_threads(candidate[1])
                seconds = _pass_seconds(network, load), _step_seconds(network, load)
                turns[candidate] += [seconds] if turn else []
            began = began or time.perf_counter()  # what the first turn compiles is no measurement
            if turn >= _MIN_TURNS and time.perf_counter() - began > _PATIENCE_S:
                break
    finally:
        torch.set_num_threads(before)
    return {
        candidate: load.num_passes * min(passes) + load.num_steps * min(steps)
        for candidate, taken in turns.items()
        for passes, steps in [zip(*taken, strict=True)]
    }


def _network(option: Option, load: Workload) -> RecurrentActorCritic:
    cell, precision, kernel = option
    shape = NetworkShape(
        num_inputs=load.num_inputs,
        num_outputs=1,
        cell=cell,
        precision=precision,
        kernel=kernel,
        hidden_size=load.hidden_size,
    )
    return RecurrentActorCritic(shape, seed=0)


def _pass_seconds(network: RecurrentActorCritic, load: Workload) -> float:
    """Returns the seconds of a pass forward and backward over a minibatch."""
    inputs = torch.zeros(load.num_steps, load.num_lifetimes, load.num_inputs)
    start = time.perf_counter()
    features, _ = network(inputs)
    network.value(features).sum().backward()
    return time.perf_counter() - start


@torch.inference_mode()
def _step_seconds(network: RecurrentActorCritic, load: Workload) -> float:
    """Returns the seconds of a step of acting, the mean of a few."""
    inputs = torch.zeros(1, load.num_acting, load.num_inputs)
    state: State | None = None
    start = time.perf_counter()
    for _ in range(_ACTING_STEPS):
        features, state = network(inputs, state)
        network.policy(features)
    return (time.perf_counter() - start) / _ACTING_STEPS
