import numpy as np
import pytest

from curricula.algorithms.intermediate_difficulty import IntermediateDifficulty
from curricula.checks.specimens import ELSEWHERE, START, training_source


def make(**settings):
    return IntermediateDifficulty(IntermediateDifficulty.Config(**settings))


def ask(curriculum, n=8, seed=0, distribution=START):
    return curriculum.ask(training_source(), distribution, n, np.random.default_rng(seed))


def replayed(batch):
    return {p.task.id for p in batch if p.origin == "replay"}


def test_what_is_neither_easy_nor_hard_is_played_again():
    curriculum = make(replay_share=1.0)
    batch = ask(curriculum)
    rates = np.array([0.0, 0.25, 0.5, 0.75, 0.76, 1.0, np.nan, np.inf])
    curriculum.tell(batch, rates)
    assert replayed(ask(curriculum, seed=1)) == {p.task.id for p in batch[1:4]}


def test_what_became_easy_is_let_go():
    curriculum = make(replay_share=1.0)
    batch = ask(curriculum)
    curriculum.tell(batch, np.full(8, 0.5))
    again = ask(curriculum, n=4, seed=1)
    curriculum.tell(again, np.ones(4))
    assert replayed(ask(curriculum, seed=2)) == replayed(batch_of(batch)) - replayed(again)


def batch_of(batch):
    return [type(p)(p.task, "replay") for p in batch]


def test_the_oldest_leave_first():
    curriculum = make(replay_share=1.0, capacity=3)
    batch = ask(curriculum)
    curriculum.tell(batch, np.full(8, 0.5))
    assert replayed(ask(curriculum, seed=1)) == {p.task.id for p in batch[5:]}


def test_shares_are_kept_and_the_distribution_is_obeyed():
    curriculum = make(replay_share=0.25)
    curriculum.tell(ask(curriculum), np.full(8, 0.5))
    assert len(replayed(ask(curriculum, seed=1))) == 2
    assert replayed(ask(curriculum, seed=1, distribution=ELSEWHERE)) == set()


def test_returns_can_stand_in_for_success():
    assert make().score == "success_rate"
    assert make(score="last_return", low=-3.0, high=-1.0).score == "last_return"


@pytest.mark.parametrize("settings", [{"low": 0.8}, {"replay_share": 1.5}, {"capacity": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        make(**settings)
