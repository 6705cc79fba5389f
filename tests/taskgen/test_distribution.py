import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskgen.distribution import Interval, TaskDistribution, Weights
from taskgen.parameter_space import OutOfSpace, ParameterSpace
from taskgen.parameters import Categorical, Float, Int

SPACE = ParameterSpace(
    {
        "size": Int(low=5, high=25, step=2, default=7),
        "mass": Float(low=0.5, high=8.0, default=1.0, log=True),
        "layout": Categorical(choices=("open", "rooms", "walls"), default="rooms"),
        "density": Float(low=0.0, high=0.4, default=0.2, active_when={"layout": ("walls",)}),
    }
)
NUMBERS = ("size", "mass", "density")
UNIT = st.floats(0.0, 1.0)
MOVE = st.floats(-1.0, 1.0)


@st.composite
def distributions(draw):
    regions = {}
    for name in NUMBERS:
        parameter = SPACE[name]
        low, high = parameter.axis
        ends = sorted(low + (high - low) * draw(UNIT) for _ in range(2))
        regions[name] = [parameter.from_axis(end) for end in ends]
    weights = [draw(st.floats(0.01, 1.0)) for _ in range(3)]
    regions["layout"] = dict(zip(SPACE["layout"].choices, weights, strict=True))
    return TaskDistribution.make(SPACE, regions)


@st.composite
def moves(draw):
    return {axis: draw(MOVE) for axis in TaskDistribution.whole(SPACE).moves(SPACE)}


@given(distributions(), st.integers(0, 2**32))
def test_what_is_sampled_is_contained(distribution, seed):
    columns = distribution.sample(20, np.random.default_rng(seed))
    for row in SPACE.rows(columns):
        SPACE.validate(row)
        assert distribution.contains(row)


@given(distributions(), distributions(), st.integers(0, 2**32))
def test_many_points_are_told_apart_as_rows_are(distribution, other, seed):
    rows = SPACE.rows(other.sample(20, np.random.default_rng(seed)))
    mixed = replace(distribution, rehearsal=((0.2, other),))
    points = np.array([SPACE.to_point(row) for row in rows])
    for place in (distribution, mixed):
        expected = [place.contains(row) for row in rows]
        assert place.contains_points(points).tolist() == expected


@given(distributions())
def test_json_round_trip(distribution):
    text = json.dumps(distribution.to_json())
    again = TaskDistribution.from_json(SPACE, json.loads(text))
    assert again.regions == distribution.regions
    assert again.digest == distribution.digest


@given(distributions(), moves())
def test_a_move_stays_within_the_bounds_and_keeps_the_sign(distribution, move):
    moved = distribution.moved(move)
    for name in NUMBERS:
        region, parameter = moved.regions[name], SPACE[name]
        assert parameter.contains(region.low)
        assert parameter.contains(region.high)
    assert sum(moved.regions["layout"].values) == pytest.approx(1.0)


@settings(max_examples=300)
@given(distributions(), moves())
def test_the_effective_move_leads_to_the_same_place(distribution, move):
    moved = distribution.moved(move)
    effective = distribution.effective_move(moved, move)
    assert all(-1.0 <= value <= 1.0 for value in effective.values())
    again = distribution.moved(effective)
    for name in NUMBERS:
        here, there = again.regions[name], moved.regions[name]
        assert here.low == pytest.approx(there.low, rel=1e-6, abs=1e-9)
        assert here.high == pytest.approx(there.high, rel=1e-6, abs=1e-9)


@given(distributions())
def test_no_move_changes_nothing(distribution):
    still = distribution.moved(dict.fromkeys(distribution.moves(SPACE), 0.0))
    assert still == distribution
    assert set(distribution.effective_move(still, {"size.shift": 0.0}).values()) == {0.0}


def test_moves_by_hand():
    here = TaskDistribution.make(SPACE, {"size": [9, 13], "mass": [1.0, 2.0]})
    assert here.moved({"size.shift": 0.5}).regions["size"] == Interval(11, 15)
    assert here.moved({"size.log_width": 1.0}).regions["size"] == Interval(7, 15)
    mass = here.moved({"mass.shift": 1.0}).regions["mass"]
    assert (mass.low, mass.high) == pytest.approx((2.0, 4.0))
    tilted = here.moved({"layout.open": 1.0}).regions["layout"].values
    odds = 0.01 * math.exp(2.0)
    assert tilted == pytest.approx((odds / (odds + 1.01), 1 / (odds + 1.01), 0.01 / (odds + 1.01)))


def test_the_move_toward_by_hand():
    here = TaskDistribution.make(SPACE, {"size": [9, 13], "mass": [1.0, 2.0]})
    aim = TaskDistribution.make(SPACE, {"size": [7, 25], "mass": [1.0, 2.0]})
    move = here.toward(aim, SPACE)
    assert move == {"size.shift": pytest.approx(0.0), "size.log_width": 1.0}
    assert here.moved(move).regions["size"] == Interval(7, 15)
    away = TaskDistribution.make(SPACE, {"size": [23, 25], "layout": "open"})
    move = here.toward(away, ["size"])
    assert move == {"size.shift": 1.0, "size.log_width": -1.0}
    assert here.toward(here, SPACE) == {}


def test_each_end_approaches_by_a_ring_at_most():
    here = TaskDistribution.make(SPACE, {"size": [9, 17], "mass": [1.0, 2.0], "layout": "open"})
    aim = TaskDistribution.make(SPACE, {"size": [7, 25], "mass": [1.5, 1.6]})
    near = here.approached(aim, 0.25, ["size", "layout"])
    assert near.regions["size"] == Interval(7, 19)
    assert near.regions["layout"] == aim.regions["layout"]
    assert near.regions["mass"] == here.regions["mass"], "which was not named"
    assert here.approached(aim, 9.0, SPACE) == aim


def assert_there(distribution, aim):
    """Asserts that the numbers lie where they should, but for the width of a point."""
    for name in NUMBERS:
        here, there = distribution.regions[name], aim.regions[name]
        step = getattr(SPACE[name], "step", 0)
        width = SPACE[name].min_axis_width
        for mine, its in ((here.low, there.low), (here.high, there.high)):
            gap = abs(SPACE[name].to_axis(mine) - SPACE[name].to_axis(its))
            assert gap <= max(step, 0.51 * width)


@settings(max_examples=300)
@given(distributions(), distributions())
def test_moves_toward_a_distribution_end_there(distribution, aim):
    for _ in range(60):
        distribution = distribution.moved(distribution.toward(aim, NUMBERS))
    assert_there(distribution, aim)


@settings(max_examples=50, deadline=None)
@given(distributions(), distributions(), st.floats(0.25, 1.0))
def test_rings_toward_a_distribution_end_there(distribution, aim, margin):
    for _ in range(500):
        near = distribution.approached(aim, margin, NUMBERS)
        after = distribution.moved(distribution.toward(near, NUMBERS))
        if after == distribution:
            break
        distribution = after
    assert_there(distribution, aim)


def test_a_room_ends_moves_before_the_bounds_do():
    here = replace(TaskDistribution.make(SPACE, {"size": [9, 13]}), room={"size": Interval(7, 15)})
    assert here.moved({"size.shift": 1.0}).regions["size"] == Interval(11, 15)
    assert here.moved({"size.shift": -1.0}).regions["size"] == Interval(7, 11)
    whole = here.moved({"size.log_width": 1.0, "size.shift": 1.0})
    assert whole.regions["size"] == Interval(7, 15)
    assert "room" not in here.to_json()


def test_a_point_grows_from_its_min_width_and_an_interval_slides_along_the_bounds():
    point = TaskDistribution.make(SPACE, {"size": 5})
    assert point.moved({"size.log_width": 0.0, "size.shift": 0.0}) == point
    assert point.moved({"size.log_width": 1.0}).regions["size"] == Interval(5, 13)
    edge = TaskDistribution.make(SPACE, {"size": [21, 25]})
    assert edge.moved({"size.shift": 1.0}) == edge
    assert edge.effective_move(edge, {"size.shift": 1.0})["size.shift"] == 0.0


def test_a_move_along_no_axis_is_refused():
    with pytest.raises(OutOfSpace, match=r"no axis 'size.open'"):
        TaskDistribution.whole(SPACE).moved({"size.open": 1.0})


def test_inactive_parameters_do_not_move():
    here = TaskDistribution.make(SPACE, {})
    assert "density.shift" not in here.moves(SPACE)
    walled = TaskDistribution.make(SPACE, {"layout": ["walls", "open"]})
    assert {"density.shift", "density.log_width"} <= set(walled.moves(SPACE))


def test_volume_by_hand():
    assert TaskDistribution.whole(SPACE).volume() == pytest.approx(1.0)
    here = TaskDistribution.make(
        SPACE, {"size": [5, 9], "mass": [1.0, 2.0], "density": 0.1, "layout": ["open", "walls"]}
    )
    widths = here.widths()
    assert widths["size"] == pytest.approx(3 / 11)
    assert widths["mass"] == pytest.approx(1 / 4)
    assert widths["layout"] == pytest.approx(2 / 3)
    assert widths["density"] == 1e-3
    assert here.volume(["size", "mass"]) == pytest.approx(3 / 44)
    assert here.nats()["mass"] == pytest.approx(-math.log(4))


@given(distributions(), st.floats(0.05, 1.0))
def test_widened_holds_what_it_widens_and_one_step_more(distribution, margin):
    wide = distribution.widened(margin, NUMBERS)
    for name in NUMBERS:
        inner, outer = distribution.regions[name], wide.regions[name]
        slack = 1e-9
        assert outer.low <= inner.low + slack
        assert outer.high >= inner.high - slack
        if inner.high < SPACE[name].high * (1 - 1e-9):
            assert outer.high > inner.high
    assert wide.regions["layout"] == distribution.regions["layout"]


def test_rehearsal_mixes_in_earlier_tasks_by_its_share():
    old = TaskDistribution.make(SPACE, {"size": 5})
    new = TaskDistribution(
        SPACE, TaskDistribution.make(SPACE, {"size": 25}).regions, ((0.25, old),)
    )
    sizes = new.sample(4000, np.random.default_rng(0))["size"]
    assert set(sizes.tolist()) == {5, 25}
    assert np.mean(sizes == 5) == pytest.approx(0.25, abs=0.03)
    assert new.contains(SPACE.complete({"size": 5}))
    assert not new.contains(SPACE.complete({"size": 7}))
    again = TaskDistribution.from_json(SPACE, new.to_json())
    assert again.rehearsal[0][0] == 0.25
    assert again.digest == new.digest != old.digest


def test_intervals_are_uniform_on_their_own_scale():
    here = TaskDistribution.make(SPACE, {"mass": [0.5, 8.0], "layout": {"open": 3, "walls": 1}})
    columns = here.sample(4000, np.random.default_rng(1))
    assert np.mean(columns["mass"] < 2.0) == pytest.approx(0.5, abs=0.03)
    assert np.mean(columns["layout"] == "open") == pytest.approx(0.75, abs=0.03)
    assert not np.any(columns["layout"] == "rooms")


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ({"wall": 1}, "unknown parameters .'wall'."),
        ({"size": [5, 8]}, "size must be a whole number"),
        ({"size": [9, 5]}, r"got \[9, 5\]; write \[5, 9\] if that is what you mean"),
        (
            {"size": [6, 3]},
            r"got 6 \(nearest: 5 or 7\) and 3 \(nearest: 5\); low must not be above",
        ),
        ({"size": [5, 7, 9]}, r"size must be a number or \[low, high\]"),
        ({"size": None}, r"size must be a number or \[low, high\]"),
        ({"layout": {"open": "much"}}, "layout must be a choice, a list of choices"),
        ({"mass": [0.1, 1.0]}, "mass must be in"),
        ({"layout": ["maze"]}, "layout must be one of open, rooms, walls, got 'maze'"),
        ({"layout": {"open": 0.0}}, "not all zero"),
        ({"layout": {"open": -1.0, "walls": 2.0}}, ">= 0"),
    ],
)
def test_regions_that_are_not_of_the_space_are_refused(regions, message):
    with pytest.raises(OutOfSpace, match=message):
        TaskDistribution.make(SPACE, regions)


def test_weights_are_probabilities():
    assert Weights((2.0, 6.0)).values == (0.25, 0.75)


BOX = ParameterSpace(
    {
        "size": Int(low=1, high=11, default=1),
        "speed": Float(low=0.0, high=2.0, default=1.0),
        "way": Categorical(choices=("left", "right"), default="left"),
    }
)


def place(**regions):
    return TaskDistribution.make(BOX, regions)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ({"size": [1, 4]}, {"size": [3, 7]}, 2 / 7),
        ({"size": [1, 4]}, {"size": [6, 9]}, -0.2 / 3),  # 4 to 6 of ten, one axis of three
        ({"size": [1, 4], "speed": [0, 1]}, {"size": [5, 9], "speed": [1.5, 2]}, -0.35 / 3),
        ({"way": "left"}, {"way": "right"}, -1 / 3),
        ({"way": "left"}, {"way": ["left", "right"]}, 0.5 / 1.5),
    ],
)
def test_likeness_is_what_is_common_or_else_how_far_apart(one, other, likeness):
    assert place(**one).likeness(place(**other), BOX) == pytest.approx(likeness)
    assert place(**other).likeness(place(**one), BOX) == pytest.approx(likeness)


def test_coming_nearer_is_more_alike_before_anything_is_covered():
    aim = place(size=[9, 11], speed=[0, 2])
    on_the_way = [place(size=[low, low + 1], speed=[1, 1.5]) for low in range(1, 8)]
    likeness = [here.likeness(aim, ["size", "speed"]) for here in on_the_way]
    assert likeness == sorted(set(likeness)), "each step counts"
    assert likeness[-1] < 0 < place(size=[8, 9], speed=[1, 1.5]).likeness(aim, ["size", "speed"])
