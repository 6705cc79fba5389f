import time

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Int
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.task import Task
from taskgen.vector import Lifetime


class Counter(gymnasium.Env):
    """Observes [steps of the episode, episodes], pays 1 a step, ends by itself at `goal`."""

    observation_space = Box(-1e6, 1e6, (2,), dtype=np.float64)
    action_space = Discrete(2)

    def __init__(self, content):
        self.content, self.episodes, self.closed = content, 0, False

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seed, self.steps = seed, 0
        self.episodes += 1
        return np.array([0.0, self.episodes]), {}

    def step(self, action):
        self.steps += 1
        if self.steps == self.content.get("at"):
            if self.content["how"] == "raise":
                raise RuntimeError("the pole broke")
            if self.content["how"] == "hang":
                time.sleep(5.0)
            if self.content["how"] == "nan reward":
                return np.array([self.steps, self.episodes]), np.nan, False, False, {}
            if self.content["how"] == "nan observation":
                return np.array([np.nan, self.episodes]), 1.0, False, False, {}
            if self.content["how"] == "odd answer":
                return np.zeros(3), 1.0, False, False, {}
            if self.content["how"] == "own limit":
                return np.array([self.steps, self.episodes]), 1.0, False, True, {}
        there = self.steps == self.content["goal"]
        return np.array([self.steps, self.episodes]), 1.0, there, False, {"success": there}


class Counting(EnvGenerator):
    name = "counting-v1"
    space = ParameterSpace({"goal": Int(low=1, high=99, default=3)})

    def make_task(self, params, seed):
        return task(**params)

    def make_env(self, task):
        if task.content.get("how") == "no env":
            raise RuntimeError("cannot be built")
        return Counter(task.content)

    def horizon(self, task):
        return 4


def task(goal=99, at=None, how=None, number=0):
    return Task("counting-v1", 1, {"goal": goal}, 0, dict(goal=goal, at=at, how=how, number=number))


def play(tasks, lifetime, num_envs=None, env=None):
    """Returns what `step` gave, from the first to the last step, and the environment."""
    env = env or SlotwiseVectorEnv(Counting(), num_envs or len(tasks), timeout_s=0.3)
    env.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    steps = []
    while env.playing.any():
        steps.append(env.step(np.zeros(env.num_envs, dtype=int)))
    return steps, env


def column(steps, name, slot=0):
    return [step[4][name][slot] for step in steps]


def test_a_lifetime_of_episodes_by_hand():
    steps, env = play([task(goal=3), task(goal=99)], Lifetime(num_episodes=2))
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert len(steps) == 8
    # Slot 0 reaches its goal after 3 steps, twice, then waits; slot 1 runs to its horizon of 4.
    assert [bool(step[2][0]) for step in steps] == [0, 0, 1, 0, 0, 1, 0, 0]
    assert [bool(step[3][1]) for step in steps] == [0, 0, 0, 1, 0, 0, 0, 1]
    assert [step[1][0] for step in steps] == [1, 1, 1, 1, 1, 1, 0, 0]
    assert column(steps, "playing") == [1, 1, 1, 1, 1, 0, 0, 0]
    assert column(steps, "episode_start") == [0, 0, 1, 0, 0, 0, 0, 0]
    assert column(steps, "episode_over") == column(steps, "complete") == [0, 0, 1, 0, 0, 1, 0, 0]
    assert column(steps, "success") == [0, 0, 1, 0, 0, 1, 0, 0]
    assert not any(column(steps, "success", slot=1))


def test_observations_are_of_the_new_episode_and_the_last_one_is_kept():
    steps, _ = play([task(goal=3)], Lifetime(num_episodes=2))
    assert [step[0][0].tolist() for step in steps[:4]] == [[1, 1], [2, 1], [0, 2], [1, 2]]
    assert steps[2][4]["final_obs"][0].tolist() == [3, 1]
    assert steps[2][4]["_final_obs"].tolist() == [True]
    assert "final_obs" not in steps[1][4]


def test_lifetime_left_runs_from_one_to_zero():
    env = SlotwiseVectorEnv(Counting(), 1)
    _, infos = env.reset(seed=0, options={"tasks": [task()], "lifetime": Lifetime(num_episodes=2)})
    assert infos["lifetime_left"][0] == 1.0
    assert infos["episode_start"][0]
    steps, _ = play([task()], Lifetime(num_episodes=2))
    left = column(steps, "lifetime_left")
    assert left == pytest.approx([7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0.0])
    cut, _ = play([task()], Lifetime(num_episodes=2, num_steps=4))
    assert column(cut, "lifetime_left") == pytest.approx([0.75, 0.5, 0.25, 0.0])


def test_a_lifetime_bounded_in_steps_leaves_an_incomplete_episode():
    steps, _ = play([task(goal=3)], Lifetime(num_steps=5))
    assert len(steps) == 5
    assert column(steps, "complete") == [0, 0, 1, 0, 0]
    assert column(steps, "episode_over") == [0, 0, 1, 0, 1]
    assert bool(steps[-1][3][0])
    assert not steps[-1][2][0]


def test_fewer_tasks_than_slots_leave_slots_waiting():
    steps, env = play([task(goal=2)], Lifetime(num_episodes=1), num_envs=3)
    assert [step[1].tolist() for step in steps] == [[1, 0, 0], [1, 0, 0]]
    assert not any(column(steps, "playing", slot=2))
    assert not env.failures


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("raise", "the pole broke"),
        ("hang", "did not return within 0.3 s"),
        ("nan reward", "not a finite number"),
        ("nan observation", "not a finite number"),
        ("odd answer", "could not broadcast"),
        ("no env", "cannot be built"),
    ],
)
def test_a_bad_task_fails_alone_and_says_why(how, reason):
    bad = task(at=2, how=how)
    good = [task(goal=3, number=1), task(goal=3, number=2)]
    steps, env = play([good[0], bad, good[1]], Lifetime(num_episodes=2))
    assert set(env.failures) == {bad.id}
    assert reason in env.failures[bad.id]
    assert not any(column(steps, "complete", slot=1))
    for slot in (0, 2):
        assert column(steps, "complete", slot) == [0, 0, 1, 0, 0, 1]
    assert all(np.isfinite(step[1]).all() and np.isfinite(step[0]).all() for step in steps)
    again, _ = play(good, Lifetime(num_episodes=1), env=env)
    assert len(again) == 3
    assert not env.failures


def test_an_own_time_limit_ends_an_episode_like_any_end():
    steps, _ = play([task(at=2, how="own limit")], Lifetime(num_episodes=1))
    assert len(steps) == 2
    assert column(steps, "complete") == [0, 1]
    at_horizon, _ = play([task(at=4, how="own limit")], Lifetime(num_episodes=1))
    assert not at_horizon[-1][2][0]
    assert at_horizon[-1][3][0]


def test_randomness_is_of_the_task_and_the_episode_not_of_the_slot():
    a, b = task(number=1), task(number=2)
    seeds = {}
    for tasks in ([a, b], [b, a]):
        _, env = play(tasks, Lifetime(num_episodes=1))
        for slot, each in enumerate(tasks):
            seeds.setdefault(each.id, set()).add(env._envs[slot].seed)
    assert all(len(found) == 1 for found in seeds.values())
    assert seeds[a.id] != seeds[b.id]


def test_reset_without_tasks_plays_the_loaded_ones_again():
    _, env = play([task(goal=2)], Lifetime(num_episodes=1))
    env.reset(seed=0)
    assert env.playing.tolist() == [True]
    with pytest.raises(ValueError, match="reset needs tasks"):
        SlotwiseVectorEnv(Counting(), 1).reset(seed=0)
    with pytest.raises(ValueError, match="1 to 1 tasks, got 2"):
        env.reset(options={"tasks": [task(), task()]})
    with pytest.raises(ValueError, match="one seed for all slots"):
        env.reset(seed=[1])


@pytest.mark.parametrize("bounds", [{}, {"num_episodes": 0}, {"num_steps": -1}])
def test_a_lifetime_needs_a_bound(bounds):
    with pytest.raises(ValueError, match="num_episodes or num_steps >= 1"):
        Lifetime(**bounds)


def test_an_observation_of_several_arrays_is_refused_with_the_cure():
    class Parts(Counting):
        observation_space = Dict({"a": Discrete(2)})

    with pytest.raises(TypeError, match="FlattenObservation"):
        Parts().make_vector_env(1)


def test_environments_of_an_earlier_lifetime_are_closed():
    _, env = play([task(goal=2)], Lifetime(num_episodes=1))
    closed = []
    env._envs[0].close = lambda: closed.append(True)
    env.reset(options={"tasks": [task(goal=2)]})
    assert closed == [True]


@pytest.mark.parametrize("how", ["raise", "hang"])
def test_an_environment_that_cannot_be_closed_is_let_go(monkeypatch, how):
    def close(self):
        if how == "raise":
            raise RuntimeError("stuck")
        time.sleep(60.0)

    monkeypatch.setattr(Counter, "close", close)
    _, env = play([task(goal=1), task(goal=2)], Lifetime(num_episodes=1))
    started = time.perf_counter()
    env.close()
    assert time.perf_counter() - started < 5.0
    assert env._envs == [None, None]
