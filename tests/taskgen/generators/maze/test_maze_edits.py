"""Edits of many mazes at once: those of one maze at a time, in arrays."""

from collections import Counter

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import decode
from taskgen.generators.maze.mutate import EDITS, goal_quantiles
from taskgen.source import TaskSource
from taskgen.task import Task

MAZE = Maze()
WIDE = {
    "size": [5, 13],
    "layout": ["random_walls", "wilson", "rooms"],
    "goal_distance": [0.0, 1.0],
    "wall_density": [0.0, 0.4],
}


def drawn(n, **changes):
    place = TaskDistribution.make(MAZE.space, {**WIDE, **changes})
    return list(TaskSource(MAZE, None, "").make(place, n, np.random.default_rng(0)))


def test_every_edit_is_valid_small_and_of_its_own_task():
    tasks = drawn(96)
    edits, which = MAZE.mutate_tasks(tasks, 1, np.random.default_rng(1))
    assert which.tolist() == sorted(set(which.tolist()))
    assert len(edits) == len(which) > 90
    operators = Counter()
    for edit, base in zip(edits, (tasks[i] for i in which), strict=True):
        assert edit.parents == (base.id,)
        assert edit.id != base.id
        assert edit.seed == base.seed
        assert MAZE.is_valid(edit).ok
        MAZE.space.validate(edit.params)
        before, after = decode(base.content), decode(edit.content)
        num_toggled = int((before.interior(0) != after.interior(0)).sum())
        assert num_toggled in (range(1, 4) if edit.operator == "toggle_walls" else range(1))
        kept = {"toggle_walls": {"start", "goal"}, "move_start": {"goal"}, "move_goal": {"start"}}
        for end in ("start", "goal"):
            is_same = edit.content[end] == base.content[end]
            assert is_same == (end in kept[edit.operator])
        assert edit.content["horizon"] == base.content["horizon"]
        operators[edit.operator] += 1
    assert set(operators) == set(EDITS)
    assert min(operators.values()) > 15


def test_parameters_are_measured_as_of_one_maze():
    tasks = drawn(64)
    edits, which = MAZE.mutate_tasks(tasks, 3, np.random.default_rng(2))
    for edit, base in zip(edits, (tasks[i] for i in which), strict=True):
        low, high = goal_quantiles(decode(edit.content))
        wanted = np.clip(base.params["goal_distance"], low, high)
        assert edit.params["goal_distance"] == pytest.approx(wanted, abs=1e-12)
        more = decode(edit.content).interior(0).mean() - decode(base.content).interior(0).mean()
        moved = base.params["wall_density"]
        if base.params["layout"] == "random_walls":
            moved = min(max(moved + more, 0.0), 0.4)
        assert edit.params["wall_density"] == pytest.approx(moved, abs=1e-12)
        assert edit.operator.count("+") == 2


def test_a_task_may_come_several_times_and_gets_different_edits():
    (task,) = drawn(1, size=11)
    edits, which = MAZE.mutate_tasks([task] * 30, 4, np.random.default_rng(0))
    assert len(which) == 30
    assert len(set(edits.ids)) > 25
    assert {parent for edit in edits for parent in edit.parents} == {task.id}


def test_edits_depend_on_the_generator_alone_and_leave_their_tasks():
    tasks = drawn(8)
    before = [task.to_json() for task in tasks]
    one, other = (MAZE.mutate_tasks(tasks, 5, np.random.default_rng(7))[0] for _ in range(2))
    assert list(one) == list(other)
    assert [task.to_json() for task in tasks] == before


def test_what_has_no_edit_or_cannot_be_read_is_missing():
    stuck = MAZE.from_ascii(">G", horizon=1)
    broken = Task(MAZE.name, 1, stuck.params, 0, {"walls": "?"})
    (fine,) = drawn(1)
    edits, which = MAZE.mutate_tasks([stuck, broken, fine, stuck], 1, np.random.default_rng(0))
    assert which.tolist() == [2]
    assert edits[0].parents == (fine.id,)
    assert len(MAZE.mutate_tasks([broken], 1, np.random.default_rng(0))[0]) == 0


def test_a_selection_keeps_where_its_mazes_come_from():
    edits, _ = MAZE.mutate_tasks(drawn(6), 2, np.random.default_rng(0))
    chosen = edits.select([4, 1])
    assert list(chosen) == [edits[4], edits[1]]
    assert list(chosen.extended([edits[:1]])) == [edits[4], edits[1], edits[0]]
    assert edits.ids == [task.id for task in edits]
    assert edits.canonicals == [MAZE.canonical(task) for task in edits]
