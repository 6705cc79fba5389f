"""Learning progress by hand, and the cells that it is measured on."""

import numpy as np
import pytest

from curricula.checks.specimens import SPACE, START
from curricula.cube import Frame
from curricula.progress import (
    Cells,
    bidirectional_progress,
    nearest_progress,
    normalized,
    progress_law,
    reweighted,
)
from taskgen.distribution import TaskDistribution


def test_a_baseline_near_one_is_cut_at_three_quarters():
    np.testing.assert_allclose(normalized(np.array([0.75, 0.875, 1.0]), 0.99), [0.0, 0.5, 1.0])


def test_reweighting_by_hand():
    # q(1 − θ) / (q + θ(1 − 2q)) at θ = 0.2, q = 0.5: 0.4 / 0.5
    np.testing.assert_allclose(reweighted(np.array([0.5, 0.2]), 0.2), [0.8, 0.5])


def test_progress_is_two_sided_and_larger_where_rates_are_low():
    fast, slow = np.array([0.2, 0.1, 0.9, 0.5]), np.array([0.1, 0.2, 0.8, 0.5])
    found = bidirectional_progress(fast, slow)
    assert found[0] == found[1] > 4 * found[2] > 0.0
    assert found[3] == 0.0


def test_the_law_by_hand():
    # Of 0.1 and 0.3 the standard scores are −1 and 1.
    law = progress_law(np.array([0.1, np.nan, 0.3, 0.0]))
    logistic = 1.0 / (1.0 + np.exp([1.0, -1.0]))
    np.testing.assert_allclose(law, [logistic[0], 0.0, logistic[1], 0.0])
    np.testing.assert_allclose(progress_law(np.array([0.0, np.nan])), [0.5, 0.5])


def test_progress_is_to_the_nearest_task_and_of_equals_to_the_last():
    past, values = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]), np.array([1.0, 2.0, 5.0])
    points = np.array([[0.1, 0.2], [0.9, 0.8]])
    np.testing.assert_allclose(
        nearest_progress(points, np.array([0.0, 4.0]), past, values), [1.0, 1.0]
    )
    nothing = np.zeros((0, 2)), np.zeros(0)
    np.testing.assert_array_equal(nearest_progress(points, np.array([3.0, 4.0]), *nothing), [0, 0])


def test_axes_are_cut_evenly_but_no_finer_than_they_have_values():
    whole = TaskDistribution.make(SPACE, {"size": [5, 9], "weight": [0.5, 2.0]})
    assert Cells(Frame(whole), 64).num_bins == [3, 21]
    assert Cells(Frame(START), 64).num_bins == [3, 10, 2]
    assert Cells(Frame(START), 4).num_bins == [2, 2, 1]
    point = TaskDistribution.make(SPACE, {})
    assert (Cells(Frame(point), 64).num_bins, Cells(Frame(point), 64).num) == ([], 1)


def test_what_is_drawn_from_a_cell_lies_in_it():
    cells = Cells(Frame(START), 20)
    index = np.repeat(np.arange(cells.num), 30)
    columns = cells.draw(index, np.random.default_rng(0))
    rows = SPACE.rows(columns)
    assert all(START.contains(row) for row in rows)
    local = cells.frame.local(np.array([SPACE.to_unit(row) for row in rows]))
    np.testing.assert_array_equal(cells.index(local), index)


@pytest.mark.parametrize("max_cells", [1, 7, 64])
def test_centres_lie_in_their_cells(max_cells):
    cells = Cells(Frame(START), max_cells)
    np.testing.assert_array_equal(cells.index(cells.centres()), np.arange(cells.num))
