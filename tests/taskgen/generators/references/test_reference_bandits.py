"""The published bandit algorithms: scores by hand, indices against published tables, returns."""

import math

import numpy as np
import pytest

from taskgen.generators.bandit import Bandit
from taskgen.generators.references.bandits import (
    UCB1,
    EpsilonGreedy,
    Gittins,
    LikeliestThompson,
    Thompson,
)
from taskgen.generators.references.gittins import gittins_indices
from taskgen.generators.references.play import RandomPlay, play

NOTHING = np.zeros((1, 1))


def bandits(num, num_arms, pulls, seed=0):
    family = Bandit(num_arms)
    row = family.space.complete({"pulls": pulls})
    return family, family.make_tasks(family.space.columns([row] * num), seed + np.arange(num))


def told(policy, num_arms, wins, losses):
    """The policy after so many wins and losses of each arm of one bandit."""
    _, tasks = bandits(1, num_arms, 1)
    policy.begin(tasks, np.random.default_rng(0))
    for arm in range(num_arms):
        for reward, times in ((1.0, wins[arm]), (0.0, losses[arm])):
            for _ in range(times):
                over = np.ones(1, bool)
                policy.learn(NOTHING, np.array([arm]), np.array([reward]), NOTHING, over)
    return policy


def test_ucb1_is_mean_and_width_by_hand():
    policy = told(UCB1(2, 0.5), 2, wins=(3, 0), losses=(1, 2))
    wins, losses = np.array([[4.0, 1.0]]), np.array([[2.0, 3.0]])
    expected = [
        4 / 6 + 0.5 * math.sqrt(2 * math.log(7) / 6),
        1 / 4 + 0.5 * math.sqrt(2 * math.log(7) / 4),
    ]
    assert policy.num_pulls == 6
    assert policy.scores(wins, losses)[0] == pytest.approx(expected)
    assert policy.act(NOTHING).tolist() == [0]
    wide = told(UCB1(2, 3.0), 2, wins=(3, 0), losses=(1, 2))
    assert wide.act(NOTHING).tolist() == [1]


def test_greedy_takes_the_best_mean_and_epsilon_any():
    assert told(EpsilonGreedy(3), 3, (1, 0, 0), (2, 0, 1)).act(NOTHING).tolist() == [1]
    _, tasks = bandits(4000, 4, 1)
    policy = EpsilonGreedy(4, epsilon=0.4)
    policy.begin(tasks, np.random.default_rng(0))
    shares = np.bincount(policy.act(NOTHING), minlength=4) / 4000
    assert shares == pytest.approx([0.6 + 0.1, 0.1, 0.1, 0.1], abs=0.03)


def test_thompson_pulls_an_arm_as_often_as_it_is_best():
    # P(θ₁ > θ₂) of Beta(2, 1) and Beta(1, 1) is 2/3. The likeliest of N draws has the largest of N
    # numbers θ₁ of Beta(2, 1), of mean 2N / (2N + 1), which is how often a uniform θ₂ is below it.
    _, tasks = bandits(6000, 2, 1)
    for policy, share in ((Thompson(2), 2 / 3), (LikeliestThompson(2, 5), 10 / 11)):
        policy.begin(tasks, np.random.default_rng(0))
        wins, losses = np.ones((6000, 2)), np.ones((6000, 2))
        wins[:, 0] = 2.0
        picked = policy.scores(wins, losses).argmax(axis=1)
        assert (picked == 0).mean() == pytest.approx(share, abs=0.02)


def test_gittins_indices_equal_published_ones():
    """Gittins, Glazebrook and Weber 2011, table 8.1 of uniform priors, γ = 0.9, and 0.99."""
    some = gittins_indices(6, 0.9)
    assert some[0, 0] == pytest.approx(0.7029, abs=2e-4)
    assert some[1, 0] == pytest.approx(0.8001, abs=2e-4)
    assert some[0, 1] == pytest.approx(0.5001, abs=2e-4)
    assert some[1, 1] == pytest.approx(0.6346, abs=2e-4)
    assert gittins_indices(2, 0.99)[0, 0] == pytest.approx(0.8699, abs=2e-3)


def test_gittins_index_of_the_last_pull_is_nearly_the_mean():
    indices = gittins_indices(6, 1e-6)
    for wins in range(4):
        for losses in range(3):
            assert indices[wins, losses] == pytest.approx(
                (wins + 1) / (wins + losses + 2), abs=1e-4
            )
    with pytest.raises(ValueError, match="discount"):
        gittins_indices(6, 1.0)


def test_what_they_earn_in_ten_pulls():
    """Random 5, the optimum 6.660, Gittins and greedy a little less; 4,000 bandits of five arms."""
    family, tasks = bandits(4000, 5, pulls=10, seed=10**6)
    slack = 4 * 2.0 / math.sqrt(4000)
    earned = {
        policy: play(maker, family, tasks, 1, seed=1).mean()
        for policy, maker in {
            "random": RandomPlay(5),
            "greedy": EpsilonGreedy(5),
            "gittins": Gittins(5, 10, 0.8),
        }.items()
    }
    assert earned["random"] == pytest.approx(5.0, abs=slack)
    assert earned["greedy"] < earned["gittins"] < 6.660 + slack
    assert earned["gittins"] > 6.660 - 0.05 - slack


def test_a_lifetime_is_the_same_in_one_episode_or_in_ten():
    one = play(EpsilonGreedy(3), *bandits(5, 3, pulls=10), 1, seed=2)
    assert one.shape == (5, 1)
    assert play(EpsilonGreedy(3), *bandits(5, 3, pulls=2), 5, seed=2).shape == (5, 5)
    again = play(EpsilonGreedy(3), *bandits(5, 3, pulls=10), 1, seed=2)
    assert (one == again).all()


def test_tasks_of_two_horizons_are_refused():
    family, _ = bandits(1, 2, 1)
    tasks = [family.make_task(family.space.complete({"pulls": n}), 0) for n in (1, 2)]
    with pytest.raises(ValueError, match="one horizon"):
        play(RandomPlay(2), family, tasks, 1, seed=0)
