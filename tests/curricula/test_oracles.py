import math
import time

import numpy as np
import pytest

from curricula import oracles
from curricula.scores import last_return
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.generators.bandit import Bandit


class Moody(Bandit):
    """An oracle that raises, does not know, says nonsense, or hangs, by the number of pulls."""

    def oracle_return(self, task):
        pulls = task.content["pulls"]
        if pulls == 5:
            time.sleep(60.0)
        return {1: 0.5, 2: None, 3: math.inf}.get(pulls) if pulls < 4 else 1 / 0

    def bayes_return(self, distribution, num_episodes):
        raise RuntimeError("out of luck")


def tasks_of(generator, pulls):
    rows = [generator.space.complete({"pulls": count}) for count in pulls]
    return generator.make_tasks(generator.space.columns(rows), np.arange(len(rows)))


def test_the_oracle_of_a_bandit_pulls_its_best_arm():
    tasks = tasks_of(Bandit(), [1, 4])
    best = [max(task.content["probs"]) for task in tasks]
    np.testing.assert_allclose(oracles.oracle_returns(Bandit(), tasks), [best[0], 4 * best[1]])


def test_what_raises_or_is_not_known_costs_its_number(monkeypatch):
    monkeypatch.setattr(oracles, "TASK_S", 0.2)
    found = oracles.oracle_returns(Moody(), tasks_of(Moody(), [1, 2, 3, 4, 1, 5, 1]))
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan, np.nan, 0.5, np.nan, np.nan])


def test_what_is_not_known_is_not_complete():
    outcomes = oracles.oracle_outcomes(Moody(), tasks_of(Moody(), [1, 2]))
    assert outcomes.complete.tolist() == [[True], [False]]
    np.testing.assert_array_equal(last_return(outcomes), [0.5, np.nan])
    assert outcomes.num_env_steps == 0


def test_a_family_without_an_oracle_is_not_asked():
    class Plain(Bandit):
        oracle_return = TaskGenerator.oracle_return

    assert Bandit().has_oracle
    assert not Plain().has_oracle
    assert np.isnan(oracles.oracle_returns(Plain(), tasks_of(Plain(), [1]))).all()


def test_the_bayes_optimum_is_told_where_it_is_exact():
    place = TaskDistribution.make(Bandit.space, {"pulls": 1, "alpha": 1.0, "beta": 1.0})
    wide = TaskDistribution.make(Bandit.space, {"pulls": 1, "alpha": [1.0, 2.0], "beta": 1.0})
    # Two arms, two pulls: 1/2, then 2/3 after a win and 1/2 after a loss.
    assert oracles.bayes_optimum(Bandit(num_arms=2), place, 2) == pytest.approx(13 / 12)
    assert oracles.bayes_optimum(Bandit(num_arms=2), wide, 2) is None
    assert oracles.bayes_optimum(Moody(), place, 2) is None
