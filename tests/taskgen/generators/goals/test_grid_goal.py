from dataclasses import replace

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.goals import GridGoal
from taskgen.generators.goals.grid import goal_cells
from taskgen.recording import Recorder
from taskgen.vector import Lifetime

STAY, UP, RIGHT, DOWN, LEFT = range(5)


def at(**values):
    return TaskDistribution.make(GridGoal.space, values)


def task_at(goal, size=5, **params):
    generator = GridGoal()
    task = generator.make_task(GridGoal.space.complete({"size": size, **params}), 0)
    return task.edited({**task.content, "goal": list(goal)}, "put")


def played(tasks, actions, num_episodes=1):
    """Rewards [H, B] and successes [H, B] of one sequence of actions in all tasks."""
    env = GridGoal().make_vector_env(len(tasks))
    lifetime = Lifetime(num_episodes=num_episodes)
    env.reset(seed=0, options={"tasks": tasks, "lifetime": lifetime})
    steps = [env.step(np.full(len(tasks), action)) for action in actions]
    return np.array([s[1] for s in steps]), np.array([s[4]["success"] for s in steps])


def test_a_walk_pays_by_hand():
    """Two up, one right, stay: the goal is entered with the third step, of fifteen."""
    rewards, successes = played([task_at((1, 2))], [UP, UP, RIGHT] + 12 * [STAY])
    assert rewards[:, 0] == pytest.approx([-0.1, -0.1] + 13 * [1.0])
    assert successes[:, 0].tolist() == 14 * [False] + [True]
    assert rewards.sum() == pytest.approx(GridGoal().oracle_return(task_at((1, 2))))


def test_a_goal_that_was_left_again_was_reached():
    rewards, successes = played([task_at((0, 2))], [UP, UP, DOWN] + 12 * [LEFT])
    assert rewards[:, 0] == pytest.approx([-0.1, 1.0] + 13 * [-0.1])
    assert successes[-1, 0]


def test_the_edge_holds_and_every_episode_starts_in_the_corner():
    recorder = Recorder(GridGoal().make_vector_env(1))
    task = task_at((2, 2), size=3)
    recorder.reset(seed=0, options={"tasks": [task], "lifetime": Lifetime(num_episodes=2)})
    walk = [DOWN, LEFT, RIGHT, RIGHT, RIGHT, UP, UP, UP, LEFT]
    for action in walk + walk:
        recorder.step(np.array([action]))
    first, second = recorder.episodes(0)
    seen = first.observations.reshape(-1, 2, 9).argmax(axis=2)
    expected = [(0, 0)] * 3 + [(1, 0), (2, 0), (2, 0), (2, 1), (2, 2), (2, 2), (1, 2)]
    assert [tuple(place) for place in seen] == expected
    assert first.observations.sum() == 2 * 10
    assert np.array_equal(first.observations, second.observations)


def test_the_oracle_of_the_published_grid():
    generator = GridGoal()
    tasks = generator.suites()["every-goal-5"]
    assert len({task.id for task in tasks}) == 21
    assert np.mean([generator.oracle_return(task) for task in tasks]) == pytest.approx(11.0714286)
    assert generator.oracle_return(task_at((4, 4))) == pytest.approx(8 - 0.7)


def test_the_bayes_return_of_the_published_grid():
    whole = at(goal_distance=[0, 1])
    returns = [GridGoal().bayes_return(whole, num) for num in (1, 4)]
    assert returns == pytest.approx([4.0, 37.2142857])


def test_the_bayes_return_of_a_goal_that_is_known_is_the_oracles():
    generator = GridGoal()
    far = at(goal_distance=1.0)  # the one cell that is farthest
    assert generator.bayes_return(far, 2) == pytest.approx(
        2 * generator.oracle_return(task_at((4, 4)))
    )
    near = at(goal_distance=[0.0, 0.05])  # one of two: half of the time three steps are lost
    assert generator.bayes_return(near, 1) == pytest.approx((13.9 + 9.5) / 2)


def test_the_bayes_return_is_none_where_it_is_not_known():
    generator = GridGoal()
    assert generator.bayes_return(at(size=[5, 6]), 1) is None
    assert generator.bayes_return(at(horizon_factor=[2.0, 3.0]), 1) is None
    assert generator.bayes_return(at(size=9, goal_distance=[0, 1]), 1) is None


def test_goals_are_uniform_over_the_cells_of_their_quantiles():
    generator = GridGoal()
    for region, cells in (([0.0, 1.0], 21), ([0.0, 2 / 21], 2), ([0.5, 0.5], 5)):
        columns = at(goal_distance=region).sample(6000, np.random.default_rng(0))
        batch = generator.make_tasks(columns, np.arange(6000))
        goals, counts = np.unique(batch.contents["goal"], axis=0, return_counts=True)
        assert len(goals) == cells
        assert abs(counts * cells / 6000 - 1).max() < 0.25


@pytest.mark.parametrize("size", range(3, 10))
def test_no_goal_is_beside_the_start_and_all_others_hold_one(size):
    cells = {tuple(cell) for cell in goal_cells(size).tolist()}
    assert len(cells) == size**2 - 4
    assert not cells & {(0, 0), (0, 1), (1, 0), (1, 1)}
    distances = goal_cells(size).sum(axis=1)
    assert (np.diff(distances) >= 0).all()


def test_a_mirror_image_is_the_same_and_another_horizon_too():
    generator = GridGoal()
    form = generator.canonical(task_at((1, 3)))
    assert generator.canonical(task_at((3, 1), horizon_factor=5.0)) == form
    assert generator.canonical(task_at((2, 2))) != form
    assert generator.canonical(task_at((1, 3), size=6)) != form


def test_edits_walk_over_all_goals_and_measure_their_distance():
    generator, rng = GridGoal(), np.random.default_rng(0)
    task, seen = task_at((4, 4)), set()
    for _ in range(300):
        before, task = task, generator.mutate(task, rng)
        step = np.subtract(task.content["goal"], before.content["goal"])
        assert np.abs(step).sum() == 1
        seen.add(tuple(task.content["goal"]))
        again = generator.make_task(task.params, 0)
        assert sum(again.content["goal"]) == sum(task.content["goal"])
    assert len(seen) == 21


def test_features():
    features = GridGoal().describe(task_at((0, 3)))
    assert features == {"steps_to_goal": 3.0, "cells_no_farther": 5.0}


def test_a_lifetime_is_drawn_with_the_way_and_without_changing_the_grid():
    generator, task = GridGoal(), task_at((2, 3))
    recorder = Recorder(generator.make_vector_env(1))
    recorder.reset(seed=0, options={"tasks": [task], "lifetime": Lifetime(num_episodes=2)})
    while recorder.playing.any():
        recorder.step(np.array([UP]))
    episodes = recorder.episodes(0)
    drawn = generator.render_lifetime(task, episodes)
    still = generator.render_lifetime(
        task, [replace(episode, observations=episode.observations[:1]) for episode in episodes]
    )
    assert drawn.shape == still.shape
    changed = (drawn != still).any(axis=2)
    half = drawn.shape[1] // 2
    # The way goes up along the left edge of each of the two grids.
    assert changed[:, : half // 5].any()
    assert changed[:, half : half + half // 5].any()
    assert not changed[:, half // 4 : half].any()
