"""What does a curriculum cost beside the training that it chooses tasks for?

Meta-trains `rl2` on the mazes of maze-quickstart, 64 tasks a batch, with every registered
curriculum, and compares the processor time of ask and tell (drawing, mutation, scores, buffer) with
that of the whole batch; then how much slower a batch is with 100,000 tasks in the buffer of `plr`
than with 1,000. Processor time of one thread: other programs do not count.

`python benchmarks/curriculum_cost.py plr accel` takes these curricula; module:Class will do, too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from curricula.campaigns.config.files import load
from curricula.campaigns.config.plugins import make_generator, make_learner
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.playing import playground
from curricula.curriculum import Curriculum
from curricula.scores import scores_told
from harness import report
from learners.learner import Learner
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.registry import listings, resolve
from taskgen.source import TaskSource
from taskgen.vector import Lifetime

NUM_TASKS, NUM_BATCHES, NUM_REPEATS, WARM_UP = 64, 8, 3, 4
LARGE, SMALL = 100_000, 1_000
SHARE_BAR, SLOWDOWN_BAR = 0.03, 0.01
COMPUTE = {"cell": "gru", "kernel": "fused", "precision": "float32"}
START: dict[str, Any] = {"size": [5, 13], "braid": 0, "goal_distance": [0.0, 1.0]}
OWN = {  # buffers that fill in the first batches, so that replays and edits are measured
    name: {"capacity": 256, "min_fill": 0.25} for name in ("plr", "robust_plr", "accel")
}


class Bench:
    """A learner on mazes, and batches that a curriculum chooses."""

    def __init__(self) -> None:
        self.config: CampaignConfig = load("maze-quickstart", [])
        self.generator: TaskGenerator = make_generator(self.config.generator)
        self.place = TaskDistribution.make(self.generator.space, START)
        self._play = playground(self.generator, NUM_TASKS, Lifetime(num_steps=256), self.config)

    def source(self) -> TaskSource:
        """Returns a source of training mazes."""
        return TaskSource(self.generator, "train", "benchmark")

    def learner(self) -> Learner:
        """Returns an untrained learner of the preset's settings."""
        plugin = self.config.learner
        options = {**plugin.options, **COMPUTE}
        return make_learner(plugin.model_copy(update={"options": options}), self.generator, seed=0)

    def batches(self, curriculum: Curriculum) -> Iterator[tuple[float, float]]:
        """Yields of every batch the seconds of the curriculum, and all of them."""
        learner, source = self.learner(), self.source()
        for batch in range(10**9):
            rng = np.random.default_rng(batch)
            start = time.process_time()
            proposals = curriculum.ask(source, self.place, NUM_TASKS, rng)
            asked = time.process_time()
            tasks = [proposal.task for proposal in proposals]
            mask = np.array([proposal.train for proposal in proposals])
            outcomes, _ = learner.meta_train(self._play, tasks, mask, rng)
            trained = time.process_time()
            curriculum.tell(proposals, scores_told(curriculum.score, outcomes))
            told = time.process_time()
            yield told - trained + asked - start, told - start


def main(names: Sequence[str] = ()) -> None:
    """Prints one JSON line a value."""
    torch.set_num_threads(1)
    bench = Bench()
    for name in names or [listing.name for listing in listings("curricula")]:
        cls = resolve("curricula", name)
        report_share(name, bench, cls(cls.Config(**OWN.get(name, {}))))
    if not names or "plr" in names:
        report_large(bench)


def report_share(name: str, bench: Bench, curriculum: Curriculum) -> None:
    """Prints the share of a batch that is the curriculum's, of some batches each."""
    batches = bench.batches(curriculum)
    list(islice(batches, WARM_UP))
    shares, milliseconds = [], []
    for _ in range(NUM_REPEATS):
        own, whole = np.sum(list(islice(batches, NUM_BATCHES)), axis=0)
        shares.append(float(own / whole))
        milliseconds.append(1e3 * float(own) / NUM_BATCHES)
    report(f"{name}, share of a batch", shares, "1", bar=SHARE_BAR, higher_is_better=False)
    report(f"{name}, ask and tell", milliseconds, "ms", higher_is_better=False)


def report_large(bench: Bench) -> None:
    """Prints by how much a large buffer slows a batch of replays, and one of new tasks."""
    training = np.median([whole for _, whole in islice(bench.batches(filled(bench, SMALL)), 8)])
    for replay_prob, kind in ((1.0, "replayed"), (0.0, "new")):
        seconds = {
            size: _own_seconds(bench, filled(bench, size, replay_prob)) for size in (SMALL, LARGE)
        }
        slower = [
            float((large - small) / training)
            for small, large in zip(seconds[SMALL], seconds[LARGE], strict=True)
        ]
        name = f"plr with {LARGE} tasks rather than {SMALL}, a {kind} batch"
        report(f"{name} is slower by", slower, "1", bar=SLOWDOWN_BAR, higher_is_better=False)
        report(f"{name}, ask and tell", [1e3 * s for s in seconds[LARGE]], "ms")


def filled(bench: Bench, size: int, replay_prob: float = 0.5) -> Curriculum:
    """Returns a `plr` whose buffer is full of so many tasks of random scores."""
    cls = resolve("curricula", "curricula.algorithms.plr:PLR")
    config = cls.Config(capacity=size, score="td_error", replay_prob=0.0)
    curriculum, source = cls(config), bench.source()
    rng = np.random.default_rng(0)
    chunk = min(size, 2000)
    while curriculum.metrics()["curriculum/buffer_size"] < size:
        proposals = curriculum.ask(source, bench.place, chunk, rng)
        curriculum.tell(proposals, rng.random(len(proposals)))
    ready = cls(cls.Config(capacity=size, score="td_error", replay_prob=replay_prob))
    ready.load_state_dict(curriculum.state_dict())
    return ready


def _own_seconds(bench: Bench, curriculum: Curriculum) -> list[float]:
    """Returns the seconds of ask and tell, of several batches."""
    source = bench.source()

    def batch(index: int) -> float:
        rng = np.random.default_rng(index)
        start = time.process_time()
        proposals = curriculum.ask(source, bench.place, NUM_TASKS, rng)
        scores = rng.random(len(proposals))
        curriculum.tell(proposals, scores)
        return time.process_time() - start

    return _after_warm_up(batch, 24)


def _after_warm_up(run: Callable[[int], float], num: int) -> list[float]:
    return [run(index) for index in range(num + WARM_UP)][WARM_UP:]


if __name__ == "__main__":
    main(sys.argv[1:])
