import copy

import numpy as np
import pytest

from curricula.algorithms.sequence import Sequential, Stage, holds, terms_of
from curricula.checks import check_curriculum
from curricula.checks.specimens import START, training_source

RECORDER = "tests.curricula.algorithms.recorder:Recorder"
PLAIN = "domain_randomization"


def make(*stages, **settings):
    return Sequential(Sequential.Config(stages=stages, **settings))


def play(curriculum, scores, n=4):
    """Plays a batch for each score; returns the stage in which each was asked."""
    stages = []
    for seed, score in enumerate(scores):
        stages.append(int(curriculum.metrics()["curriculum/stage"]))
        rng = np.random.default_rng(seed)
        batch = curriculum.ask(training_source(), START, n, rng)
        curriculum.tell(batch, np.full(n, score))
    return stages


def test_the_next_one_begins_when_the_condition_holds_and_none_goes_back():
    curriculum = make(Stage(RECORDER, "score > 0.5"), Stage(PLAIN, "batches >= 2"), Stage(PLAIN))
    assert play(curriculum, [0.1, 0.4, 2.0, 0.0, 0.0, 9.0, 0.0]) == [0, 0, 0, 1, 1, 2, 2]


def test_a_mean_is_over_the_latest_tasks_of_the_stage():
    curriculum = make(Stage(RECORDER, "score > 0.5"), Stage(RECORDER, "score > 0.5"),
                      Stage(PLAIN), window=8)  # fmt: skip
    # Two batches fill the window: (0 + 0.9) / 2 is not enough, (0.9 + 0.9) / 2 is.
    assert play(curriculum, [0.0, 0.9, 0.9, 0.0, 0.9, 0.9, 0.0]) == [0, 0, 0, 1, 1, 1, 2]


def test_what_was_not_played_to_an_end_is_in_no_mean():
    curriculum = make(Stage(RECORDER, "score > 0.5 and batches >= 2"), Stage(PLAIN))
    assert play(curriculum, [np.nan, np.nan, 0.9, 0.0]) == [0, 0, 0, 1]


def test_all_terms_must_hold():
    curriculum = make(Stage(RECORDER, "batches >= 2 and score < 0.3"), Stage(PLAIN))
    assert play(curriculum, [0.0, 0.9, -5.0, 0.0]) == [0, 0, 0, 1]


def test_a_condition_may_ask_for_what_the_curriculum_itself_tells():
    stays = make(Stage(RECORDER, "level > 1", {"level": 1.0}), Stage(PLAIN))
    goes = make(Stage(RECORDER, "level > 1", {"level": 1.5}), Stage(PLAIN))
    assert (play(stays, [0.0] * 3), play(goes, [0.0] * 3)) == ([0, 0, 0], [0, 1, 1])


def test_a_score_of_its_own_stands_beside_that_of_the_stage():
    curriculum = make(
        Stage(RECORDER, "score > 0.5", {"score": "mean_return"}),
        Stage(PLAIN),
        score="success_rate",
    )
    assert curriculum.score == ("mean_return", "success_rate")
    batch = curriculum.ask(training_source(), START, 4, np.random.default_rng(0))
    curriculum.tell(batch, np.array([[0.1, 0.9]] * 4))
    assert curriculum._stages[0].tells == [[0.1] * 4]
    assert curriculum.metrics()["curriculum/stage"] == 1.0
    assert curriculum.score == "success_rate"


def test_a_state_goes_on_in_its_stage():
    def new():
        return make(Stage(RECORDER, "tasks >= 12"), Stage(RECORDER, "score > 1"), Stage(PLAIN))

    whole = new()
    play(whole, [0.5] * 4)
    resumed = new()
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    assert resumed.score == whole.score
    assert play(resumed, [2.0, 2.0, 0.0]) == play(whole, [2.0, 2.0, 0.0]) == [1, 2, 2]
    assert resumed.state_dict() == whole.state_dict()


def test_it_keeps_every_promise_across_stages():
    class Short(Sequential):
        class Config(Sequential.Config):
            def __init__(self):
                progress = "curricula.algorithms.learning_progress:LearningProgress"
                super().__init__(
                    stages=(Stage(PLAIN, "batches >= 2"), Stage(RECORDER, "tasks >= 12"),
                            Stage(progress))
                )  # fmt: skip

    check_curriculum(Short).raise_if_failed()


def test_conditions_are_read():
    assert terms_of("a>=1 and b < -2.5e-1") == [("a", ">=", 1.0), ("b", "<", -0.25)]
    assert holds("a <= 1", {"a": 1.0})
    assert not holds("a > 1", {"a": 1.0})


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        ((), "end with one that stays"),
        ((Stage(PLAIN, "batches >= 1"),), "end with one that stays"),
        ((Stage(PLAIN), Stage(PLAIN)), "until when"),
        ((Stage(PLAIN, "batches = 1"), Stage(PLAIN)), "need conditions as"),
        ((Stage(PLAIN, "batchs > 1"), Stage(PLAIN)), "did you mean batches"),
        ((Stage(PLAIN, "score > 1"), Stage(PLAIN)), "name one in `score`"),
        ((Stage("nobody", "batches > 1"), Stage(PLAIN)), "no curriculum is called"),
    ],
)
def test_stages_that_cannot_be_are_refused(stages, reason):
    with pytest.raises(ValueError, match=f"^stages.*{reason}"):
        make(*stages)
