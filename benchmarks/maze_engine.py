"""How fast are mazes made and played?

Default mazes of 13 × 13 interior cells (depth-first, braid 0.3), horizon 250, random actions,
observations written every step. Beside each rate stands its ratio to a plain numba loop of fixed
work that is timed in turn with it (one integer mixed eight times, as many loops as there are
threads): rates change with the machine, the ratio less. `per_cpu_s` is the rate for a second of
processor time of all threads, waiting included: what other programs take does not count in it.

    python benchmarks/maze_engine.py
    NUMBA_THREADING_LAYER=omp python benchmarks/maze_engine.py  # faster, without torch beside it
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from harness import report
from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import MazeArrays
from taskgen.generators.maze.engine import Arena
from taskgen.generators.maze.layouts import generate
from taskgen.source import TaskSource
from taskgen.vector import Lifetime

HORIZON = 250
NUM_SCANS = 2_000_000
REPEATS = 7


@numba.njit(parallel=True)
def plain_loop(num, results):
    """Mixes `num` integers, eight rounds each: the fixed work that rates are compared with."""
    for part in numba.prange(len(results)):
        total = np.uint64(0)
        for k in range(num):
            value = np.uint64(k) ^ total
            for _ in range(8):
                value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            total += value
        results[part] = total


def compared(name: str, amount: float, fn: Callable[[], Any], unit: str, bar: float | None = None):
    """Times `fn` and the plain loop in turn, and reports the rate and the ratio of both."""
    results = np.zeros(numba.get_num_threads(), dtype=np.uint64)
    calls = (fn, lambda: plain_loop(NUM_SCANS, results))
    for call in calls:
        call()
    # [REPEATS, (fn, plain), (wall, CPU)] in seconds
    times = np.array([[_timed(call) for call in calls] for _ in range(REPEATS)])
    plain_rate = NUM_SCANS * len(results) / np.median(times[:, 1, 0])
    values = amount / times[:, 0]
    report(
        name,
        values[:, 0].tolist(),
        unit,
        bar,
        per_cpu_s=_short(np.median(values[:, 1])),
        ratio_to_plain_loop=_short(np.median(values[:, 0]) / plain_rate),
        plain_loops_per_s=_short(plain_rate),
        threads=len(results),
        threading_layer=numba.threading_layer(),
    )


def _timed(call: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def mazes_of(num: int, rng: np.random.Generator) -> MazeArrays:
    """Makes default mazes with the benchmark's horizon."""
    params = {name: np.full(num, p.default) for name, p in Maze.space.items()}
    mazes = generate(params, rng.integers(0, 2**62, size=num))
    return replace(mazes, horizons=np.full(num, HORIZON))


class Supply:
    """Fresh mazes in any number, made in batches."""

    def __init__(self, rng: np.random.Generator, batch: int = 2048) -> None:
        self.rng, self.batch = rng, batch
        self.mazes, self.used = mazes_of(batch, rng), 0

    def take(self, num: int) -> tuple[MazeArrays, NDArray[np.int64]]:
        """Returns a batch and which of it are the next `num`."""
        if self.used + num > len(self.mazes):
            self.mazes, self.used = mazes_of(max(num, self.batch), self.rng), 0
        self.used += num
        return self.mazes, np.arange(self.used - num, self.used)


def play(num_mazes: int, rng: np.random.Generator, new_mazes: bool) -> Callable[[], None]:
    """Returns a run of one horizon's steps in each of `num_mazes` slots.

    With `new_mazes`, a slot whose episode ends gets a maze that no slot had before; they are made
    during the run, 2048 at a time.
    """
    arena, slots = Arena(num_mazes), np.arange(num_mazes)
    arena.load(mazes_of(num_mazes, rng), slots)
    arena.begin(slots)
    supply = Supply(rng)

    def run() -> None:
        for _ in range(HORIZON):
            arena.play(rng.integers(0, 3, size=num_mazes))
            if new_mazes and arena.ended.any():
                over = np.flatnonzero(arena.ended)
                arena.replace(*supply.take(len(over)), over)
                arena.begin(over)

    return run


def lifetimes(num_mazes: int, rng: np.random.Generator) -> Callable[[], None]:
    """Returns the same through the vector environment that campaigns play, one lifetime each."""
    params = {name: np.full(num_mazes, p.default) for name, p in Maze.space.items()}
    tasks = Maze().make_tasks(params, rng.integers(0, 2**62, size=num_mazes))
    env = Maze().make_vector_env(num_mazes)
    options = {"tasks": tasks, "lifetime": Lifetime(num_steps=HORIZON)}

    def run() -> None:
        env.reset(seed=0, options=options)
        for _ in range(HORIZON):
            env.step(rng.integers(0, 3, size=num_mazes))

    return run


def campaign_path(num: int, rng: np.random.Generator) -> Callable[[], None]:
    """Returns a draw as a campaign does it: canonical forms, split, validity, ids."""
    source = TaskSource(Maze(), "train", salt="benchmark")
    distribution = TaskDistribution.make(Maze.space, {})

    def run() -> None:
        tasks = source.make(distribution, num, rng)
        assert len(tasks.ids) == num

    return run


def main() -> None:
    rng = np.random.default_rng(0)
    bars = {(2048, False): 15e6, (2048, True): 8e6}
    for num in (256, 2048):
        for new in (False, True):
            which = "a new maze every episode" if new else "the same mazes"
            name = f"maze steps, {num} mazes, {which}"
            compared(name, num * HORIZON, play(num, rng, new), "steps/s", bars.get((num, new)))
    for num in (256, 2048):
        name = f"maze steps as lifetimes, {num} mazes"
        compared(name, num * HORIZON, lifetimes(num, rng), "steps/s")
    compared("mazes made, arrays", 4096, lambda: mazes_of(4096, rng), "mazes/s", 2e5)
    compared("mazes made, campaign's path", 2048, campaign_path(2048, rng), "mazes/s", 2e4)


if __name__ == "__main__":
    main()
