"""A maze as a networkx graph, and what can be measured of it."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np

from taskgen.generators.maze.arrays import MazeArrays
from taskgen.generators.maze.geometry import min_actions, shortest_path


def graph_of(mazes: MazeArrays, index: int = 0) -> nx.Graph:
    """Returns the graph of one maze: a node (row, column) a free cell, an edge a step.

    The graph's attributes are `start`, `goal`, `heading` and `horizon`.
    """
    free = mazes.interior(index) == 0
    rows, columns = (axis.tolist() for axis in np.nonzero(free))
    graph = nx.Graph(
        start=tuple(mazes.starts[index].tolist()),
        goal=tuple(mazes.goals[index].tolist()),
        heading=int(mazes.headings[index]),
        horizon=int(mazes.horizons[index]),
    )
    graph.add_nodes_from(zip(rows, columns, strict=True))
    for row, column in np.argwhere(free[1:] & free[:-1]).tolist():
        graph.add_edge((row, column), (row + 1, column))
    for row, column in np.argwhere(free[:, 1:] & free[:, :-1]).tolist():
        graph.add_edge((row, column), (row, column + 1))
    return graph


def features(mazes: MazeArrays, index: int = 0) -> dict[str, float]:
    """Returns what is measured of one maze; all but `wall_share` of what its start reaches.

    - `size`: the longer side, in cells; `horizon`: the longest episode, in env steps.
    - `wall_share`: walls over interior cells, in [0, 1].
    - `reachable_cells`: cells that the start reaches, itself included.
    - `shortest_path`: steps from start to goal; `min_actions`: the same with turns counted;
      `tortuosity`: steps over the Manhattan distance, at least 1. All −1 where no way leads.
    - `decision_points`: cells of the shortest path before the goal with three exits or more.
    - `dead_ends`, `junctions`: cells with one exit; with three or more.
    - `cyclomatic_number`: independent loops, edges − nodes + 1; 0 for a perfect maze.
    - `articulation_points`: cells without which some other two lose all ways between them.
    """
    whole = graph_of(mazes, index)
    start, goal = whole.graph["start"], whole.graph["goal"]
    reached = nx.node_connected_component(whole, start) if start in whole else ()
    graph = whole.subgraph(reached)
    cells = shortest_path(mazes, index).tolist() if start in whole and goal in whole else []
    path = [tuple(cell) for cell in cells]
    exits = dict(graph.degree)
    apart = abs(start[0] - goal[0]) + abs(start[1] - goal[1])
    found: Mapping[str, float] = {
        "size": max(mazes.heights[index], mazes.widths[index]),
        "horizon": mazes.horizons[index],
        "wall_share": mazes.interior(index).mean(),
        "reachable_cells": len(graph),
        "shortest_path": len(path) - 1,
        "min_actions": min_actions(mazes.select([index]))[0] if path else -1,
        "tortuosity": (len(path) - 1) / apart if path and apart else (1.0 if path else -1.0),
        "decision_points": sum(exits[cell] >= 3 for cell in path[:-1]),
        "dead_ends": sum(degree == 1 for degree in exits.values()),
        "junctions": sum(degree >= 3 for degree in exits.values()),
        "cyclomatic_number": graph.number_of_edges() - len(graph) + 1 if len(graph) else 0,
        "articulation_points": sum(1 for _ in nx.articulation_points(graph)),
    }
    return {name: float(value) for name, value in found.items()}
