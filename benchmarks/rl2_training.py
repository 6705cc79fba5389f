"""How fast does RL² train on mazes, everything included, and what share of the machine is that?

A repeat is one update: tasks made, lifetimes of 256 env steps played with the policy in the loop,
advantages, and all gradient steps. Two settings: the learner and the batch of the preset
maze-quickstart, read from it, and the field's (32 mazes, 5 epochs of the whole batch, an LSTM of
256 units).

The share is of the float32 matrix product that torch reaches on the same threads, timed in turn
with the updates. The work of an env step is counted, not measured: a forward pass takes two
operations for each weight of a matrix, a backward pass twice as many, so that training one step
takes F·(1 + 3·epochs) with F = 2·(weights of encoder, memory and heads). Biases, gates, losses and
the optimiser are left out: the share is a lower bound of what the processor did.

Several processes, each with a learner of its own and all its threads, are what a campaign's workers
are; their updates and their matrix products run side by side, and their rates are added.

    python benchmarks/rl2_training.py [--threads 2] [--processes 1] [--repeats 5]
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import asdict
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np
import torch

from curricula.campaigns.config.files import load
from curricula.campaigns.config.plugins import build
from harness import report
from learners.algorithms.rl2 import RL2
from taskgen.generators.maze import Maze
from taskgen.vector import Lifetime

NUM_STEPS = 256
MATMUL_SIZE = 1024
PRESET = "maze-quickstart"
FIELD: dict[str, Any] = {
    "num_mazes": 32,
    "hidden_size": 256,
    "epochs": 5,
    "minibatches": 1,
    "cell": "lstm",
}
# The fastest peer trains 4.2 k steps/s at the field's setting.
BARS = {"preset": (None, 0.40), "field": (4 * 4200.0, None)}


def preset_settings() -> dict[str, Any]:
    """Returns the preset's learner options and batch.

    Raises:
        ValueError: if its training lifetimes are of another length than is measured here.
    """
    config = load(PRESET)
    if config.learner.name != "rl2" or config.lifetime.train_steps != NUM_STEPS:
        raise ValueError(
            f"{PRESET} must train rl2 on lifetimes of {NUM_STEPS} steps to be comparable, got "
            f"{config.learner.name} and {config.lifetime.train_steps}; change what is measured."
        )
    return {"num_mazes": config.generation.tasks_per_batch, **config.learner.options}


class Workload:
    """One setting: a learner, an environment, and updates on new mazes.

    Args:
        settings: of RL², and `num_mazes`.
        threads: of torch.
    """

    def __init__(self, settings: dict[str, Any], threads: int) -> None:
        options = dict(settings)
        self.num_mazes = options.pop("num_mazes")
        self._generator = Maze()
        spaces = self._generator.observation_space, self._generator.action_space
        self.config, _ = RL2.resolve(
            build(RL2.Config, options), *spaces, num_tasks=self.num_mazes, threads=threads
        )
        self._learner = RL2(*spaces, self.config, seed=0)
        self._env = self._generator.make_vector_env(self.num_mazes)
        self._env.lifetime = Lifetime(num_steps=NUM_STEPS)
        self._rng = np.random.default_rng(0)

    def update(self) -> None:
        """Makes mazes, plays them and learns from them."""
        space = self._generator.space
        columns = space.columns([space.complete({})] * self.num_mazes)
        seeds = self._rng.integers(2**40, size=self.num_mazes)
        tasks = self._generator.make_tasks(columns, seeds)
        everyone = np.ones(self.num_mazes, dtype=bool)
        outcomes, _ = self._learner.meta_train(self._env, tasks, everyone, self._rng)
        assert outcomes.num_env_steps == self.num_mazes * NUM_STEPS

    def flop_a_step(self) -> float:
        """Returns the operations that training one env step takes."""
        matrices = [p for p in self._learner.network.parameters() if p.ndim == 2]
        forward = 2.0 * sum(matrix.numel() for matrix in matrices)
        return forward * (1 + 3 * self.config.epochs)


def seconds_of(fn) -> float:  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def matmul_rate() -> float:
    """Returns the float32 FLOP/s of a square matrix product, the best of ten."""
    a, b = torch.rand(2, MATMUL_SIZE, MATMUL_SIZE)
    best = min(seconds_of(lambda: a @ b) for _ in range(10))
    return 2.0 * MATMUL_SIZE**3 / best


def measure(
    settings: dict[str, Any], threads: int, repeats: int, together: Barrier
) -> list[tuple[float, float]]:
    """Returns env steps/s and FLOP/s of the matrix product beside it, of each repeat.

    Args:
        settings: as `Workload` takes them.
        threads: of torch in this process.
        repeats: how many.
        together: where all processes wait for each other.
    """
    torch.set_num_threads(threads)
    workload = Workload(settings, threads)
    workload.update()
    pairs = []
    for _ in range(repeats):
        together.wait()
        matmul = matmul_rate()
        together.wait()
        pairs.append((workload.num_mazes * NUM_STEPS / seconds_of(workload.update), matmul))
    return pairs


def measure_into(results: Queue[list[tuple[float, float]]], *args: Any) -> None:
    """Does the same in a process of its own."""
    results.put(measure(*args))


def added(
    settings: dict[str, Any], threads: int, processes: int, repeats: int
) -> list[tuple[float, float]]:
    """Returns both rates of each repeat, added over processes."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(processes)
    results: Queue[list[tuple[float, float]]] = context.Queue()
    args = (results, settings, threads, repeats, together)
    workers = [context.Process(target=measure_into, args=args) for _ in range(processes)]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return [tuple(map(sum, zip(*pairs, strict=True))) for pairs in zip(*found, strict=True)]


def run(name: str, settings: dict[str, Any], threads: int, processes: int, repeats: int) -> None:
    pairs = added(settings, threads, processes, repeats)
    workload = Workload(settings, threads)
    flop = workload.flop_a_step()
    config = asdict(workload.config)
    said = {key: config[key] for key in ("cell", "precision", "kernel", "hidden_size", "epochs")}
    said |= {"minibatches": config["minibatches"], "mazes": workload.num_mazes}
    said |= {"threads": threads, "processes": processes}
    steps_bar, share_bar = BARS[name]
    rates, matmuls = zip(*pairs, strict=True)
    report(f"rl2 training, {name}", rates, "env steps/s", steps_bar, **said)
    shares = [rate * flop / matmul for rate, matmul in pairs]
    report(f"rl2 share of matmul, {name}", shares, "1", share_bar, flop_a_step=round(flop))
    report(f"float32 matmul beside {name}", [rate / 1e9 for rate in matmuls], "GFLOP/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    counts = options.threads, options.processes, options.repeats
    for name, settings in (("preset", preset_settings()), ("field", FIELD)):
        run(name, settings, *counts)


if __name__ == "__main__":
    main()
