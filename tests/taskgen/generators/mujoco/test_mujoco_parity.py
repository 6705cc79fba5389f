"""The unperturbed bodies are gymnasium's v5 environments, bit for bit."""

import gymnasium
import numpy as np
import pytest

from taskgen.generators.mujoco import FAMILIES
from taskgen.vector import Lifetime

TWINS = {
    "half-cheetah-v1": "HalfCheetah-v5",
    "hopper-v1": "Hopper-v5",
    "walker2d-v1": "Walker2d-v5",
    "ant-v1": "Ant-v5",
    "humanoid-v1": "Humanoid-v5",
}


def default_task(generator):
    return generator.make_task(generator.space.complete({}), seed=0)


@pytest.mark.parametrize("name", TWINS)
def test_single_env_plays_as_gymnasium_does(name):
    generator = FAMILIES[name]()
    ours, theirs = generator.make_env(default_task(generator)), gymnasium.make(TWINS[name])
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    rng = np.random.default_rng(1)
    low, high = ours.action_space.low, ours.action_space.high
    num_ends = 0
    for seed in (3, 2**31 - 1):
        here, there = ours.reset(seed=seed)[0], theirs.reset(seed=seed)[0]
        np.testing.assert_array_equal(here, there)
        for _ in range(1000):
            action = rng.uniform(low, high).astype(np.float32)
            here, there = ours.step(action), theirs.step(action)
            np.testing.assert_array_equal(here[0], there[0])
            assert here[1:4] == there[1:4]
            if here[2] or here[3]:
                num_ends += 1
                break
    assert num_ends == 2
    theirs.close()


@pytest.mark.parametrize("name", TWINS)
def test_batched_engine_plays_as_gymnasium_does(name):
    """Over several episodes of three slots, with the starts that the keyed seeds give."""
    generator = FAMILIES[name]()
    tasks = generator.make_tasks(
        generator.space.columns([generator.space.complete({})] * 3), np.arange(3)
    )
    env = generator.make_vector_env(3)
    twins = [gymnasium.make(TWINS[name]) for _ in range(3)]
    starts = []
    begin = env.begin

    def noted(slots, seeds):
        starts.append(dict(zip(slots.tolist(), (seeds >> np.uint64(33)).tolist(), strict=True)))
        begin(slots, seeds)

    env.begin = noted
    lifetime = Lifetime(num_episodes=4, num_steps=120)
    seen, _ = env.reset(seed=7, options={"tasks": tasks, "lifetime": lifetime})
    for slot, twin in enumerate(twins):
        np.testing.assert_array_equal(seen[slot], twin.reset(seed=starts[0][slot])[0])
    rng = np.random.default_rng(0)
    while env.playing.any():
        was_playing = env.playing.copy()
        actions = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
        starts.clear()
        seen, rewards, terminated, _, infos = env.step(actions)
        for slot in np.flatnonzero(was_playing):
            there, reward, fell, _, _ = twins[slot].step(actions[slot])
            last = infos["final_obs"][slot] if infos["episode_over"][slot] else seen[slot]
            np.testing.assert_array_equal(last, there)
            assert (rewards[slot], terminated[slot]) == (reward, fell)
            if infos["episode_start"][slot]:
                start = starts[0][slot]
                np.testing.assert_array_equal(seen[slot], twins[slot].reset(seed=start)[0])
