import math

import numpy as np
import pytest

from curricula.contrasts import (
    crossed_interval,
    improvement_interval,
    mean_cvar,
    mean_of,
    probability_of_improvement,
    task_scores,
)
from curricula.statistics import iqm, iqm_interval, normalised_score

NAN = math.nan


def rng():
    return np.random.default_rng(0)


def test_the_mean_of_task_scores_is_the_ratio_of_means():
    draw = rng()
    random, oracle, mine = draw.random(50), 1 + draw.random(50), draw.random((3, 50)) * 2
    scores = task_scores(mine, random, oracle)
    for row, returns in zip(scores, mine, strict=True):
        assert row.mean() == pytest.approx(normalised_score(returns, random, oracle))
    assert task_scores(oracle, random, oracle).tolist() == [1.0] * 50
    assert task_scores(random, random, oracle).mean() == pytest.approx(0.0)


def test_there_is_no_score_where_the_oracle_is_no_better_than_random():
    assert np.isnan(task_scores([[1.0, 2.0]], [1.0, 1.0], [1.0, 1.0])).all()
    assert np.isnan(task_scores([[1.0]], [NAN], [NAN])).all()


def test_a_task_whose_oracle_is_not_known_is_left_out_alone():
    found = task_scores([[1.0, 1.0]], random=[0.0, 0.0], oracle=[2.0, NAN])
    assert found[0, 0] == 0.5  # room 2, regret 1
    assert math.isnan(found[0, 1])


def test_means_leave_out_what_is_missing():
    assert mean_of(np.array([[1.0, NAN], [2.0, 3.0]])) == 2.0
    assert math.isnan(mean_of(np.array([[NAN]])))
    # the worst tenth of twenty are two: (0 + 1) / 2 and (10 + 11) / 2
    table = np.array([np.arange(20.0), 10 + np.arange(20.0)])
    assert mean_cvar(table) == pytest.approx(5.5)


def test_the_probability_of_improvement_counts_pairs_of_seeds_task_by_task():
    mine = [[1.0, 5.0], [3.0, 5.0]]
    its = [[2.0, 5.0], [1.0, 6.0], [0.0, 4.0]]
    # task 0: 1 beats 0, ties 1, loses to 2 (1.5); 3 beats all (3): 4.5 of 6
    # task 1: 5 ties 5, loses to 6, beats 4 (1.5), twice: 3 of 6
    assert probability_of_improvement(mine, its) == pytest.approx((0.75 + 0.5) / 2)
    assert probability_of_improvement(its, mine) == pytest.approx(1 - (0.75 + 0.5) / 2)


def test_pairs_that_miss_a_score_are_left_out_and_so_are_tasks_without_pairs():
    assert probability_of_improvement([[1.0, NAN]], [[0.0, 5.0]]) == 1.0
    assert probability_of_improvement([[1.0, 1.0], [NAN, 2.0]], [[0.0, 1.5]]) == 0.75
    assert math.isnan(probability_of_improvement([[NAN]], [[1.0]]))


def test_arms_must_have_played_the_same_tasks():
    with pytest.raises(ValueError, match="same tasks, got 2 and 1"):
        probability_of_improvement([[1.0, 2.0]], [[1.0]])


def test_an_arm_against_itself_is_even():
    scores = rng().random((5, 40))
    found = improvement_interval(scores, scores, rng(), 300)
    assert found.value == pytest.approx(0.5)
    assert found.low < 0.5 < found.high


def test_one_that_always_wins_has_no_doubt():
    scores = rng().random((4, 30))
    found = improvement_interval(scores + 2, scores, rng(), 200)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_constant_tables_have_points_for_intervals():
    found = crossed_interval(np.full((3, 7), 0.25), iqm, rng(), 50)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)
    assert math.isnan(crossed_interval([[NAN]], mean_of, rng(), 50).value)


def test_numbers_of_whole_seeds_are_drawn_as_seeds():
    found = crossed_interval([0.0, 1.0], mean_of, rng(), 4000)
    assert found.value == 0.5
    assert (found.low, found.high) == (0.0, 1.0)  # both ends have probability a quarter


def test_noise_of_training_is_in_the_interval_where_the_published_strata_lose_it():
    level = np.array([0.2, 0.4, 0.5, 0.6, 0.8])  # seeds differ, tasks hardly
    table = level[:, None] + 0.001 * rng().random((5, 200))
    crossed = crossed_interval(table, mean_of, rng(), 1000)
    published = iqm_interval(table.T, rng(), 1000)
    assert crossed.high - crossed.low > 0.25  # 2 · 1.96 · 0.2 / √5 = 0.35, a little less at S = 5
    assert published.high - published.low < 0.05


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(3)
    covered = 0
    for _ in range(100):
        table = draw.normal(size=(10, 1)) + draw.normal(size=(1, 60)) + draw.normal(size=(10, 60))
        found = crossed_interval(table, mean_of, draw, 200)
        covered += found.low <= 0.0 <= found.high
    assert 84 <= covered <= 100


def test_the_same_seed_gives_the_same_interval():
    table = rng().random((3, 20))
    assert crossed_interval(table, iqm, rng(), 100) == crossed_interval(table, iqm, rng(), 100)
