import numpy as np
import pytest

from curricula.algorithms.mixture import Mixture, Share, counts_of
from curricula.checks import check_curriculum
from curricula.checks.specimens import ELSEWHERE, START, training_source

RECORDER = "tests.curricula.algorithms.recorder:Recorder"
SFL = "curricula.algorithms.sfl:SFL"
PROGRESS = "curricula.algorithms.learning_progress:LearningProgress"


def make(*shares):
    return Mixture(Mixture.Config(parts=shares))


def ask(curriculum, n, seed=0, distribution=START):
    return curriculum.ask(training_source(), distribution, n, np.random.default_rng(seed))


def test_shares_are_met_on_average_and_to_within_one_task_in_every_batch():
    rng = np.random.default_rng(0)
    counts = np.array([counts_of([1.0, 2.0, 5.0], 10, rng) for _ in range(4000)])
    assert (counts.sum(axis=1) == 10).all()
    expected = np.array([1.25, 2.5, 6.25])
    assert np.abs(counts - expected).max() < 1.0
    assert np.abs(counts.mean(axis=0) - expected).max() < 0.04


def test_whole_shares_are_exact_whatever_the_rounding():
    rng = np.random.default_rng(1)
    assert all(counts_of([1.0, 1.0, 1.0], 9, rng) == [3, 3, 3] for _ in range(200))
    assert all(counts_of([0.1] * 10, 10, rng) == [1] * 10 for _ in range(200))


def test_each_part_hears_of_its_own_proposals_alone_in_its_own_scores():
    mixture = make(
        Share(RECORDER, 3.0, {"score": "mean_return"}),
        Share(RECORDER, 1.0, {"score": ("success_rate", "mean_return")}),
    )
    assert mixture.score == ("mean_return", "success_rate")
    batch = ask(mixture, 8)
    table = np.arange(16.0).reshape(8, 2)
    mixture.tell(batch, table)
    first, second = mixture._parts
    assert (first.asks, second.asks) == ([6], [2])
    assert first.tells == [[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]]
    assert second.tells == [[[13.0, 12.0], [15.0, 14.0]]]


def test_a_part_that_is_asked_for_nothing_is_told_nothing():
    mixture = make(Share(RECORDER, 99.0), Share(RECORDER, 1.0))
    batch = ask(mixture, 1)
    mixture.tell(batch, np.ones(1))
    assert sorted(map(len, (p.asks for p in mixture._parts))) == [0, 1]


def test_metrics_and_heat_maps_say_whose_they_are():
    mixture = make(Share(RECORDER, 1.0, {"level": 1.0}), Share(RECORDER, 1.0, {"level": 2.0}))
    told = mixture.metrics()
    assert told == {"curriculum/Recorder_level": 1.0, "curriculum/Recorder_2_level": 2.0}


def test_it_keeps_every_promise_with_parts_that_want_different_scores():
    class Both(Mixture):
        class Config(Mixture.Config):
            def __init__(self):
                super().__init__(
                    parts=(
                        Share(SFL, 1.0, {"num_scouted": 10, "num_kept": 4, "refresh_every": 2}),
                        Share(PROGRESS, 1.0),
                    )
                )

    assert Both(Both.Config()).score == ("learnability", "success_rate")
    check_curriculum(Both).raise_if_failed()


def test_every_part_obeys_the_distribution():
    mixture = make(Share(PROGRESS), Share(SFL, 1.0, {"num_scouted": 8, "num_kept": 4}))
    for seed in range(6):
        place = START if seed < 4 else ELSEWHERE
        batch = ask(mixture, 16, seed, place)
        assert all(place.contains(p.task.params) for p in batch)
        mixture.tell(batch, np.random.default_rng(seed).random((16, 2)))


@pytest.mark.parametrize(
    "shares",
    [(), (Share(RECORDER, 0.0),), (Share("nobody"),), (Share(RECORDER, 1.0, {"colour": 1}),)],
)
def test_parts_that_cannot_be_are_refused(shares):
    with pytest.raises(ValueError, match=r"^parts"):
        make(*shares)
