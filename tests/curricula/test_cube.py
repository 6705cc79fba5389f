"""The cube of a distribution: there and back, and never outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curricula.checks.specimens import ELSEWHERE, SPACE, START, training_source
from curricula.cube import Frame, points_of
from taskgen.distribution import TaskDistribution

NARROW = TaskDistribution.make(
    SPACE, {"size": 7, "weight": [1.0, 1.1], "kind": {"dotted": 1.0, "dashed": 3.0}}
)
WHOLE = TaskDistribution.whole(SPACE)
PLACES = {"start": START, "elsewhere": ELSEWHERE, "narrow": NARROW, "whole": WHOLE}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@given(points=st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=1, max_size=20))
def test_no_point_leads_outside(place, points):
    frame = Frame(place)
    rows = SPACE.rows(frame.columns(np.array(points)[:, : len(frame.free)]))
    assert all(place.contains(row) for row in rows)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_rows_of_the_distribution_go_there_and_back(place):
    frame = Frame(place)
    tasks = training_source().make(place, 40, np.random.default_rng(0))
    points = points_of(SPACE, [task.params for task in tasks])
    assert frame.inside(points).all()
    back = SPACE.rows(frame.columns(frame.local(points)))
    for row, task in zip(back, tasks, strict=True):
        assert row["size"] == task.params["size"]
        assert row["kind"] == task.params["kind"]
        assert row["weight"] == pytest.approx(task.params["weight"], rel=1e-9)
    np.testing.assert_allclose(frame.points(frame.local(points)), points, atol=1e-9)


def test_uniform_points_are_tasks_as_the_distribution_draws_them():
    rng = np.random.default_rng(0)
    columns = Frame(NARROW).columns(rng.random((4000, 2)))
    kinds, counts = np.unique(columns["kind"], return_counts=True)
    assert kinds.tolist() == ["dashed", "dotted"]
    assert counts[0] / 4000 == pytest.approx(0.75, abs=0.03)
    sizes = np.unique(Frame(START).columns(rng.random((3000, 3)))["size"], return_counts=True)
    assert np.abs(sizes[1] / 3000 - 1 / 3).max() < 0.04


def test_what_lies_elsewhere_is_not_inside():
    tasks = training_source().make(ELSEWHERE, 20, np.random.default_rng(0))
    assert not Frame(START).inside(points_of(SPACE, [task.params for task in tasks])).any()


def test_bins_part_no_number_and_no_choice():
    frame = Frame(TaskDistribution.make(SPACE, {"size": [1, 9], "kind": ["plain", "dashed"]}))
    assert frame.num_values() == [5, 2]
    sizes, kinds = frame.edges([2, 2])
    np.testing.assert_allclose(sizes, [0.0, 0.4, 1.0])
    np.testing.assert_allclose(kinds, [0.0, 0.5, 1.0])
    (weights,) = Frame(TaskDistribution.make(SPACE, {"weight": [1.0, 4.0]})).edges([4])
    np.testing.assert_allclose(weights, [0.0, 0.25, 0.5, 0.75, 1.0])
