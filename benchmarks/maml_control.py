"""How fast is an iteration of MAML for control, and what is gained by playing all tasks at once?

An iteration is one update on `point-goal-v1`, everything included: lifetimes of two units of 20
episodes of up to 100 steps played with the policy in the loop, one inner step between them, and
the outer step by TRPO. A loop over tasks does the same work with the same code for one task after
another; of its tasks only some are timed, and what the others would take is added.

The bar is ten times the loop. Iterations take turns with the loop, and the ratio is of neighbours.
Where others work on the machine too, processor time (`--cpu-time`) tells more than the clock.

    python benchmarks/maml_control.py [--tasks 40] [--looped 2] [--repeats 3] [--cpu-time]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from harness import report
from learners.algorithms.maml_control import MAMLControl
from taskgen.generators.goals import PointGoal
from taskgen.vector import Lifetime

BAR = 10.0


class Workload:
    """Updates on batches of new goals.

    Args:
        num_tasks: of a batch.
        episodes: R, of a unit.
    """

    def __init__(self, num_tasks: int, episodes: int) -> None:
        self._family = PointGoal()
        self._num_tasks = num_tasks
        config = MAMLControl.Config(normalize_observations=False, episodes_per_step=episodes)
        spaces = self._family.observation_space, self._family.action_space
        self._learner = MAMLControl(*spaces, config, seed=0)
        self._env = self._family.make_vector_env(num_tasks)
        self._env.lifetime = Lifetime(num_episodes=2 * episodes)
        self._rng = np.random.default_rng(0)

    def update(self) -> None:
        """Makes goals, plays them and learns from them."""
        columns = {axis: self._rng.uniform(-0.5, 0.5, self._num_tasks) for axis in _AXES}
        columns["horizon"] = np.full(self._num_tasks, 100)
        tasks = self._family.make_tasks(columns, np.zeros(self._num_tasks, dtype=np.int64))
        everyone = np.ones(self._num_tasks, dtype=bool)
        _, metrics = self._learner.meta_train(self._env, tasks, everyone, self._rng)
        assert metrics["train/inner_steps"] == 1.0


_AXES = ("goal_x", "goal_y")


def seconds_of(fn: Callable[[], None], clock: Callable[[], float]) -> float:
    start = clock()
    fn()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=40)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--looped", type=int, default=2, help="tasks of the loop that are timed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    batch, alone = (Workload(n, options.episodes) for n in (options.tasks, 1))
    for workload in (alone, batch):
        workload.update()
    rates, ratios = [], []
    for _ in range(options.repeats):
        together = seconds_of(batch.update, clock)
        looped = [seconds_of(alone.update, clock) for _ in range(options.looped)]
        rates.append(1.0 / together)
        ratios.append(float(np.mean(looped)) * options.tasks / together)
    said = {"tasks": options.tasks, "episodes": options.episodes, "threads": options.threads}
    said["clock"] = "processor" if options.cpu_time else "wall"
    report("maml_control, iterations", rates, "iterations/s", **said)
    report("maml_control, over a loop over tasks", ratios, "1", BAR, timed=options.looped)


if __name__ == "__main__":
    main()
