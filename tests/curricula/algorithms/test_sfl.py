import numpy as np
import pytest

from curricula.algorithms.sfl import SFL
from curricula.checks import check_curriculum
from curricula.checks.specimens import START, training_source


def make(**settings):
    return SFL(SFL.Config(**settings))


def ask(curriculum, n, seed):
    return curriculum.ask(training_source(), START, n, np.random.default_rng(seed))


def test_it_trains_on_the_most_learnable_of_what_it_scouted_and_on_new_tasks():
    curriculum = make(num_scouted=40, num_kept=5, refresh_every=3, replay_share=0.5)
    scouted = [p for seed in range(2) for p in batch_told(curriculum, 20, seed)]
    assert not any(p.train for p in scouted)
    for seed in range(2, 5):
        batch = ask(curriculum, 10, seed)
        assert [p.origin for p in batch] == ["replay"] * 5 + ["new"] * 5
        assert all(p.train for p in batch)
        expected = sorted(scouted, key=lambda p: learnable(p.task))[-5:]
        assert {p.task.id for p in batch[:5]} == {p.task.id for p in expected}
        curriculum.tell(batch, np.zeros(10))
    assert not any(p.train for p in ask(curriculum, 10, 5))


def batch_told(curriculum, n, seed):
    batch = ask(curriculum, n, seed)
    curriculum.tell(batch, np.array([learnable(p.task) for p in batch]))
    return batch


def learnable(task):
    return task.params["weight"] % 0.25


def test_where_success_is_rare_returns_can_stand_in():
    assert make().score == "learnability"
    assert make(score="return_variance").score == "return_variance"


def test_every_promise_holds_through_all_of_its_phases():
    class Small(SFL):
        class Config(SFL.Config):
            def __init__(self):
                super().__init__(num_scouted=20, num_kept=4, refresh_every=1)

    check_curriculum(Small).raise_if_failed()


@pytest.mark.parametrize("settings", [{"replay_share": -0.1}, {"num_kept": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(**settings)
