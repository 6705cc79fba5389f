"""Features against mazes that were counted by hand, and against networkx."""

import networkx as nx
import pytest

from taskgen.generators.maze import Maze
from taskgen.task import Task

MAZE = Maze()


def test_a_maze_counted_by_hand():
    task = MAZE.from_ascii(
        """
        >....
        .##.#
        ...#G
        .#...
        .##.#
        """,
        horizon=40,
    )
    found = MAZE.describe(task)
    assert found == {
        "size": 5.0,
        "horizon": 40.0,
        "wall_share": 8 / 25,
        "reachable_cells": 17.0,
        "shortest_path": 8.0,
        "min_actions": 13.0,  # five turns
        "tortuosity": 8 / 6,
        "decision_points": 2.0,  # left column, third row; fourth row, fourth column
        "dead_ends": 5.0,  # the goal's cell is one
        "junctions": 3.0,
        "cyclomatic_number": 0.0,
        "articulation_points": 12.0,  # a tree: all but its leaves
    }


def test_a_goal_that_cannot_be_reached_has_no_lengths():
    task = MAZE.from_ascii(">.#G")
    walled = Task("maze-v1", 1, task.params, 0, {**task.content, "start": [0, 2]})
    for maze, reachable in ((task, 2.0), (walled, 0.0)):
        found = MAZE.describe(maze)
        assert [found[n] for n in ("shortest_path", "min_actions", "tortuosity")] == [-1.0] * 3
        assert found["reachable_cells"] == reachable


def test_a_ring_counted_by_hand():
    task = MAZE.from_ascii(
        """
        >...
        .##.
        ...G
        #.##
        """,
        horizon=20,
    )
    found = MAZE.describe(task)
    expected = {
        "wall_share": 5 / 16,
        "reachable_cells": 11.0,
        "shortest_path": 5.0,
        "min_actions": 6.0,
        "tortuosity": 1.0,
        "dead_ends": 1.0,
        "junctions": 1.0,
        "cyclomatic_number": 1.0,
        "articulation_points": 1.0,
        "decision_points": 0.0,
    }
    assert {name: found[name] for name in expected} == expected


def test_a_detour_is_tortuous_and_its_branches_are_decisions():
    task = MAZE.from_ascii(
        """
        v#G
        .#.
        ...
        #.#
        """
    )
    found = MAZE.describe(task)
    assert found["tortuosity"] == pytest.approx(6 / 2)
    assert found["decision_points"] == 1.0
    assert found["dead_ends"] == 3.0


@pytest.mark.parametrize("layout", MAZE.space["layout"].choices)
def test_the_graph_is_that_of_the_text(layout):
    task = MAZE.make_task(MAZE.space.complete({"size": 9, "layout": layout}), 4)
    lines = MAZE.to_ascii(task).splitlines()
    free = {(r, c) for r, line in enumerate(lines) for c, x in enumerate(line) if x != "#"}
    expected = nx.grid_2d_graph(9, 9).subgraph(free)
    graph = MAZE.graph(task)
    assert set(graph) == free
    assert {frozenset(e) for e in graph.edges} == {frozenset(e) for e in expected.edges}
    assert lines[graph.graph["goal"][0]][graph.graph["goal"][1]] == "G"
    row, column = graph.graph["start"]
    assert lines[row][column] == "^>v<"[graph.graph["heading"]]


def test_features_agree_with_networkx_on_reachable_cells():
    for seed in range(20):
        row = MAZE.space.complete({"size": 11, "layout": "random_walls", "wall_density": 0.4})
        task = MAZE.make_task(row, seed)
        graph = MAZE.graph(task)
        reached = graph.subgraph(nx.node_connected_component(graph, graph.graph["start"]))
        found = MAZE.describe(task)
        assert found["cyclomatic_number"] == len(nx.cycle_basis(reached))
        assert found["articulation_points"] == len(set(nx.articulation_points(reached)))
        assert found["reachable_cells"] == len(reached)
        way = nx.shortest_path_length(reached, graph.graph["start"], graph.graph["goal"])
        assert found["shortest_path"] == way


def test_perfect_mazes_have_no_loops_and_braids_have():
    perfect = MAZE.make_task(MAZE.space.complete({"braid": 0.0}), 0)
    braided = MAZE.make_task(MAZE.space.complete({"braid": 1.0}), 0)
    assert MAZE.describe(perfect)["cyclomatic_number"] == 0
    assert MAZE.describe(braided)["cyclomatic_number"] > 2
