import copy

import numpy as np
import pytest

from curricula.algorithms.learning_progress import LearningProgress
from curricula.checks.specimens import SPACE, training_source
from taskgen.distribution import TaskDistribution

PLAIN = {"kind": "plain"}
SIZES = TaskDistribution.make(SPACE, {"size": [1, 21], **PLAIN})  # eleven sizes, a cell each


def make(**settings):
    return LearningProgress(LearningProgress.Config(**{"explore_prob": 0.2, **settings}))


def ask(curriculum, n=44, seed=0, distribution=SIZES):
    return curriculum.ask(training_source(), distribution, n, np.random.default_rng(seed))


def sizes(batch):
    return np.array([p.task.params["size"] for p in batch])


def learn(curriculum, rounds, rate, distribution=SIZES, n=220):
    """Plays rounds in which a task of a size succeeds at a rate of the size and the round."""
    for index in range(rounds):
        batch = ask(curriculum, n, index, distribution)
        curriculum.tell(batch, np.array([rate(size, index) for size in sizes(batch)]))
    return ask(curriculum, 2000, 99, distribution)


def test_tasks_come_from_where_success_changes_upward_or_downward():
    def rate(size, index):
        if size == 5:
            return min(0.1 * index, 1.0)
        return max(1.0 - 0.1 * index, 0.0) if size == 17 else 0.5

    batch = learn(make(), 8, rate)
    share = {size: (sizes(batch) == size).mean() for size in range(1, 22, 2)}
    assert share[5] + share[17] == pytest.approx(0.8 + 0.2 * 2 / 11, abs=0.04)
    assert min(share[5], share[17]) > 0.2
    assert min(share.values()) > 0.005  # the rest is explored


def test_before_anything_changed_all_cells_are_alike():
    batch = learn(make(), 3, lambda size, index: 0.5)
    counts = np.bincount(sizes(batch) // 2)
    assert np.abs(counts / 2000 - 1 / 11).max() < 0.03


def test_averages_move_by_the_rate_once_a_batch():
    one = TaskDistribution.make(SPACE, {"size": 5, **PLAIN})
    curriculum = make(rate=0.5)
    for index, rate in enumerate([0.0, 1.0]):
        batch = ask(curriculum, 6, index, one)
        curriculum.tell(batch, np.full(6, rate))
    ask(curriculum, 6, 2, one)
    # fast 0 → 0.5, slow 0 → 0.25; f(0.5) = 0.9 and f(0.25) = 0.75 at θ = 0.1.
    assert curriculum.progress() == pytest.approx([0.9 - 0.75])


def test_returns_are_scaled_by_the_lowest_and_highest():
    one = TaskDistribution.make(SPACE, {"size": 5, **PLAIN})
    by_return, by_success = make(score="mean_return", rate=0.5), make(rate=0.5)
    for index, (value, rate) in enumerate([(-40.0, 0.0), (-20.0, 1.0), (-30.0, 0.5)]):
        by_return.tell(ask(by_return, 6, index, one), np.full(6, value))
        by_success.tell(ask(by_success, 6, index, one), np.full(6, rate))
    for each in (by_return, by_success):
        ask(each, 6, 9, one)
    assert by_return.progress() == pytest.approx(by_success.progress())


def test_where_the_distribution_moves_cells_keep_what_is_known_of_their_place():
    curriculum = make()
    learn(curriculum, 6, lambda size, index: 0.1 * index if size <= 5 else 0.5)
    before = curriculum.progress()
    wider = TaskDistribution.make(SPACE, {"size": [3, 13], **PLAIN})
    batch = ask(curriculum, 500, 7, wider)
    assert sizes(batch).min() >= 3
    assert sizes(batch).max() <= 13
    np.testing.assert_allclose(curriculum.progress(), before[1:7])
    away = TaskDistribution.make(SPACE, {"size": [19, 21], "weight": [4.0, 8.0], **PLAIN})
    ask(curriculum, 10, 8, away)
    assert np.isnan(curriculum.progress()).all()


def test_a_state_goes_on_after_a_move_too():
    whole = make()
    learn(whole, 4, lambda size, index: 0.1 * index * (size < 9))
    resumed = make()
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for seed, place in enumerate([{"size": [3, 13]}, {"size": [5, 9], "weight": [0.5, 2.0]}]):
        there = TaskDistribution.make(SPACE, {**place, **PLAIN})
        batches = [ask(each, 30, seed, there) for each in (whole, resumed)]
        assert batches[0] == batches[1]
        for each, batch in zip((whole, resumed), batches, strict=True):
            each.tell(batch, np.linspace(0.0, 1.0, 30))


@pytest.mark.parametrize("settings", [{"rate": 0.0}, {"threshold": 1.0}, {"max_cells": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(**settings)
