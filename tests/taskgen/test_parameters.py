import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskgen.parameter_space import OutOfSpace, ParameterSpace
from taskgen.parameters import Categorical, Float, Int, parameter_from_json

SPACE = ParameterSpace(
    {
        "size": Int(low=5, high=25, step=2, default=7),
        "mass": Float(low=0.5, high=8.0, default=1.0, log=True, unit="kg"),
        "angle": Float(low=-1.0, high=3.0, default=0.0),
        "layout": Categorical(choices=("open", "rooms", "walls"), default="rooms"),
        "density": Float(
            low=0.0, high=0.4, default=0.2, active_when={"layout": ("walls",), "size": (9, 25)}
        ),
    }
)
UNITS = st.lists(st.floats(0.0, 1.0), min_size=len(SPACE), max_size=len(SPACE))


@given(UNITS)
def test_unit_codec_gives_rows_of_the_space_and_returns(point):
    row = SPACE.from_unit(point)
    SPACE.validate(row)
    again = SPACE.from_unit(SPACE.to_unit(row))
    assert again["size"] == row["size"]
    assert again["layout"] == row["layout"]
    for name in ("mass", "angle", "density"):
        assert again[name] == pytest.approx(row[name], abs=1e-12)


@given(UNITS)
def test_unit_codec_moves_a_row_by_less_than_half_a_grid_step(point):
    there = SPACE.to_unit(SPACE.from_unit(point))
    reach = [0.5 / 10, 1e-9, 1e-9, 0.5 / 2, 1e-9]
    assert np.all(np.abs(there - point) <= np.array(reach) + 1e-9)


def test_unit_codec_by_hand():
    row = SPACE.from_unit([0.5, 0.5, 0.25, 1.0, 0.0])
    assert row == {"size": 15, "mass": 2.0, "angle": 0.0, "layout": "walls", "density": 0.0}
    assert SPACE.from_unit([-3.0] * 5) == SPACE.from_unit([0.0] * 5)


@given(st.lists(UNITS, min_size=1, max_size=5))
def test_rows_and_columns_are_inverse(points):
    rows = [SPACE.from_unit(point) for point in points]
    assert SPACE.rows(SPACE.columns(rows)) == rows


def test_from_unit_of_an_interval_draws_its_grid_values_equally():
    unit = (np.arange(3000) + 0.5) / 3000
    values, counts = np.unique(SPACE["size"].from_unit(unit, 5, 9), return_counts=True)
    assert values.tolist() == [5, 7, 9]
    assert counts.tolist() == [1000, 1000, 1000]


def test_complete_fills_in_defaults_and_plain_types():
    row = SPACE.complete({"size": np.int64(9), "mass": 1})
    assert row == {"size": 9, "mass": 1.0, "angle": 0.0, "layout": "rooms", "density": 0.2}
    assert [type(value) for value in row.values()] == [int, float, float, str, float]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"size": 6}, r"in \[5, 25\] in steps of 2, got 6 \(nearest: 5 or 7\)"),
        ({"size": 27}, r"got 27 \(nearest: 25\)"),
        ({"size": 7.5}, r"got 7.5 \(nearest: 7 or 9\)"),
        ({"size": True}, "got True"),
        ({"mass": math.nan}, r"mass must be in \[0.5, 8\] kg, got nan\."),
        ({"mass": math.inf}, r"got inf \(nearest: 8\)"),
        ({"mass": "heavy"}, r"got 'heavy'\."),
        ({"layout": "maze"}, r"one of open, rooms, walls, got 'maze'\."),
        ({"layout": "room"}, r"got 'room' \(did you mean rooms\?\)"),
        ({"wall": 1}, "'wall' is not in this space; it has size, mass"),
    ],
)
def test_what_is_out_of_the_space_is_refused_with_a_cure(row, message):
    with pytest.raises(OutOfSpace, match=message):
        SPACE.complete(row)


def test_a_row_that_lacks_a_parameter_is_refused():
    with pytest.raises(OutOfSpace, match="lacks angle, layout, density"):
        SPACE.validate({"size": 5, "mass": 1.0})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Float(low=0.0, high=math.inf, default=1.0),
        lambda: Float(low=math.nan, high=1.0, default=1.0),
        lambda: Float(low=1.0, high=1.0, default=1.0),
        lambda: Float(low=0.0, high=1.0, default=0.5, log=True),
        lambda: Float(low=0.0, high=1.0, default=2.0),
        lambda: Int(low=5, high=10, step=2, default=5),
        lambda: Int(low=5, high=9, step=2, default=6),
        lambda: Int(low=5, high=9, step=0, default=5),
        lambda: Categorical(choices=("one",), default="one"),
        lambda: Categorical(choices=("one", "one"), default="one"),
        lambda: Categorical(choices=("one", "two"), default="three"),
        lambda: ParameterSpace({"a": Int(low=1, high=2, default=1, active_when={"b": (1,)})}),
        lambda: ParameterSpace({"a": Int(low=1, high=2, default=1, active_when={"a": (1, 9)})}),
        lambda: parameter_from_json({"low": 1, "high": 2}),
        lambda: parameter_from_json({"low": 1, "high": 2, "default": 1, "colour": "red"}),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(make):
    with pytest.raises(ValueError, match=r"must|needs|names|not"):
        make()


def test_active_when_takes_choices_and_intervals():
    row = SPACE.complete({"layout": "walls", "size": 9})
    assert SPACE.is_active("density", row)
    assert not SPACE.is_active("density", {**row, "size": 7})
    assert not SPACE.is_active("density", {**row, "layout": "open"})
    assert SPACE.is_active("size", row)


def test_parameters_of_plain_fields():
    assert parameter_from_json({"low": 1, "high": 3, "default": 2}) == Int(low=1, high=3, default=2)
    log = parameter_from_json({"low": 1, "high": 3, "default": 2, "log": True})
    assert log == Float(low=1, high=3, default=2, log=True)
    choice = parameter_from_json({"choices": ["a", "b"], "default": "a"})
    assert choice == Categorical(choices=("a", "b"), default="a")
