"""How fast are bodies stepped, and what do new tasks cost?

64 different tasks with observation, reward and autoreset, against the same number of physics steps
by `mujoco.batch.Batch` alone on the unperturbed model (`limit`: nobody can be faster than that),
against gymnasium's vector environments of the same body, and against envpool where it is
installed. All that is compared takes turns in one run, so that a busy machine slows all alike; a
ratio is the median over the turns.

    python benchmarks/mujoco_engine.py
    python benchmarks/mujoco_engine.py --body ant-v1 --threads 2
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numba
import numpy as np
import psutil
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from mujoco.batch import Batch

from harness import report
from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.generators.mujoco import FAMILIES, MuJoCoFamily
from taskgen.generators.mujoco.models import model_of
from taskgen.vector import Lifetime

NUM_TASKS = 64
NUM_STEPS = 25
REPEATS = 9
NUM_LOADED = 256
NUM_ANTS = 512
TWINS = {"half-cheetah-v1": "HalfCheetah-v5", "ant-v1": "Ant-v5"}
REGION = {
    "mass": [0.75, 1.25],
    "damping": [0.75, 1.25],
    "friction": [0.75, 1.25],
    "gravity": [8.0, 12.0],
}

Run = Callable[[], None]


def different_tasks(family: MuJoCoFamily, num: int) -> TaskBatch:
    """Makes bodies that all differ in weight, mass, damping and friction."""
    region = TaskDistribution.make(family.space, REGION)
    return family.make_tasks(region.sample(num, np.random.default_rng(0)), np.arange(num))


def random_actions(family: MuJoCoFamily, num: int) -> np.ndarray:
    space, rng = family.action_space, np.random.default_rng(1)
    shape = (NUM_STEPS, num, *space.shape)  # type: ignore[misc]
    return rng.uniform(space.low, space.high, shape).astype(np.float32)  # type: ignore[attr-defined]


def ours(family: MuJoCoFamily, threads: int) -> Run:
    numba.set_num_threads(threads)
    env = family.make_vector_env(NUM_TASKS)
    endless = Lifetime(num_steps=10**9)
    tasks = different_tasks(family, NUM_TASKS)
    env.reset(seed=0, options={"tasks": tasks, "lifetime": endless})
    return stepper(env, random_actions(family, NUM_TASKS))


def limit(family: MuJoCoFamily, threads: int) -> Run:
    batch = Batch(model_of(family.body), NUM_TASKS, threads)
    controls = batch.bind("ctrl")
    batch.reset()
    actions = random_actions(family, NUM_TASKS)

    def run() -> None:
        for action in actions:
            controls[:] = action
            batch.step(nstep=family.body.frame_skip)

    return run


def stepper(env: Any, actions: np.ndarray) -> Run:
    def run() -> None:
        for action in actions:
            env.step(action)

    return run


def gymnasium_envs(family: MuJoCoFamily, threads: int) -> dict[str, tuple[Run, int]]:
    """Makes gymnasium's vector environments; the asynchronous one has a process a thread."""
    name = TWINS[family.name]
    sync = SyncVectorEnv([lambda: gymnasium.make(name)] * 8)
    asynchronous = AsyncVectorEnv([lambda: gymnasium.make(name)] * threads)
    runs = {}
    for label, env in (("gymnasium sync", sync), ("gymnasium async", asynchronous)):
        env.reset(seed=0)
        runs[label] = (stepper(env, random_actions(family, env.num_envs)), env.num_envs)
    return runs


def envpool_envs(family: MuJoCoFamily, threads: int) -> dict[str, tuple[Run, int]]:
    try:
        import envpool
    except ImportError:
        return {}
    env = envpool.make_gymnasium(TWINS[family.name], num_envs=NUM_TASKS, num_threads=threads)
    env.reset()
    return {"envpool": (stepper(env, random_actions(family, NUM_TASKS)), NUM_TASKS)}


def compare(name: str, threads: int) -> None:
    family = FAMILIES[name]()
    runs: dict[str, tuple[Run, int]] = {
        "ours": (ours(family, threads), NUM_TASKS),
        "limit": (limit(family, threads), NUM_TASKS),
        **gymnasium_envs(family, threads),
        **envpool_envs(family, threads),
    }
    for run, _ in runs.values():
        run()
    # [REPEATS, runs] env steps/s
    rates = np.array(
        [[n * NUM_STEPS / timed(run) for run, n in runs.values()] for _ in range(REPEATS)]
    )
    column = {label: rates[:, k] for k, label in enumerate(runs)}
    for label, values in column.items():
        report(f"{name}, {label}, {threads} threads", values.tolist(), "env steps/s")
    others = [label for label in column if label.startswith("gymnasium")]
    best = max(others, key=lambda label: float(np.median(column[label])))
    for label, bar in (("limit", 0.85), (best, 2.5), ("envpool", 1.2)):
        if label in column:
            ratios = (column["ours"] / column[label]).tolist()
            report(f"{name}, ours over {label}, {threads} threads", ratios, "", bar)


def timed(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def new_tasks(name: str) -> None:
    """Reports what it takes to give 256 running simulations other physics, and to start them."""
    family = FAMILIES[name]()
    env = family.make_vector_env(NUM_LOADED)
    tasks = different_tasks(family, NUM_LOADED)
    env.reset(seed=0, options={"tasks": tasks})
    load = [1e3 * timed(lambda: env.load(tasks)) for _ in range(REPEATS)]
    report(f"{name}, new tasks for {NUM_LOADED}", load, "ms", 20.0, higher_is_better=False)
    reset = [1e3 * timed(lambda: env.reset(options={"tasks": tasks})[0]) for _ in range(REPEATS)]
    report(f"{name}, new lifetimes of {NUM_LOADED}", reset, "ms")


def memory_of_ants(name: str, answer: Any) -> None:
    family = FAMILIES[name]()
    tasks = different_tasks(family, NUM_ANTS)
    small = family.make_vector_env(2)
    options = {"lifetime": Lifetime(num_steps=100)}
    small.reset(seed=0, options={"tasks": tasks[:2], **options})
    small.step(np.zeros((2, 8), dtype=np.float32))
    process = psutil.Process()
    before = process.memory_info().rss
    env = family.make_vector_env(NUM_ANTS)
    env.reset(seed=0, options={"tasks": tasks, **options})
    for _ in range(3):
        env.step(np.zeros((NUM_ANTS, 8), dtype=np.float32))
    answer.put((process.memory_info().rss - before) / 2**20)


def memory(name: str) -> None:
    """Reports what 512 different ants add to a process that has stepped two."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    child = context.Process(target=memory_of_ants, args=(name, answer))
    child.start()
    size = answer.get()
    child.join()
    report(f"{name}, memory of {NUM_ANTS}", [size], "MiB", 60.0, higher_is_better=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", choices=TWINS, action="append", help="both by default")
    parser.add_argument("--threads", type=int, action="append", help="1 and 2 by default")
    given = parser.parse_args()
    for name in given.body or TWINS:
        for threads in given.threads or (1, 2):
            compare(name, min(threads, numba.config.NUMBA_NUM_THREADS))
        new_tasks(name)
    for name in ("ant-direction-v1", "ant-v1"):
        memory(name)


if __name__ == "__main__":
    main()
