"""Boxes of progress by hand; and the published split score that never changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curricula.splitting import boxes_of, halves_progress, split_gain


def values(*numbers):
    return np.array(numbers, dtype=float)


def test_progress_is_the_distance_of_the_halves_whichever_way():
    assert halves_progress(values(0, 0, 3, 5)) == halves_progress(values(3, 5, 0, 0)) == 4.0
    assert halves_progress(values(1, 2, 3)) == pytest.approx(1.5)
    assert halves_progress(values(7)) == halves_progress(values()) == 0.0


def test_a_cut_by_hand():
    # Progress 2 and 0.5 of four and two values.
    assert split_gain(values(0, 0, 2, 2), values(1, 1.5)) == pytest.approx(4 * 2 * 1.5)


def test_a_cut_is_worth_more_the_more_tasks_lie_on_both_sides():
    # A published implementation multiplies the lengths of two-element lists: 2 · 2 for every cut.
    moving, still = values(0, 1), values(5, 5)
    few = split_gain(moving, still)
    many = split_gain(np.repeat(moving, 10), np.repeat(still, 10))
    uneven = split_gain(np.repeat(moving, 10), still)
    assert (few, many, uneven) == (4.0, 400.0, 40.0)


def test_the_cut_is_made_where_progress_differs_and_not_at_the_rim():
    rng = np.random.default_rng(0)
    points = rng.random((400, 2))
    time = np.arange(400) / 400
    changes = np.where(points[:, 1] > 0.5, time, 0.0)
    boxes = boxes_of(points, changes, 399)
    assert len(boxes) == 2
    below, above = sorted(boxes, key=lambda box: box.low[1])
    assert below.high[1] == above.low[1] == pytest.approx(0.5, abs=0.03)
    assert (below.low[0], below.high[0], above.low[0], above.high[0]) == (0.0, 1.0, 0.0, 1.0)
    assert above.progress > 5 * below.progress


@given(seed=st.integers(0, 1000), num=st.integers(0, 120), max_points=st.integers(2, 50))
def test_boxes_fill_the_cube_and_share_out_the_points(seed, num, max_points):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, size=(num, 2)) / 4 + 0.125  # many alike
    boxes = boxes_of(points, rng.random(num), max_points)
    assert sum(np.prod(box.high - box.low) for box in boxes) == pytest.approx(1.0)
    assert sum(len(box.values) for box in boxes) == num
    for box in boxes:
        inside = ((points >= box.low) & (points < box.high)).all(axis=1)
        assert inside.sum() == len(box.values)
        assert len(box.values) <= max_points or len(np.unique(points[inside], axis=0)) == 1


def test_of_no_axis_there_is_one_box():
    (box,) = boxes_of(np.zeros((9, 0)), np.arange(9.0), 2)
    assert len(box.values) == 9
