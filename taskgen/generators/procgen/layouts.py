"""Levels as layouts: what tells two of them apart, and mazes as graphs with their exact optimum.

What a level looks like is read from the game's state, so that pictures of walls and backgrounds,
which differ from level to level where the layout does not, play no part. Mazes are measured by the
tools of the maze family; row 0 is on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np

from taskgen.generators.maze import geometry
from taskgen.generators.maze.arrays import MazeArrays, single
from taskgen.generators.maze.canonical import canonical_forms
from taskgen.generators.maze.graph import features, graph_of
from taskgen.generators.procgen.pinning import level_of
from taskgen.generators.procgen.states import FREE, PLAYER, WALL, Level

MAZE_GAMES = ("maze", "heist")
"""Games whose layout is a maze with one start and one goal."""
REWARD = 10.0
"""What both of them pay at the goal, once, and for nothing else."""
_CHEESE, _DOOR, _KEY, _GEM = 2, 1, 2, 9


def level_in(content: Mapping[str, Any]) -> Level:
    """Returns the layout of a task's level."""
    return level_of(content["game"], content["mode"], content["level"])


def form_of(content: Mapping[str, Any]) -> bytes:
    """Returns what tells a level from all others of all games.

    A maze is its shape, whatever its rotation and reflection; any other level its cells and
    things. Neither number nor mode nor pictures are part of it.
    """
    game = content["game"]
    level = level_in(content)
    if game == "maze":
        return b"maze\0" + canonical_forms(maze_of(content))[0]
    # The colour of a key is the door that it opens.
    return game.encode() + b"\0" + level.look(colours=game == "heist")


def maze_of(content: Mapping[str, Any]) -> MazeArrays:
    """Returns the maze of a maze-like game, cut to the cells that are not solid wall.

    Doors count as free and keys are left out: the way through them is part of the game.
    """
    level = level_in(content)
    free = level.grid != WALL
    rows, columns = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
    bottom, top, left, right = rows[0], rows[-1], columns[0], columns[-1]

    def on_top(cell: tuple[int, int]) -> tuple[int, int]:
        return int(top - cell[0]), int(cell[1] - left)

    walls = ~free[bottom : top + 1, left : right + 1][::-1]
    goal = _goal_of(content["game"], level)
    return single(walls, on_top(level.cell_of(PLAYER)), 0, on_top(goal), content["horizon"])


def graph_in(content: Mapping[str, Any]) -> nx.Graph:
    """Returns the graph of the free cells, with `start`, `goal` and `horizon` as attributes.

    Of a heist, nodes with a key or a locked door have it as an attribute `key` or `door`, a number
    from 0; the key of a door has the door's number.
    """
    graph = graph_of(maze_of(content))
    graph.graph.pop("heading")
    if content["game"] == "heist":
        _add_locks(graph, level_in(content))
    return graph


def fewest_steps(content: Mapping[str, Any]) -> int | None:
    """Returns the env steps of the shortest way to the goal of a maze, None of other games.

    A step of a maze is a cell; elsewhere the player moves by fractions of one.
    """
    if content["game"] != "maze":
        return None
    return len(geometry.shortest_path(maze_of(content), 0)) - 1


def measured(content: Mapping[str, Any]) -> dict[str, float]:
    """Returns what is measured of a layout; of mazes the features of the maze family as well."""
    level = level_in(content)
    found = {
        "rows": float(level.grid.shape[0]),
        "columns": float(level.grid.shape[1]),
        "filled_share": float((level.grid != FREE).mean()),
        "num_things": float(len(level.things)),
    }
    if content["game"] not in MAZE_GAMES:
        return found
    maze = features(maze_of(content))
    maze.pop("min_actions")  # nobody turns here
    keys = (level.things["type"] == _KEY).sum() if content["game"] == "heist" else 0
    return {**found, **maze, "num_keys": float(keys)}


def _goal_of(game: str, level: Level) -> tuple[int, int]:
    if game == "heist":
        return level.cell_of(_GEM)
    row, column = np.argwhere(level.grid == _CHEESE)[0].tolist()
    return row, column


def _add_locks(graph: nx.Graph, level: Level) -> None:
    free = level.grid != WALL
    top = np.flatnonzero(free.any(axis=1))[-1]
    left = np.flatnonzero(free.any(axis=0))[0]
    for kind, name in ((_DOOR, "door"), (_KEY, "key")):
        for thing in level.things[level.things["type"] == kind]:
            cell = int(top - int(thing["y"])), int(int(thing["x"]) - left)
            graph.nodes[cell][name] = int(thing["image_theme"])
