"""RL² where actions are numbers: what is recorded, what is frozen, that it learns and is used."""

import math

import gymnasium
import numpy as np
import pytest
import torch
from point_tasks import SPEED, Goals, PointEnv

from learners.adaptation import adapt
from learners.algorithms.rl2 import RL2
from learners.checks import fingerprint
from learners.evaluation import evaluate
from taskgen.generators.gymnasium_env import GymnasiumEnv
from taskgen.parameters import Float
from taskgen.vector import Lifetime

SMALL = {"hidden_size": 8, "cell": "gru", "precision": "float32", "device": "cpu"}


def make_learner(generator, seed=0, **settings):
    config = RL2.Config(**{**SMALL, **settings})
    return RL2(generator.observation_space, generator.action_space, config, seed)


def make_env(generator, num_envs, **lifetime):
    env = generator.make_vector_env(num_envs)
    env.lifetime = Lifetime(**(lifetime or {"num_episodes": 2}))
    return env


def train(learner, env, tasks, seed=0):
    return learner.meta_train(env, tasks, np.ones(len(tasks), bool), np.random.default_rng(seed))


@pytest.mark.parametrize("num_axes", [1, 3])
def test_what_is_recorded_and_what_the_network_is_fed(num_axes):
    goals = Goals(num_axes)
    learner = make_learner(goals)
    env = make_env(goals, 4)
    taken = []
    advance = env.advance
    env.advance = lambda actions, playing: (taken.append(actions.copy()), advance(actions, playing))
    # Far apart in length, so that what is over is dropped from the computation.
    tasks = [task for h in (1, 4) for task in goals.tasks(2, seed=h, horizon=h)]
    lifetimes = learner._play(env, tasks, np.random.default_rng(0))
    drawn, inputs, valid = learner._tape["actions"], learner._tape["inputs"], lifetimes.valid
    assert drawn.shape == (8, 4, num_axes)
    assert valid.sum(axis=0).tolist() == [2, 2, 8, 8]
    np.testing.assert_allclose(np.array(taken)[valid], np.clip(drawn, -1, 1)[valid] * SPEED)
    assert (np.abs(drawn[valid]) > 1.0).any(), "some are clipped, and recorded as they were drawn"
    fed = inputs[1:, :, num_axes:-3][valid[1:]]
    np.testing.assert_allclose(fed, np.clip(drawn, -1, 1)[:-1][valid[1:]], rtol=1e-6)
    assert not inputs[0, :, num_axes:-3].any(), "no action before the first"
    batch, _ = learner._batch(lifetimes, np.arange(4))
    assert batch.log_probs.shape == (8, 4)
    mean = learner._tape["outputs"][..., :num_axes]
    expected = -0.5 * ((drawn - mean) / 0.5) ** 2 - math.log(0.5) - 0.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(
        batch.log_probs.numpy()[valid], expected.sum(axis=-1)[valid], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_rollout_and_training_agree_on_the_first_pass(cell, precision, tolerance):
    goals = Goals(2)
    learner = make_learner(goals, cell=cell, precision=precision, lr=1e-2, hidden_size=32)
    env = make_env(goals, 6)
    for update in range(3):
        _, metrics = train(learner, env, goals.tasks(6, seed=update), seed=update)
        assert metrics["train/first_ratio_deviation"] < tolerance
    assert metrics["train/ratio_deviation"] > tolerance, "later passes must move"


def test_scales_move_in_training_alone_and_once_a_batch():
    goals = Goals(1)
    learner, env, tasks = make_learner(goals), make_env(goals, 6), goals.tasks(6)
    normalizer = learner._features.normalizer
    assert normalizer is not None
    train(learner, env, tasks)
    played = learner._tape["observations"]
    inputs = learner._tape["inputs"]
    # The first batch was played, and learned from, before anything was known of its scale.
    np.testing.assert_allclose(inputs[..., :1], np.clip(played, -10, 10), rtol=1e-6)
    moments = normalizer.state_dict()
    assert moments["count"] == 6 * 8
    np.testing.assert_allclose(moments["mean"], played.reshape(-1, 1).mean(axis=0), rtol=1e-6)
    before = fingerprint(learner)
    evaluate(learner, env, goals.tasks(6, seed=1), num_episodes=2, seed=0)
    policy = adapt(learner, goals.make_env(tasks[0]), num_episodes=2)
    policy.start(np.zeros(1, np.float32))
    assert fingerprint(learner) == before
    train(learner, env, tasks, seed=1)
    shown = (learner._tape["observations"] - moments["mean"].numpy()) / math.sqrt(
        moments["squares"].item() / moments["count"]
    )
    np.testing.assert_allclose(
        learner._tape["inputs"][..., :1], np.clip(shown, -10, 10), rtol=1e-4, atol=1e-4
    )


def test_the_end_of_an_episode_is_followed_by_the_next_one_and_that_of_a_lifetime_by_nothing():
    goals = Goals(1)
    settings = {"gamma": 0.5, "lambda_": 0.0, "normalize_rewards": False}
    learner, env = make_learner(goals, **settings), make_env(goals, 3)
    outcomes, _ = train(learner, env, goals.tasks(3, horizon=4))
    untrained = make_learner(goals, **settings)
    lifetimes = untrained._play(env, goals.tasks(3, horizon=4), np.random.default_rng(0))
    with torch.no_grad():
        values = untrained.network.value(torch.from_numpy(untrained._tape["features"])).numpy()
    assert lifetimes.episode_over[[3, 7]].all(), "horizons end episodes: no state is terminal"
    rewards = lifetimes.rewards
    np.testing.assert_allclose(
        outcomes.td_errors[:, 3], rewards[3] + 0.5 * values[4] - values[3], rtol=1e-5
    )
    # Nothing is lost by it: the share of the lifetime that is left is an input of the critic.
    np.testing.assert_allclose(outcomes.td_errors[:, 7], rewards[7] - values[7], rtol=1e-5)


@pytest.fixture(scope="module")
def trained():
    """A learner after some seconds of learning, two episodes of four steps a lifetime."""
    goals = Goals(1)
    settings = {"hidden_size": 32, "lr": 5e-3, "gamma": 0.97, "lambda_": 0.9, "entropy_coef": 0.0}
    learner = make_learner(goals, heads_see_inputs=True, **settings)
    env = make_env(goals, 64)
    for update in range(50):
        _, metrics = train(learner, env, goals.tasks(64, seed=update), seed=update)
    assert all(np.isfinite(value) for value in metrics.values())
    return goals, learner


@pytest.mark.parametrize("greedy", [True, False])
def test_the_second_episode_uses_what_the_first_one_paid(trained, greedy):
    goals, learner = trained
    tasks = goals.tasks(300, seed=9_999)
    env = goals.make_vector_env(300)
    curve = evaluate(learner, env, tasks, num_episodes=2, seed=0, greedy=greedy)
    blind = goals.blind_return(horizon=4)
    oracle = np.mean([goals.oracle_return(task) for task in tasks])
    returns = curve.outcomes.returns[:, 1]
    error = returns.std() / math.sqrt(len(returns))
    assert returns.mean() - 5 * error > blind
    assert returns.mean() > (blind + oracle) / 2, "most of what there is to know is used"
    assert returns.mean() > curve.outcomes.returns[:, 0].mean() + 5 * error
    assert (returns <= [goals.oracle_return(task) + 1e-6 for task in tasks]).all()


def test_it_adapts_to_one_environment_and_is_used_there(trained):
    _, learner = trained
    gained = []
    for goal in (-0.8, -0.3, 0.4, 0.9):
        env = PointEnv([goal], horizon=4)
        policy = adapt(learner, env, num_episodes=1, greedy=True)
        observation, _ = env.reset()
        action, rewards, over = policy.start(observation), [], False
        while not over:
            assert env.action_space.contains(action)
            observation, reward, _, over, _ = env.step(action)
            rewards.append(reward)
            action = None if over else policy.act(observation, reward)
        gained.append(sum(rewards))
    # Standing still, the best that a policy without memory can do, costs |goal| a step.
    assert np.mean(gained) > -4 * np.mean([0.8, 0.3, 0.4, 0.9]) / 2


def test_a_task_plays_the_same_alone_and_among_others(trained):
    goals, learner = trained
    tasks = goals.tasks(20, seed=5)
    played = [
        evaluate(learner, goals.make_vector_env(n), tasks, num_episodes=2, seed=3).outcomes.returns
        for n in (1, 7, 20)
    ]
    np.testing.assert_allclose(played[0], played[2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(played[1], played[2], rtol=1e-4, atol=1e-5)


def test_gymnasiums_pendulum_is_played_and_learned_from():
    space = {"g": Float(low=5.0, high=15.0, default=10.0)}
    pendulum = GymnasiumEnv("Pendulum-v1", space, keywords=("g",), horizon=20)
    learner = make_learner(pendulum, hidden_size=16, heads_see_inputs=True)
    env = make_env(pendulum, 8)
    before = fingerprint(learner)
    rng = np.random.default_rng(0)
    for _ in range(3):
        tasks = [pendulum.make_task({"g": float(g)}, seed=0) for g in rng.uniform(5, 15, 8)]
        outcomes, metrics = train(learner, env, tasks)
        assert outcomes.complete.all()
        assert all(np.isfinite(value) for value in metrics.values())
    assert fingerprint(learner) != before
    assert all(torch.isfinite(p).all() for p in learner.network.parameters())
    assert not env.failures
    policy = adapt(learner, gymnasium.make("Pendulum-v1", max_episode_steps=20), num_episodes=2)
    assert policy.lengths == [20, 20]
    action = policy.start(np.array([1.0, 0.0, 0.0], np.float32))
    assert action.shape == (1,)
    assert action.dtype == np.float32
