"""How fast are pinned levels stepped, and what does it cost to pin a slot?

64 slots, each on a level of its own with observation, reward and lifetimes, against as many slots
of the wheel's own `ProcgenGym3Env`, which draws levels as they come. Both take turns in one run,
so that a busy machine slows both alike; a ratio is the median over the turns. What one thread does
is measured in seconds of processor time, which others on the machine do not lengthen.

Under random actions small mazes, once pinned, end more often than new ones would, and every end
makes a level; `--idle` stands still instead, so that nothing but steps is measured.

    python benchmarks/procgen_engine.py
    python benchmarks/procgen_engine.py --game maze --threads 1 --idle
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import argparse
import contextlib
import io
import time
import warnings
from collections.abc import Callable

import numpy as np

from harness import report
from taskgen.generators.procgen import Procgen
from taskgen.generators.procgen.engine import ProcgenVectorEnv
from taskgen.generators.procgen.games import GAMES
from taskgen.vector import Lifetime

NUM_SLOTS = 64
NUM_STEPS = 25
REPEATS = 9

NOTHING = 4

Run = Callable[[], None]


def some_actions(idle: bool) -> np.ndarray:
    drawn = np.random.default_rng(1).integers(15, size=(NUM_STEPS, NUM_SLOTS))
    return np.full_like(drawn, NOTHING) if idle else drawn


def levels(games: list[str]) -> list:
    family = Procgen()
    rows = [{"game": games[k % len(games)], "mode": "easy", "level": k} for k in range(NUM_SLOTS)]
    return [family.make_task(row, 0) for row in rows]


def pinned(games: list[str], threads: int, idle: bool = False) -> Run:
    env = ProcgenVectorEnv(NUM_SLOTS, num_threads=threads)
    env.reset(seed=0, options={"tasks": levels(games), "lifetime": Lifetime(num_steps=10**9)})
    actions = some_actions(idle)

    def run() -> None:
        for action in actions:
            env.step(action)

    return run


def plain(game: str, threads: int, idle: bool = False) -> Run:
    """Makes the wheel's own environment; its own threads where there are to be several."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # it imports an old gym, which complains of its age
        from procgen import ProcgenGym3Env
    env = ProcgenGym3Env(
        num=NUM_SLOTS,
        env_name=game,
        distribution_mode="easy",
        num_levels=NUM_SLOTS,  # the same ones
        num_threads=0 if threads == 1 else threads,
        rand_seed=0,
    )
    actions = some_actions(idle)

    def run() -> None:
        for action in actions:
            env.act(action)
            env.observe()

    return run


def timed(run: Run, threads: int = 1) -> float:
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    run()
    return clock() - start


def compare(game: str, threads: int, idle: bool) -> None:
    runs = {"pinned": pinned([game], threads, idle), "plain": plain(game, threads, idle)}
    for run in runs.values():
        run()
    amount, how = NUM_SLOTS * NUM_STEPS, "idle" if idle else "random"
    rates = np.array(
        [[amount / timed(run, threads) for run in runs.values()] for _ in range(REPEATS)]
    )
    for label, values in zip(runs, rates.T, strict=True):
        report(f"{game}, {how}, {label}, {threads} threads", values.tolist(), "env steps/s")
    ratios = (rates[:, 0] / rates[:, 1]).tolist()
    report(f"{game}, {how}, pinned over plain, {threads} threads", ratios, "", 0.9)


def mixed(threads: int) -> None:
    """Reports the rate of all games side by side, which the wheel's own has no like of."""
    run = pinned(list(GAMES), threads)
    run()
    rates = [NUM_SLOTS * NUM_STEPS / timed(run, threads) for _ in range(REPEATS)]
    report(f"all games side by side, pinned, {threads} threads", rates, "env steps/s")


def pinning(game: str) -> None:
    """Reports what it takes to pin one slot to a level, the making of the level included."""
    env = ProcgenVectorEnv(NUM_SLOTS, num_threads=1)
    tasks = levels([game])
    env.reset(seed=0, options={"tasks": tasks})
    spent = [1e3 * timed(lambda: env.load(tasks)) / NUM_SLOTS for _ in range(REPEATS)]
    report(f"{game}, pinning a slot", spent, "ms", 0.5, higher_is_better=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", choices=GAMES, action="append", help="maze, coinrun, starpilot")
    parser.add_argument("--threads", type=int, action="append", help="1 and 2 by default")
    parser.add_argument("--idle", action="store_true", help="stand still; no episode ends early")
    given = parser.parse_args()
    for game in given.game or ("maze", "coinrun", "starpilot"):
        for threads in given.threads or (1, 2):
            compare(game, threads, given.idle)
        pinning(game)
    mixed((given.threads or (1,))[0])


if __name__ == "__main__":
    main()
