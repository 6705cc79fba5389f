from dataclasses import replace

import pytest

from curricula.algorithms.adr import AutomaticDomainRandomization as Adr
from curricula.checks.specimens import MOVABLE, SPACE, START
from curricula.search import Candidate, Gain
from taskgen.distribution import Interval, TaskDistribution

SIDES = ["size.low", "size.high", "weight.low", "weight.high"]


def make(**options):
    return Adr(Adr.Config(**{"buffer_size": 4, "num_tasks": 2} | options))


def ask(search, incumbent=START, movable=MOVABLE):
    return search.ask(incumbent, movable, 1, generation=1, seed=0)


def made(search, incumbent=START):
    """Has the search move, as a campaign does, and returns where that leads."""
    (candidate,) = ask(search, incumbent)
    search.tell([candidate], [Gain(0.0)])
    return candidate.distribution


def test_every_side_of_every_number_is_probed_at_its_end():
    probes = make().probes(START, MOVABLE)
    assert [probe.name for probe in probes] == SIDES
    assert {probe.num_tasks for probe in probes} == {2}
    at_high = probes[1].distribution
    assert at_high.regions["size"] == Interval(9, 9)
    assert at_high.regions["weight"] == START.regions["weight"]


def test_a_full_buffer_whose_mean_reaches_the_threshold_moves_its_end_alone():
    search = make()
    search.tell_probes({"size.high": [1.0, 1.0]})
    assert ask(search) == [], "two scores of four: the buffer is not full"
    search.tell_probes({"size.high": [1.0, 0.0]})
    after = made(search)  # mean 3/4; a tenth of the room, 20, is 2: one step of the grid
    assert after.regions == {**START.regions, "size": Interval(5, 11)}
    assert ask(search, after) == [], "the buffer was emptied, and the move is made"


@pytest.mark.parametrize(("scores", "high"), [([0, 1, 0, 1], 11), ([0, 1, 0, 0], 9)])
def test_between_the_thresholds_it_stays_and_below_it_comes_back(scores, high):
    search = make()
    search.tell_probes({"size.high": [1.0] * 4})
    here = made(search)
    search.tell_probes({"size.high": scores})
    there = made(search, here) if ask(search, here) else here
    assert there.regions["size"] == Interval(5, high)


def test_no_end_comes_back_further_than_where_it_began():
    search = make()
    search.tell_probes({"size.high": [0.0] * 4})
    assert ask(search) == []


def test_several_ends_move_in_one_generation():
    search = make()
    search.tell_probes({"size.low": [1.0] * 4, "size.high": [1.0] * 4})
    assert made(search).regions["size"] == Interval(3, 11)


def test_a_step_is_a_share_of_the_room_on_the_axis_of_the_parameter():
    search = make(step=0.25)  # of ln(10 / 0.1): a factor of 100 ** 0.25
    search.tell_probes({"weight.high": [1.0] * 4})
    region = made(search).regions["weight"]
    assert region.low == pytest.approx(0.5)
    assert region.high == pytest.approx(2 * 100**0.25)


def test_a_move_doubles_an_interval_at_most_and_a_point_counts_as_its_least_width():
    search = make(step=1.0)
    search.tell_probes({"still.high": [1.0] * 4})
    (candidate,) = ask(search, movable=["still"])  # from 0.5, half the room: min_width is 0.05
    assert candidate.distribution.regions["still"].high == pytest.approx(0.6)
    assert candidate.distribution.regions["still"].low == pytest.approx(0.5)


def test_nothing_leaves_the_room_nor_is_probed_at_its_end():
    search = make()
    here = replace(START, room={"size": Interval(5, 11)})
    assert [p.name for p in search.probes(here, ["size"])] == ["size.high"]
    search.tell_probes({"size.high": [1.0] * 4})
    there = replace(made(search, here), room=here.room)
    assert there.regions["size"] == Interval(5, 11)
    search.tell_probes({"size.high": [1.0] * 4})
    assert ask(search, there) == []
    assert [p.name for p in search.probes(there, ["size"])] == ["size.high"], "it may come back"


def test_scores_that_are_not_finite_are_not_counted():
    search = make(buffer_size=2)
    search.tell_probes({"size.high": [float("nan"), 1.0]})
    assert ask(search) == []
    search.tell_probes({"size.high": [1.0]})
    assert ask(search) != []
    assert search.metrics() == {"search/boundary/size.high": 1.0}


def test_a_move_whose_branch_failed_is_not_made():
    search = make()
    search.tell_probes({"size.high": [1.0] * 4})
    search.tell(ask(search), [Gain(float("nan"))])
    search.tell_probes({"size.high": [0.0] * 4})
    assert ask(search) == [], "the end did not move, so it cannot come back"


def test_a_move_that_was_not_asked_for_is_refused():
    with pytest.raises(RuntimeError, match="ask first"):
        make().tell([Candidate(START, "move", {"size.shift": 1.0})], [Gain(0.1)])


def test_categories_and_what_has_no_effect_are_not_probed():
    point = TaskDistribution.make(SPACE, {})
    assert make().probes(point, ["kind"]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold_low": 0.7}, "below threshold_high"),
        ({"step": 0.0}, r"in \(0, 1\]"),
        ({"buffer_size": 0}, "buffer_size must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Adr.Config(**options)
