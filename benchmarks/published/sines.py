"""What error has MAML on the published sines, by the published protocol?

Amplitude uniform in [0.1, 5], phase in [0, π], x in [−5, 5]; a network of 2×40 units, one inner
step of 0.01 in training, from 10 points; 25 tasks an update, Adam with 0.001, 70,000 updates.
Judged on 10,000 new sines, adapted to from 5 points, by the squared error after 0 to 10 steps.

Published are 0.67, 0.38 and 0.35 after 1, 5 and 10 steps (600 sines; Finn et al. 2017, arXiv
1703.03400, appendix C); the bars are 5 % above. All ten steps are of full size there. Now and then
a sine is not found that way but left ever farther, and one such task is more than the mean of ten
thousand can bear: so the mean is told beside the interquartile mean and the number of tasks that
ended above an error of 100, and once more with steps of half the size after the first.

    python benchmarks/published/sines.py [--seed 0] [--updates 70000] [--meta-sgd] [--no-compile]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from curricula.statistics import iqm, mean_interval
from learners.algorithms.maml import MAML, MAMLConfig
from learners.one_graph import compiler_command
from learners.problem_evaluation import evaluate_problems
from taskgen.batch import TaskBatch
from taskgen.generators.sinusoid import PUBLISHED, Sinusoid

TASKS_A_BATCH, TRAIN_SHOTS, TEST_SHOTS, NUM_TEST = 25, 10, 5, 10_000
BARS = {1: 1.05 * 0.67, 5: 1.05 * 0.38, 10: 1.05 * 0.35}
DIVERGED = 100.0
_TEST_SEED = 10**6


class Sines:
    """Draws tasks of the published region.

    Args:
        shots: of a task.
        seed: of the draws.
    """

    def __init__(self, shots: int, seed: int) -> None:
        self.family = Sinusoid(num_query=TRAIN_SHOTS)
        self.rng = np.random.default_rng(seed)
        self._row = self.family.space.complete({"shots": shots})

    def draw(self, num: int) -> TaskBatch:
        """Returns new tasks."""
        columns = self.family.space.columns([self._row] * num)
        for name, (low, high) in PUBLISHED.items():
            columns[name] = self.rng.uniform(low, high, num)
        return self.family.make_tasks(columns, np.arange(num))


def trained(config: MAMLConfig, seed: int, updates: int) -> MAML:
    """Returns a learner after some updates on sines that never come again."""
    sines, everyone = Sines(TRAIN_SHOTS, seed), np.ones(TASKS_A_BATCH, dtype=bool)
    learner = MAML(sines.family.input_space, sines.family.target_space, config, seed)
    for _ in range(updates):
        learner.meta_train(sines.family, sines.draw(TASKS_A_BATCH), everyone, sines.rng)
    return learner


def errors_of(learner: MAML, late_step_scale: float) -> NDArray[np.float64]:
    """Returns the errors on the test's sines before the first step and after each, [B, 11]."""
    learner.config = replace(learner.config, late_step_scale=late_step_scale)
    sines = Sines(TEST_SHOTS, _TEST_SEED)
    curve = evaluate_problems(learner, sines.family, sines.draw(NUM_TEST), seed=0)
    return -curve.outcomes.returns


def tell(name: str, errors: NDArray[np.float64], minutes: float, seed: int) -> None:
    """Prints the error after each number of steps that was published."""
    for step in (0, *BARS):
        found = mean_interval(errors[:, step], np.random.default_rng(0))
        diverged = errors[:, step] > DIVERGED
        line = {
            "name": name,
            "seed": seed,
            "gradient_steps": step,
            "error": round(found.value, 4),
            "interval": [round(found.low, 4), round(found.high, 4)],
            "iqm": round(iqm(errors[:, step]), 4),
            "diverged": int(diverged.sum()),
            "mean_of_the_others": round(float(errors[~diverged, step].mean()), 4),
            "training_minutes": round(minutes, 2),
        }
        if step in BARS:
            line |= {"bar": round(BARS[step], 4), "holds": found.value <= BARS[step]}
        print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--updates", type=int, default=70_000)
    parser.add_argument("--meta-sgd", action="store_true", help="learn a step size a parameter")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = MAML.Config(
        compile=not options.no_compile and compiler_command() is not None,
        learn_step_sizes=options.meta_sgd,
        device="cpu",
    )
    start = time.process_time()
    learner = trained(config, options.seed, options.updates)
    minutes = (time.process_time() - start) / 60.0
    name = "Meta-SGD" if options.meta_sgd else "MAML"
    tell(f"{name}, full steps", errors_of(learner, 1.0), minutes, options.seed)
    tell(f"{name}, half steps after the first", errors_of(learner, 0.5), minutes, options.seed)


if __name__ == "__main__":
    main()
