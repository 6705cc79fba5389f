"""Doing nothing solves what needs no doing, and its steps are counted."""

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.bandit import Bandit
from taskgen.generators.goals import PointGoal
from taskgen.generators.maze import Maze
from taskgen.generators.sinusoid import Sinusoid
from taskgen.idling import solved_by_idling
from taskgen.source import TaskSource


def goals(*places):
    row = {"horizon": 10}
    return [PointGoal().make_task({"goal_x": x, "goal_y": y, **row}, 0) for x, y in places]


def test_a_goal_at_the_start_needs_no_doing():
    # Within 0.01 of the origin it is solved by the first step, else not in ten.
    tasks = goals((0.5, 0.0), (0.005, -0.005), (0.0, 0.4))
    solved, num_steps = solved_by_idling(PointGoal(), tasks, 0, 20.0)
    assert solved.tolist() == [False, True, False]
    assert num_steps == 10 + 1 + 10


def test_choices_have_an_idle_one_that_is_named():
    maze = Maze().from_ascii(">G")
    ahead, steps_ahead = solved_by_idling(Maze(), [maze], 2, 20.0)
    turning, steps_turning = solved_by_idling(Maze(), [maze], 0, 20.0)
    assert (ahead.tolist(), steps_ahead) == ([True], 1)
    assert (turning.tolist(), steps_turning) == ([False], Maze().horizon(maze))


def test_a_source_counts_the_steps():
    source = TaskSource(PointGoal(), "train", "salt")
    assert source.solved_by_idling(goals((0.005, 0.0)), 0).tolist() == [True]
    assert source.solved_by_idling([], 0).tolist() == []
    assert source.draws.idle_env_steps == 1


def test_a_task_that_fails_is_not_solved():
    broken = goals((0.0, 0.0))[0]
    broken = broken.edited({**broken.content, "goal": ["far", 0.0]}, "break")
    solved, _ = solved_by_idling(PointGoal(), [broken, *goals((0.0, 0.0))], 0, 20.0)
    assert solved.tolist() == [False, True]


@pytest.mark.parametrize(
    ("generator", "idle_action", "reason"),
    [
        (Maze(), 3, "idle_action must be a choice"),
        (Sinusoid(), 0, "success has no meaning"),
        (Bandit(), 0, "success has no meaning"),
    ],
)
def test_where_nothing_can_be_done_it_says_so(generator, idle_action, reason):
    source = TaskSource(generator, "train", "salt")
    tasks = source.make(TaskDistribution.make(generator.space, {}), 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match=reason):
        solved_by_idling(generator, tasks, idle_action, 20.0)
