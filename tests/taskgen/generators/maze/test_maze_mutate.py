"""Edits: valid, small, of known parents."""

from collections import Counter

import numpy as np
import pytest

from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import decode
from taskgen.generators.maze.mutate import goal_quantiles

MAZE = Maze()


def made(seed=0, **values):
    return MAZE.make_task(MAZE.space.complete({"size": 9, **values}), seed)


@pytest.mark.parametrize("layout", MAZE.space["layout"].choices)
def test_edits_are_valid_small_and_say_where_they_come_from(layout):
    rng = np.random.default_rng(0)
    task = made(layout=layout)
    operators = Counter()
    for _ in range(60):
        edited = MAZE.mutate(task, rng)
        assert edited is not None
        assert MAZE.is_valid(edited).ok
        assert edited.parents == (task.id,)
        assert edited.id != task.id
        assert edited.content["horizon"] == task.content["horizon"]
        MAZE.space.validate(edited.params)
        before, after = decode(task.content), decode(edited.content)
        num_toggled = int((before.interior(0) != after.interior(0)).sum())
        moved = {
            "start": task.content["start"] != edited.content["start"],
            "goal": task.content["goal"] != edited.content["goal"],
        }
        expected = {
            "toggle_walls": (range(1, 4), {"start": False, "goal": False}),
            "move_start": (range(1), {"start": True, "goal": False}),
            "move_goal": (range(1), {"start": False, "goal": True}),
        }[edited.operator]
        assert num_toggled in expected[0]
        assert moved == expected[1]
        operators[edited.operator] += 1
        task = edited
    assert set(operators) == {"toggle_walls", "move_start", "move_goal"}


def test_edits_depend_on_the_generator_alone():
    one, other = (MAZE.mutate(made(), np.random.default_rng(3)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("quantile", [0.0, 0.3, 0.75, 1.0])
def test_the_quantile_of_a_goal_is_measured(quantile):
    for seed in range(20):
        low, high = goal_quantiles(decode(made(seed, goal_distance=quantile).content))
        assert low - 1e-9 <= quantile <= high + 1e-9


def test_goal_distance_follows_the_goal():
    task = MAZE.from_ascii(">...G")
    assert goal_quantiles(decode(task.content)) == (pytest.approx(5 / 6), 1.0)
    near = MAZE.from_ascii(">G...")
    assert goal_quantiles(decode(near.content)) == (0.0, pytest.approx(1 / 6))


def test_wall_density_moves_with_the_walls_only_where_it_acts():
    rng = np.random.default_rng(1)
    for layout, acts in (("random_walls", True), ("wilson", False)):
        task = made(layout=layout)
        edited = task
        while edited.operator != "toggle_walls":
            edited = MAZE.mutate(task, rng)
        more = np.subtract(*(decode(t.content).interior(0).mean() for t in (edited, task)))
        expected = task.params["wall_density"] + (more if acts else 0.0)
        assert edited.params["wall_density"] == pytest.approx(expected)


def test_a_maze_without_room_for_an_edit_has_none():
    assert MAZE.mutate(MAZE.from_ascii(">G", horizon=1), np.random.default_rng(0)) is None
