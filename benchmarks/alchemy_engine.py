"""How many env steps a second does Alchemy take, at 256 slots and on one thread?

Three ways to play the same random actions: the engine alone (stones and potions, new ones every 20
steps), the vector environment with its lifetimes, and a Python loop over single environments. In
seconds of processor time, so that others at work on the machine count less. The bar is 1 M steps/s.

    python benchmarks/alchemy_engine.py [--slots 256] [--repeats 7]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from harness import report
from taskgen.generators.alchemy import SPACE, Alchemy
from taskgen.generators.alchemy.engine import NUM_ACTIONS, AlchemyVectorEnv
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.vector import Lifetime, LifetimeVectorEnv

_STEPS, _LOOP_STEPS, _HORIZON, _BAR = 400, 20, 20, 1e6


def alone(env: AlchemyVectorEnv, actions: np.ndarray) -> None:
    slots = np.arange(env.num_envs)
    playing, rewards = np.ones(env.num_envs, dtype=bool), np.zeros(env.num_envs)
    for step, chosen in enumerate(actions):
        if step % _HORIZON == 0:
            env.arena.begin(slots, (slots + step).astype(np.uint64))
        rewards[:] = 0.0
        env.arena.advance(chosen, playing, rewards)


def lifetimes(env: LifetimeVectorEnv, actions: np.ndarray) -> None:
    for chosen in actions:
        env.step(chosen)


def rates_of(play: Callable[[], None], num_steps: int, repeats: int) -> list[float]:
    play()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        play()
        found.append(num_steps / (time.process_time() - start))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    family, num = Alchemy(), options.slots
    tasks = family.make_tasks(SPACE.columns([SPACE.complete({})] * num), np.arange(num))
    actions = np.random.default_rng(0).integers(NUM_ACTIONS, size=(_STEPS, num))
    env, loop = family.make_vector_env(num), SlotwiseVectorEnv(family, num)
    for each in (env, loop):
        lifetime = Lifetime(num_episodes=_STEPS * (options.repeats + 1))
        each.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    some = actions[:_LOOP_STEPS]
    slow = rates_of(lambda: lifetimes(loop, some), some.size, 2)
    for name, play in (("lifetimes", lifetimes), ("engine", alone)):
        found = rates_of(lambda play=play: play(env, actions), actions.size, options.repeats)
        over = round(max(found) / max(slow), 1)
        report(f"alchemy {name}", found, "steps/s of processor time", _BAR, over_a_loop=over)
    report("alchemy in a Python loop", slow, "steps/s of processor time")


if __name__ == "__main__":
    main()
