import numpy as np
import pytest
from gymnasium import spaces

from learners.evaluation import evaluate
from learners.random_play import RandomPlayer
from taskgen.generators.bandit import Bandit
from taskgen.randomness import task_keys

KEYS = task_keys(0, [f"{i:016x}" for i in range(4000)])


def draws(space, keys=KEYS, num_steps=3):
    policy = RandomPlayer(space).policy(keys, greedy=True)
    return np.stack([policy.act(None) for _ in range(num_steps)])


def test_discrete_actions_are_uniform_and_start_where_the_space_does():
    actions = draws(spaces.Discrete(4, start=2))
    assert actions.shape == (3, 4000)
    values, counts = np.unique(actions, return_counts=True)
    assert values.tolist() == [2, 3, 4, 5]
    # 3000 are expected of each, with a deviation of √(12000 · 3/16) ≈ 47.
    assert np.abs(counts - 3000).max() < 5 * 47


def test_boxes_are_filled_evenly_within_their_bounds():
    space = spaces.Box(np.array([-2.0, 0.0]), np.array([0.0, np.inf]), dtype=np.float32)
    actions = draws(space)
    assert actions.shape == (3, 4000, 2)
    assert all(space.contains(action) for action in actions[0])
    bounded, half_bounded = actions[..., 0], actions[..., 1]
    assert bounded.min() < -1.99
    assert bounded.max() > -0.01
    assert bounded.mean() == pytest.approx(-1.0, abs=0.03)
    assert half_bounded.max() <= 1.0


def test_actions_belong_to_the_task_and_change_with_the_step():
    space = spaces.Discrete(5)
    actions = draws(space)
    np.testing.assert_array_equal(draws(space, KEYS[::-7]), actions[:, ::-7])
    assert (actions[0] != actions[1]).mean() == pytest.approx(0.8, abs=0.05)


def test_other_spaces_are_refused():
    with pytest.raises(TypeError, match="Discrete space or a Box of floats"):
        RandomPlayer(spaces.MultiBinary(3))


def test_random_play_of_bandits_earns_what_an_arm_pays_on_average():
    bandit = Bandit(num_arms=3)
    rows = [bandit.space.complete({"alpha": 1.0, "beta": 3.0})] * 500
    tasks = bandit.make_tasks(bandit.space.columns(rows), np.arange(500))
    player = RandomPlayer(bandit.action_space)
    curve = evaluate(player, bandit.make_vector_env(500), tasks, num_episodes=10, seed=0)
    paid = np.mean([np.mean(task.content["probs"]) for task in tasks])
    assert curve.outcomes.returns.mean() == pytest.approx(paid, abs=0.03)
    assert curve.num_env_steps == 5000
