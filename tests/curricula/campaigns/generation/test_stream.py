"""A generation without forks: one move, one learner; all results are made up."""

import math

import pytest

from curricula.search import Probe
from tests.curricula.campaigns.fakes import (
    NAN,
    STEPS_PER_TASK,
    FakeSearch,
    make_record,
    make_setup,
    play,
    script,
)

HISTORY = [0.1, 0.3]  # mean 0.2, deviation 0.14
SEARCH_ALONE = {"num_candidates": 0, "search_every": 1}


def stream(folder, gain, history=(), size=(5, 9)):
    setup = make_setup(sizes=[list(size)], generation=SEARCH_ALONE)
    record = make_record(3, gain_history=list(history))
    return play(folder, script({"move-1": gain}), setup=setup, record=record)


def test_all_steps_go_into_one_move(tmp_path):
    scene = stream(tmp_path, 0.1)
    assert [(job.branch, job.env_steps) for job in scene.executor.jobs] == [
        ("boundaries", 0),
        ("move-1", 192),
        ("start", 0),
    ]
    assert scene.executor.jobs[1].exams == scene.executor.jobs[2].exams
    assert scene.grown.branch.env_steps == 192


def test_the_search_is_told_the_gain_beyond_the_recent_mean(tmp_path):
    scene = stream(tmp_path, 0.5, HISTORY)
    assert scene.setup.search.told == [("move", pytest.approx(0.3), False)]
    assert scene.grown.gain_history == pytest.approx([*HISTORY, 0.5])


@pytest.mark.parametrize(
    ("gain", "size", "decision", "after"),
    [
        (0.9, (7, 7), (0, "test"), (7, 7)),  # better beyond the noise, though it covers less
        (0.25, (5, 9), (0, "tie"), (5, 9)),  # as good, and covers more of the target
        (0.25, (7, 7), (None, "keep"), (5, 7)),  # as good, and covers less
        (0.01, (5, 9), (0, "tie"), (5, 9)),  # less than lately, but it did no harm
        (-0.1, (5, 9), (None, "keep"), (5, 7)),  # it did harm, yet no fall
    ],
)
def test_the_distribution_moves_on_evidence_the_learner_goes_on(
    tmp_path, gain, size, decision, after
):
    scene = stream(tmp_path, gain, HISTORY, size)
    assert scene.decision == decision
    assert scene.size == after
    assert scene.grown.branch.state == {"branch": "move-1", "leg": 1}


@pytest.mark.parametrize("gain", [-0.6, NAN])
def test_a_fall_takes_learner_and_distribution_back_and_its_steps_stay_counted(tmp_path, gain):
    scene = stream(tmp_path, gain, HISTORY)
    assert scene.decision == (None, "rollback")
    assert scene.size == (5, 7)
    assert scene.grown.branch.state is None, "so the last commit's state is committed again"
    assert scene.grown.gain_history == HISTORY, "a fall is no progress to compare others with"
    assert scene.grown.branch.env_steps == 0
    assert sum(tally.train_env_steps for tally in scene.nursery.tallies) == 192
    assert scene.setup.search.told[0][1] == pytest.approx(gain - 0.2, nan_ok=True)


def test_the_first_fall_is_held_against_the_noise_of_the_tasks_alone(tmp_path):
    assert stream(tmp_path / "a", -0.1).decision[1] == "rollback"
    assert stream(tmp_path / "b", -0.0001).decision[1] != "rollback"


def test_without_a_move_it_trains_where_it_is(tmp_path):
    setup = make_setup(sizes=(), generation=SEARCH_ALONE)
    scene = play(tmp_path, script({"keep": 0.2}), setup=setup)
    assert scene.names == ["keep"]
    assert scene.size == (5, 7)
    assert scene.setup.search.told == [("keep", pytest.approx(0.2), False)]
    assert math.isfinite(scene.grown.gain_history[0])


@pytest.mark.parametrize(
    ("number", "every", "name"),
    [(4, 2, "move-1"), (3, 2, "toward"), (4, 0, "toward"), (1, 4, "toward")],
)
def test_now_and_then_the_move_is_straight_toward_the_target(tmp_path, number, every, name):
    setup = make_setup(sizes=[[5, 7]], generation={"num_candidates": 0, "search_every": every})
    record = make_record(number - 1, gain_history=HISTORY)
    scene = play(tmp_path, script({name: 0.2}), setup=setup, record=record)
    assert scene.names == [name]
    if name == "toward":
        assert scene.decision == (0, "tie")
        assert scene.size == (5, 9), "the target"
        assert scene.setup.search.told == [], "the search did not ask for it"


def test_a_step_towards_a_target_that_is_still_out_of_reach_counts(tmp_path):
    setup = make_setup(
        generation={"num_candidates": 0, "search_every": 0}, target={"size": [15, 21]}
    )
    record = make_record(3, gain_history=HISTORY)
    scene = play(tmp_path, script({"toward": 0.2}), setup=setup, record=record)
    assert scene.decision == (0, "tie")
    assert 7 < scene.size[1] < 15, "nearer, though nothing of the target is covered yet"


def test_where_it_is_the_target_already_it_stays_there(tmp_path):
    setup = make_setup(generation={"num_candidates": 0, "search_every": 0}, start={"size": [5, 9]})
    scene = play(tmp_path, script({"keep": 0.9}), setup=setup)
    assert scene.names == ["keep"]
    assert scene.decision == (None, "keep"), "however much was gained: nothing moved"
    assert scene.size == (5, 9)


@pytest.mark.parametrize("target", [{"size": [5, 9]}, None])
@pytest.mark.parametrize(
    ("solved", "gain", "after"),
    [
        (1.0, 0.01, (5, 9)),  # gained less than lately, but what lies at the end is solved
        (0.0, 0.01, (5, 7)),  # there is more to learn here than further out
        (0.0, 0.9, (5, 9)),  # better beyond the noise: who gains most there should be there
    ],
)
def test_it_goes_no_faster_than_what_lies_at_the_end_is_solved(
    tmp_path, target, solved, gain, after
):
    setup = make_setup(sizes=[[5, 9]], generation=SEARCH_ALONE, target=target)
    gains = script({"move-1": gain, "boundaries": solved})
    record = make_record(3, gain_history=HISTORY)
    scene = play(tmp_path, gains, setup=setup, record=record)
    assert scene.size == after
    assert scene.grown.decision["boundaries"] == {"size.high": solved}


def test_the_campaigns_own_move_waits_for_what_lies_at_the_end(tmp_path):
    setup = make_setup(generation={"num_candidates": 0, "search_every": 0})
    scene = play(tmp_path, script({"keep": 0.1, "boundaries": 0.0}), setup=setup)
    assert scene.names == ["keep"], "it trains on where it is"
    assert scene.setup.search.told == []


@pytest.mark.parametrize(
    ("gain", "rest"),
    [
        (0.0, {"left": 0, "length": 1}),
        (-0.1, {"left": 2, "length": 4}),  # the second in a row that did harm
        (NAN, {"left": 2, "length": 4}),
    ],
)
def test_a_search_whose_move_did_harm_rests(tmp_path, gain, rest):
    setup = make_setup(sizes=[[5, 7]], generation={"num_candidates": 0})
    record = make_record(3, gain_history=HISTORY, search_rest={"left": 0, "length": 2})
    scene = play(tmp_path, script({"move-1": gain}), setup=setup, record=record)
    assert scene.grown.search_rest == rest


@pytest.mark.parametrize(("number", "left"), [(4, 1), (3, 2)])
def test_a_turn_left_out_is_the_campaigns_and_only_turns_of_the_search_count(
    tmp_path, number, left
):
    setup = make_setup(generation={"num_candidates": 0})
    record = make_record(number - 1, gain_history=HISTORY, search_rest={"left": 2, "length": 4})
    scene = play(tmp_path, script({"toward": 0.2}), setup=setup, record=record)
    assert scene.names == ["toward"]
    assert scene.grown.search_rest == {"left": left, "length": 4}


class Deciding(FakeSearch):
    """Wants sizes of 9 played after each training, and is followed."""

    decides = True

    def __init__(self, sizes):
        super().__init__(sizes)
        self.probed = {}

    def probes(self, distribution, movable):
        assert movable == ["size"]
        return [Probe("nine", distribution.moved({"size.shift": 1.0}), 3)]

    def tell_probes(self, scores):
        self.probed |= scores


def deciding(folder, gain, sizes=((7, 7),)):
    setup = make_setup(generation=SEARCH_ALONE)
    setup.search = Deciding([list(size) for size in sizes])
    record = make_record(3, gain_history=list(HISTORY))
    name = "move-1" if sizes else "keep"
    scores = {"probe-nine": {name: 1.0}}
    return play(folder, script({name: gain}, **scores), setup=setup, record=record)


def test_a_search_that_decides_is_followed_whatever_the_gain(tmp_path):
    scene = deciding(tmp_path, -0.6)
    assert scene.decision == (0, "search")
    assert scene.size == (7, 7)
    assert scene.grown.branch.state == {"branch": "move-1", "leg": 1}


def test_probes_are_played_by_the_trained_learner_and_count_as_evaluation(tmp_path):
    scene = deciding(tmp_path, 0.1)
    assert scene.setup.search.probed == {"nine": [1.0, 1.0, 1.0]}  # returns near 1: successes
    (job,) = [job for job in scene.executor.jobs if job.exams[0].name == "probe-nine"]
    assert (job.branch, job.env_steps, job.exams[0].split) == ("move-1", 0, "validation")
    assert job.exams[0].distribution["regions"]["size"] == [5, 9], "not [9, 13]: in its room"
    assert scene.nursery.tallies[-1].evaluation_env_steps == 3 * STEPS_PER_TASK


def test_where_it_proposes_nothing_the_distribution_stays(tmp_path):
    scene = deciding(tmp_path, 0.1, sizes=())
    assert scene.decision == (None, "search")
    assert scene.size == (5, 7)


def test_a_move_whose_training_failed_is_not_made(tmp_path):
    scene = deciding(tmp_path, NAN)
    assert scene.decision == (None, "rollback")
    assert scene.size == (5, 7)
