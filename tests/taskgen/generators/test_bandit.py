import itertools

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.bandit import Bandit
from taskgen.vector import Lifetime


def at(generator, **values):
    return TaskDistribution.make(generator.space, values)


def test_bayes_return_of_one_and_two_pulls_by_hand():
    # One pull pays the mean, 1/2. With two arms and a second pull: after a win (1/2) stay, 2/3;
    # after a loss (1/2) the other arm, 1/2.
    two = Bandit(num_arms=2)
    assert two.bayes_return(at(two), 1) == pytest.approx(0.5)
    assert two.bayes_return(at(two), 2) == pytest.approx(0.5 + 0.5 * 2 / 3 + 0.5 * 0.5)
    assert two.bayes_return(at(two, alpha=3.0), 1) == pytest.approx(0.75)


def test_bayes_return_of_the_published_setting():
    five = Bandit(num_arms=5)
    assert five.bayes_return(at(five, pulls=10), 1) == pytest.approx(6.660, abs=5e-4)
    assert five.bayes_return(at(five), 10) == five.bayes_return(at(five, pulls=10), 1)
    assert Bandit(10).bayes_return(at(five), 10) == pytest.approx(6.714, abs=5e-4)


def test_bayes_return_equals_brute_force_over_all_policies():
    """Without symmetry or memory: every arm at every history, 3 arms and 4 pulls."""

    def value(left, arms):
        if left == 0:
            return 0.0
        options = []
        for k, (wins, losses) in enumerate(arms):
            mean = (2.0 + wins) / (2.5 + wins + losses)
            won = [*arms[:k], (wins + 1, losses), *arms[k + 1 :]]
            lost = [*arms[:k], (wins, losses + 1), *arms[k + 1 :]]
            options.append(mean * (1 + value(left - 1, won)) + (1 - mean) * value(left - 1, lost))
        return max(options)

    three = Bandit(num_arms=3)
    prior = at(three, alpha=2.0, beta=0.5, pulls=2)
    assert three.bayes_return(prior, 2) == pytest.approx(value(4, [(0, 0)] * 3))


def test_bayes_return_is_none_where_it_is_not_known():
    five = Bandit()
    assert five.bayes_return(at(five, pulls=[1, 2]), 1) is None
    assert five.bayes_return(at(five, alpha=[1.0, 2.0]), 1) is None
    assert five.bayes_return(at(five, pulls=13), 1) is None


def test_arms_follow_the_prior():
    generator = Bandit(num_arms=10)
    columns = generator.space.columns(
        [generator.space.complete({"alpha": 2.0, "beta": 6.0})] * 4000
    )
    batch = generator.make_tasks(columns, np.arange(4000))
    probs = batch.contents["probs"]
    assert probs.mean() == pytest.approx(0.25, abs=0.005)
    assert probs.var() == pytest.approx(2 * 6 / (8**2 * 9), rel=0.05)
    assert abs(np.corrcoef(probs.T)[~np.eye(10, dtype=bool)]).max() < 0.08


def test_arms_pay_with_their_probability():
    generator = Bandit(num_arms=4)
    task = generator.make_task(generator.space.complete({"pulls": 100}), 3)
    env = generator.make_vector_env(1)
    for arm in range(4):
        options = {"tasks": [task], "lifetime": Lifetime(num_episodes=10)}
        env.reset(seed=arm, options=options)
        rewards = [env.step(np.array([arm]))[1][0] for _ in range(1000)]
        assert not env.playing.any()
        assert set(rewards) <= {0.0, 1.0}
        assert np.mean(rewards) == pytest.approx(task.content["probs"][arm], abs=0.06)


def test_a_lifetime_has_the_pulls_of_its_task_and_no_success():
    generator = Bandit()
    tasks = [generator.make_task(generator.space.complete({"pulls": n}), n) for n in (1, 3)]
    env = generator.make_vector_env(2)
    assert not env.has_success
    env.reset(seed=0, options={"tasks": tasks, "lifetime": Lifetime(num_episodes=2)})
    playing = [env.step(np.zeros(2, dtype=int))[4]["playing"].tolist() for _ in range(6)]
    assert [p[0] for p in playing] == [True, False, False, False, False, False]
    assert [p[1] for p in playing] == [True, True, True, True, True, False]


def test_oracle_return_is_the_best_arm_every_time():
    generator = Bandit()
    task = generator.make_task(generator.space.complete({"pulls": 7}), 1)
    assert generator.oracle_return(task) == 7 * max(task.content["probs"])
    features = generator.describe(task)
    top = sorted(task.content["probs"])[-2:]
    assert features == {"best_prob": top[1], "gap": top[1] - top[0]}


def test_edits_move_one_arm():
    generator = Bandit()
    task = generator.make_task(generator.space.complete({}), 1)
    edited = generator.mutate(task, np.random.default_rng(0))
    pairs = zip(task.content["probs"], edited.content["probs"], strict=True)
    assert sum(a != b for a, b in pairs) == 1
    chain = itertools.accumulate(
        range(200), lambda t, k: generator.mutate(t, np.random.default_rng(k)), initial=task
    )
    assert all(0.0 <= p <= 1.0 for each in chain for p in each.content["probs"])
