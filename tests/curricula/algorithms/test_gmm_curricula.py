"""ALP-GMM and Covar-GMM go where scores change, and Covar-GMM only where they rise."""

import copy

import numpy as np
import pytest

from curricula.algorithms.alp_gmm import ALPGMM
from curricula.algorithms.covar_gmm import CovarGMM
from curricula.checks import check_curriculum
from curricula.checks.specimens import SPACE, Marks, training_source
from taskgen.distribution import TaskDistribution
from taskgen.source import TaskSource

LINE = TaskDistribution.make(SPACE, {"still": [0.0, 1.0], "kind": "plain"})
NARROW = TaskDistribution.make(SPACE, {"still": [0.6, 0.9], "kind": "plain"})
BOTH = pytest.mark.parametrize("method", [ALPGMM, CovarGMM])


def make(method, **settings):
    return method(method.Config(**{"explore_prob": 0.2, "fit_every": 100, **settings}))


def ask(curriculum, n=50, seed=0, distribution=LINE, source=None):
    rng = np.random.default_rng(seed)
    return curriculum.ask(source or training_source(), distribution, n, rng)


def still(batch):
    return np.array([p.task.params["still"] for p in batch])


def learn(curriculum, rounds, score, distribution=LINE):
    for index in range(rounds):
        batch = ask(curriculum, 50, index, distribution)
        curriculum.tell(batch, score(still(batch), index))
    return ask(curriculum, 2000, 99, distribution)


def changes_above_a_half(sign):
    return lambda x, index: np.where(x > 0.5, sign * 0.3 * index, 7.0)


@BOTH
def test_tasks_come_from_where_scores_rise(method):
    batch = learn(make(method), 12, changes_above_a_half(1.0))
    assert (still(batch) > 0.5).mean() > 0.8  # of which 0.9 is the most: a tenth explores below


def test_falling_scores_are_progress_to_one_and_none_to_the_other():
    alp, covar = (learn(make(m), 12, changes_above_a_half(-1.0)) for m in (ALPGMM, CovarGMM))
    assert (still(alp) > 0.5).mean() > 0.8
    assert (still(covar) > 0.5).mean() < 0.6


@BOTH
def test_without_progress_it_is_domain_randomisation(method):
    curriculum = make(method)
    batch = learn(curriculum, 6, lambda x, index: np.full(len(x), 3.0))
    assert curriculum.metrics()["curriculum/num_gaussians"] == 0.0
    assert still(batch).mean() == pytest.approx(0.5, abs=0.03)


@BOTH
def test_interest_follows_the_learner_and_does_not_stay_what_it_was_first(method):
    curriculum = make(method)
    learn(curriculum, 12, changes_above_a_half(1.0))
    later = learn(curriculum, 12, lambda x, index: np.where(x < 0.5, 0.3 * index, 9.0))
    assert (still(later) < 0.5).mean() > 0.75


@BOTH
def test_after_a_move_nothing_outside_is_proposed_and_what_is_known_of_the_rest_counts(method):
    curriculum = make(method, fit_every=300)
    learn(curriculum, 12, lambda x, index: np.where(x > 0.75, 0.3 * index, 0.0))
    batch = ask(curriculum, 1000, 50, NARROW)
    assert all(NARROW.contains(p.task.params) for p in batch)
    assert (still(batch) > 0.75).mean() > 0.7
    away = TaskDistribution.make(SPACE, {"still": [0.0, 0.1], "size": [15, 21], "kind": "plain"})
    batch = ask(curriculum, 200, 51, away)
    assert all(away.contains(p.task.params) for p in batch)
    assert curriculum.metrics()["curriculum/num_gaussians"] <= 10


@BOTH
def test_a_state_goes_on_through_fits_and_moves(method):
    whole = make(method)
    learn(whole, 5, changes_above_a_half(1.0))
    resumed = make(method)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for seed, place in enumerate([LINE, NARROW, NARROW, NARROW, LINE]):
        batches = [ask(each, 50, seed, place) for each in (whole, resumed)]
        assert batches[0] == batches[1]
        for each, batch in zip((whole, resumed), batches, strict=True):
            each.tell(batch, still(batch) * seed)
    assert whole.state_dict() == resumed.state_dict()


@BOTH
def test_choices_and_whole_numbers_are_modelled_too(method):
    everything = TaskDistribution.whole(SPACE)
    curriculum = make(method)
    for index in range(12):
        batch = ask(curriculum, 50, index, everything)
        is_dotted = np.array([p.task.params["kind"] == "dotted" for p in batch])
        curriculum.tell(batch, np.where(is_dotted, 0.3 * index, 7.0))
    batch = ask(curriculum, 1000, 99, everything)
    assert np.mean([p.task.params["kind"] == "dotted" for p in batch]) > 0.5


@BOTH
def test_a_family_of_one_task_a_row_keeps_to_the_split(method):
    class Fixed(Marks):
        def varies(self, params):
            return np.zeros(len(params["size"]), dtype=bool)

        def make_task(self, params, seed):
            return super().make_task(params, 0)

    source = TaskSource(Fixed(), "train", "checks")
    curriculum = make(method)
    for index in range(4):
        batch = ask(curriculum, 50, index, LINE, source)
        assert len(batch) == 50
        curriculum.tell(batch, 0.3 * index * still(batch))
    assert source.draws.given_up > 0


@BOTH
def test_every_promise_holds_when_models_are_fitted_often(method):
    class Often(method):
        class Config(method.Config):
            def __init__(self, fit_every=15):
                super().__init__(fit_every=fit_every)

    check_curriculum(Often).raise_if_failed()


@BOTH
@pytest.mark.parametrize(
    "settings", [{"explore_prob": 2.0}, {"max_components": 1}, {"fit_every": 0}]
)
def test_settings_out_of_range_are_refused(method, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(method, **settings)
