"""Does anything break when bodies are played for long, over the whole space?

Tasks drawn from the whole space of every family, valid or not, are played with random actions, in
rounds over all families. A task whose simulation diverges fails alone and is counted; a number that
is not finite must never come out of an environment, and memory must not grow once every family has
been played. A line a family and round, so that what was stopped (Ctrl-C) still says how far it got.

    python benchmarks/mujoco_soak.py --steps 10_000_000
    python benchmarks/mujoco_soak.py --steps 500_000 --family ant-terrain-v1 --threads 1
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numba
import numpy as np
import psutil

from harness import report
from taskgen.distribution import TaskDistribution
from taskgen.generators.mujoco import FAMILIES, MuJoCoFamily
from taskgen.vector import Lifetime

NUM_TASKS = 64
LIFETIME = Lifetime(num_steps=400)
MIN_ROUNDS = 2
"""Memory that the first round adds is what the families need; what later ones add has leaked."""


def play(family: MuJoCoFamily, num_steps: int, rng: np.random.Generator) -> Counter[str]:
    """Plays random tasks with random actions for about `num_steps` env steps, and counts."""
    env = family.make_vector_env(NUM_TASKS)
    space, whole = env.single_action_space, TaskDistribution.whole(family.space)
    counts: Counter[str] = Counter(env_steps=0, not_finite=0, tasks=0, tasks_failed=0)
    while counts["env_steps"] < num_steps:
        seeds = rng.integers(2**31, size=NUM_TASKS)
        tasks = family.make_tasks(whole.sample(NUM_TASKS, rng), seeds)
        options = {"tasks": tasks, "lifetime": LIFETIME}
        seen, _ = env.reset(seed=int(rng.integers(2**31)), options=options)
        counts["not_finite"] += int((~np.isfinite(seen)).sum())
        while env.playing.any():
            counts["env_steps"] += int(env.playing.sum())
            actions = rng.uniform(space.low, space.high, (NUM_TASKS, *space.shape))
            seen, rewards, *_ = env.step(actions.astype(np.float32))
            counts["not_finite"] += int((~np.isfinite(seen)).sum() + (~np.isfinite(rewards)).sum())
        counts["tasks"] += NUM_TASKS
        counts["tasks_failed"] += len(env.failures)
    return counts


def soak(names: Sequence[str], num_steps: int, num_rounds: int) -> None:
    """Plays all families again and again, and reports what went wrong and what memory was added."""
    process, total = psutil.Process(), Counter[str]()
    memory: list[float] = []
    for round_ in range(num_rounds):
        for index, name in enumerate(names):
            rng = np.random.default_rng([round_, index])
            counts = play(FAMILIES[name](), num_steps // (num_rounds * len(names)), rng)
            total += counts
            say(f"round {round_ + 1}, {name}", counts)
        memory.append(process.memory_info().rss / 2**20)
    say("all families", total)
    added, rounds = memory[-1] - memory[0], [round(value, 1) for value in memory]
    report("memory that play adds after the first round", [added], "MiB", after_rounds=rounds)


def say(what: str, counts: Counter[str]) -> None:
    """Prints how many numbers were not finite, with the other counts beside it."""
    rest = {key: count for key, count in counts.items() if key != "not_finite"}
    title, bad = f"{what}: numbers that are not finite", counts["not_finite"]
    report(title, [bad], "", 0.0, higher_is_better=False, **rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="of all families together")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="all by default")
    parser.add_argument("--rounds", type=int, default=10, help="at least 2")
    parser.add_argument("--threads", type=int, default=numba.config.NUMBA_NUM_THREADS)
    given = parser.parse_args()
    numba.set_num_threads(given.threads)
    soak(given.family or list(FAMILIES), given.steps, max(given.rounds, MIN_ROUNDS))


if __name__ == "__main__":
    main()
