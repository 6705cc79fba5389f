"""Shortest ways against brute force."""

from collections import deque
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import decode
from taskgen.generators.maze.geometry import min_actions, shortest_path
from taskgen.generators.maze.layouts import LAYOUTS

MAZE = Maze()


def replayed(env, actions):
    """Plays actions from the start; returns whether the goal was reached, and with what reward."""
    env.reset()
    for action in actions:
        _, reward, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            return terminated, reward
    return False, 0.0


def brute_force(task):
    """The best return, by breadth over states of a plain model of turning and walking."""
    graph = MAZE.graph(task)
    goal, horizon = graph.graph["goal"], graph.graph["horizon"]
    first = (graph.graph["start"], graph.graph["heading"])
    seen, todo = {first}, deque([(first, [])])
    while todo:
        (cell, heading), actions = todo.popleft()
        if cell == goal:
            return actions, (1 - 0.9 * len(actions) / horizon if len(actions) <= horizon else 0.0)
        down, right = ((-1, 0), (0, 1), (1, 0), (0, -1))[heading]
        ahead = (cell[0] + down, cell[1] + right)
        for action, after in enumerate(
            [
                (cell, (heading - 1) % 4),
                (cell, (heading + 1) % 4),
                (ahead if graph.has_edge(cell, ahead) else cell, heading),
            ]
        ):
            if after not in seen:
                seen.add(after)
                todo.append((after, [*actions, action]))
    return None, 0.0


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**62),
    size=st.sampled_from([5, 7, 9, 13]),
    layout=st.sampled_from(LAYOUTS),
    factor=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_oracle_return_is_what_the_best_actions_earn(seed, size, layout, factor):
    row = MAZE.space.complete({"size": size, "layout": layout, "horizon_factor": factor})
    task = MAZE.make_task(row, seed)
    actions, best = brute_force(task)
    assert MAZE.oracle_return(task) == pytest.approx(best, abs=1e-12)
    assert min_actions(decode(task.content))[0] == len(actions)
    reached, reward = replayed(MAZE.make_env(task), actions)
    assert reward == pytest.approx(best, abs=1e-12)
    assert reached == (len(actions) <= task.content["horizon"])
    assert MAZE.is_valid(task).ok == reached


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**62), layout=st.sampled_from(LAYOUTS))
def test_the_shortest_path_is_one(seed, layout):
    task = MAZE.make_task(MAZE.space.complete({"size": 11, "layout": layout}), seed)
    graph, mazes = MAZE.graph(task), decode(task.content)
    path = [tuple(cell) for cell in shortest_path(mazes, 0).tolist()]
    assert (path[0], path[-1]) == (graph.graph["start"], graph.graph["goal"])
    assert all(graph.has_edge(*step) for step in pairwise(path))
    assert len(path) == nx.shortest_path_length(graph, path[0], path[-1]) + 1


def test_turns_cost_actions():
    assert MAZE.oracle_return(MAZE.from_ascii(">..G", horizon=10)) == pytest.approx(1 - 0.9 * 0.3)
    assert MAZE.oracle_return(MAZE.from_ascii("<..G", horizon=10)) == pytest.approx(1 - 0.9 * 0.5)
    around = MAZE.from_ascii("^#G\n...", horizon=10)  # two turns, down, left, two, left, up
    assert min_actions(decode(around.content))[0] == 8


@pytest.mark.parametrize(
    ("text", "horizon", "reason"),
    [
        (">#G", 9, "no way leads"),
        (">...G", 3, "within the horizon"),
        (">...G", 4, ""),
        ("<...G", 5, "within the horizon"),
    ],
)
def test_validity_says_why(text, horizon, reason):
    task = MAZE.from_ascii(text, horizon)
    validity = MAZE.is_valid(task)
    assert validity.ok == (reason == "")
    assert reason in validity.reason
    assert (MAZE.oracle_return(task) > 0) == validity.ok


def test_start_on_the_goal_or_in_a_wall_is_not_valid():
    task = MAZE.from_ascii(">.#G")
    for change, reason in (({"goal": [0, 0]}, "same cell"), ({"start": [0, 2]}, "in a wall")):
        content = {**task.content, **change}
        changed = type(task)("maze-v1", 1, task.params, 0, content)
        assert reason in MAZE.is_valid(changed).reason
        assert MAZE.oracle_return(changed) == 0.0


def test_horizon_is_the_contents():
    task = MAZE.make_task(MAZE.space.complete({"size": 13, "horizon_factor": 0.5}), 0)
    assert MAZE.horizon(task) == int(np.ceil(0.5 * (4 * 13 + 13 * 13 / 2))) == 69
