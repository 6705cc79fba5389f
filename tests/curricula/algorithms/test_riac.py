import copy

import numpy as np
import pytest

from curricula.algorithms.riac import RIAC
from curricula.checks import check_curriculum
from curricula.checks.specimens import SPACE, training_source
from taskgen.distribution import TaskDistribution

LINE = TaskDistribution.make(SPACE, {"still": [0.0, 1.0], "kind": "plain"})
NARROW = TaskDistribution.make(SPACE, {"still": [0.6, 0.9], "kind": "plain"})


def make(**settings):
    return RIAC(RIAC.Config(**{"max_points": 60, "history": 600, **settings}))


def ask(curriculum, n=50, seed=0, distribution=LINE):
    return curriculum.ask(training_source(), distribution, n, np.random.default_rng(seed))


def still(batch):
    return np.array([p.task.params["still"] for p in batch])


def learn(curriculum, rounds, score):
    for index in range(rounds):
        batch = ask(curriculum, 50, index)
        curriculum.tell(batch, score(still(batch), index))
    return ask(curriculum, 1500, 99)


def above(edge):
    return lambda x, index: np.where(x > edge, 0.3 * index, 7.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_tasks_come_from_where_scores_change_whichever_way(sign):
    curriculum = make()
    batch = learn(curriculum, 12, lambda x, index: np.where(x > 0.7, sign * index, 7.0))
    assert (still(batch) > 0.65).mean() > 0.75  # of which a share of 0.06 is explored
    assert curriculum.metrics()["curriculum/num_boxes"] >= 5


def test_without_progress_it_is_domain_randomisation():
    batch = learn(make(), 5, lambda x, index: np.full(len(x), 3.0))
    assert still(batch).mean() == pytest.approx(0.5, abs=0.03)


def test_after_a_move_nothing_outside_is_proposed_and_what_is_known_of_the_rest_counts():
    curriculum = make()
    learn(curriculum, 12, above(0.75))
    batch = ask(curriculum, 600, 50, NARROW)
    assert all(NARROW.contains(p.task.params) for p in batch)
    assert (still(batch) > 0.72).mean() > 0.75
    away = TaskDistribution.make(SPACE, {"size": [15, 21], "weight": [4.0, 8.0]})
    assert all(away.contains(p.task.params) for p in ask(curriculum, 100, 51, away))


def test_a_state_goes_on_the_same():
    whole = make()
    learn(whole, 4, above(0.5))
    resumed = make()
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for seed, place in enumerate([LINE, NARROW, LINE]):
        batches = [ask(each, 50, seed, place) for each in (whole, resumed)]
        assert batches[0] == batches[1]
        for each, batch in zip((whole, resumed), batches, strict=True):
            each.tell(batch, still(batch) * seed)


def test_every_promise_holds_when_boxes_are_small():
    class Small(RIAC):
        class Config(RIAC.Config):
            def __init__(self):
                super().__init__(max_points=8)

    check_curriculum(Small).raise_if_failed()


@pytest.mark.parametrize("settings", [{"explore_prob": 2.0}, {"max_points": 1}, {"history": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(**settings)
