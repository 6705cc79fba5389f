"""The archive by hand: who is an elite, what becomes of old scores, and of ranges that grow."""

import numpy as np

from curricula.archive import TaskArchive
from curricula.checks.specimens import SPACE, Marks


def tasks(num, start=0):
    row = SPACE.complete({})
    return [Marks().make_task(row, seed) for seed in range(start, start + num)]


def filled():
    """Returns an archive of 2 × 2 cells over [0, 1]² and the five tasks told, in one batch."""
    archive, five = TaskArchive((2, 2)), tasks(5)
    features = np.array([[0.0, 0.0], [0.2, 0.1], [0.9, 0.2], [1.0, 1.0], [0.1, 0.4]])
    archive.add(five, np.array([0.1, 0.2, 0.05, 0.0, 0.2]), features)
    return archive, five


def ids(some):
    return {task.id for task in some}


def test_the_best_of_a_cell_stays_and_what_is_worth_nothing_does_not():
    archive, five = filled()
    # Cells over what is worth something: x up to 0.9, y up to 0.4, so cut at 0.45 and 0.2.
    assert ids(archive.tasks) == ids([five[1], five[2], five[4]])
    assert sorted(archive.scores) == [0.05, 0.2, 0.2]


def test_a_later_task_needs_more_than_the_elite_of_its_cell():
    archive, five = filled()
    (rival,) = tasks(1, start=10)
    archive.add([rival], np.array([0.2]), np.array([[0.3, 0.05]]))
    assert rival.id not in ids(archive.tasks)
    archive.add([rival], np.array([0.21]), np.array([[0.3, 0.05]]))
    assert rival.id in ids(archive.tasks)
    assert five[1].id not in ids(archive.tasks)


def test_an_elite_that_is_played_again_has_its_newest_score():
    archive, five = filled()
    archive.add([five[1]], np.array([0.01]), np.array([[0.2, 0.1]]))
    assert dict(zip([t.id for t in archive.tasks], archive.scores, strict=True))[five[1].id] == 0.01
    (rival,) = tasks(1, start=10)
    archive.add([rival], np.array([0.02]), np.array([[0.3, 0.05]]))
    assert five[1].id not in ids(archive.tasks)  # an old high score would have kept it


def test_an_elite_that_has_nothing_to_teach_any_more_leaves():
    archive, five = filled()
    archive.add(five[1:3], np.zeros(2), np.array([[0.2, 0.1], [0.9, 0.2]]))
    assert ids(archive.tasks) == {five[4].id}
    archive.add([five[4]], np.zeros(1), np.array([[0.1, 0.4]]))
    assert archive.tasks == []
    assert np.isnan(archive.heat_map(("x", "y"), "worth").values).all()


def test_ranges_grow_to_what_lies_beyond_and_elites_settle_anew():
    archive, five = filled()
    (far,) = tasks(1, start=10)
    archive.add([far], np.array([0.3]), np.array([[9.0, 0.2]]))
    assert far.id in ids(archive.tasks)
    assert five[2].id not in ids(archive.tasks)  # it shares a cell with a better one now
    shown = archive.heat_map(("x", "y"), "worth")
    assert shown.x_range == (0.0, 9.9)


def test_the_heat_map_has_columns_along_the_first_descriptor():
    archive, three = TaskArchive((3, 2)), tasks(3)
    archive.add(three, np.array([1.0, 2.0, 3.0]), np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 4.0]]))
    shown = archive.heat_map(("x", "y"), "worth")
    np.testing.assert_array_equal(shown.values, [[1.0, np.nan, 2.0], [3.0, np.nan, np.nan]])
    assert (shown.x, shown.y, shown.x_range, shown.y_range) == ("x", "y", (0.0, 6.0), (0.0, 4.0))


def test_a_state_goes_on_the_same():
    archive, _ = filled()
    again = TaskArchive((2, 2))
    again.load_state_dict(archive.state_dict())
    assert again.state_dict() == archive.state_dict()
    more, features = tasks(6, start=20), np.random.default_rng(0).random((6, 2)) * 2
    for each in (archive, again):
        each.add(more, np.linspace(0.1, 0.3, 6), features)
    assert again.state_dict() == archive.state_dict()
