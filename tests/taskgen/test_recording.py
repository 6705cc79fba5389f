import numpy as np
import pytest

from taskgen.generators.bandit import Bandit
from taskgen.generators.goals import GridGoal, PointGoal
from taskgen.isolation import isolated
from taskgen.recording import Recorder
from taskgen.vector import Lifetime


def tasks_of(generator, num, **params):
    row = generator.space.complete(params)
    return [generator.make_task(row, seed) for seed in range(num)]


def play(env, tasks, num_episodes, seed=0):
    rng = np.random.default_rng(seed)
    lifetime = Lifetime(num_episodes=num_episodes)
    answers = [env.reset(seed=1, options={"tasks": tasks, "lifetime": lifetime})]
    while env.playing.any():
        answers.append(env.step(rng.integers(0, 5, size=env.num_envs)))
    return answers


def test_a_recorder_changes_nothing_that_is_played():
    generator = Bandit(num_arms=5)
    tasks = tasks_of(generator, 3, pulls=4)
    plain = play(generator.make_vector_env(4), tasks, 2)
    recorded = play(Recorder(generator.make_vector_env(4)), tasks, 2)
    for one, other in zip(plain[1:], recorded[1:], strict=True):
        assert np.array_equal(one[1], other[1])
        assert np.array_equal(one[4]["playing"], other[4]["playing"])


def test_episodes_are_cut_where_they_ended():
    """An episode that ends at its goal is shorter than the next, which does not."""
    generator = PointGoal()
    near = generator.make_task({"goal_x": 0.2, "goal_y": 0.0, "horizon": 10}, 0)
    far = generator.make_task({"goal_x": 1.0, "goal_y": 1.0, "horizon": 10}, 0)
    recorder = Recorder(generator.make_vector_env(2))
    options = {"tasks": [near, far], "lifetime": Lifetime(num_episodes=2)}
    recorder.reset(seed=0, options=options)
    while recorder.playing.any():
        recorder.step(np.array([[0.1, 0.0], [0.0, 0.1]]))
    assert [len(e.rewards) for e in recorder.episodes(0)] == [2, 2]
    assert [len(e.rewards) for e in recorder.episodes(1)] == [10, 10]
    assert [e.number for e in recorder.episodes(1)] == [1, 2]
    first = recorder.episodes(0)[0]
    assert first.observations == pytest.approx(np.array([[0, 0], [0.1, 0], [0.2, 0]]))
    assert first.rewards == pytest.approx([-0.1, 0.0], abs=1e-6)
    assert first.actions == pytest.approx(np.array([[0.1, 0.0]] * 2))


def test_a_reset_forgets_and_a_cut_episode_is_kept():
    generator = GridGoal()
    recorder = Recorder(generator.make_vector_env(1))
    tasks = tasks_of(generator, 1)
    for num_steps in (20, 4):
        options = {"tasks": tasks, "lifetime": Lifetime(num_steps=num_steps)}
        recorder.reset(seed=0, options=options)
        while recorder.playing.any():
            recorder.step(np.array([1]))
    assert [len(e.rewards) for e in recorder.episodes(0)] == [4]


def test_rewards_of_a_lifetime_are_those_that_were_paid():
    generator = Bandit(num_arms=5)
    tasks = tasks_of(generator, 3, pulls=4)
    recorder = Recorder(isolated(generator, 3, timeout_s=30.0))
    answers = play(recorder, tasks, 2)
    paid = sum(answer[1] for answer in answers[1:])
    kept = [sum(e.rewards.sum() for e in recorder.episodes(slot)) for slot in range(3)]
    assert kept == pytest.approx(paid.tolist())
    assert not Bandit().draws_lifetimes
    assert GridGoal().draws_lifetimes
