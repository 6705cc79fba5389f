"""Small edits of a maze: a few walls toggled, the start or the goal elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from taskgen.generators.maze.arrays import MazeArrays, decode
from taskgen.generators.maze.geometry import OK, distances, status
from taskgen.parameter_space import ParameterSpace, Row
from taskgen.parameters import Float
from taskgen.task import Task

Edit: TypeAlias = Callable[[MazeArrays, np.random.Generator], MazeArrays | None]

_MAX_TRIES = 20
_MAX_TOGGLED = 3


def mutated(space: ParameterSpace, task: Task, rng: np.random.Generator) -> Task | None:
    """Returns a valid maze one edit away; None if twenty tries gave none.

    The horizon and the size stay. `goal_distance` is measured again, and `wall_density`, where it
    acts, moves with the share of walls; the other parameters are inherited.
    """
    before = decode(task.content)
    for _ in range(_MAX_TRIES):
        operator = str(rng.choice(list(EDITS)))
        after = EDITS[operator](before, rng)
        if after is None or status(after)[0] != OK:
            continue
        params = _measured(space, task.params, before, after)
        content = after.content(0)
        return Task(task.generator, task.version, params, task.seed, content, (task.id,), operator)
    return None


def toggle_walls(maze: MazeArrays, rng: np.random.Generator) -> MazeArrays | None:
    """Turns one to three walls into floor or floor into walls; start and goal stay free."""
    grids = maze.grids.copy()
    changed = replace(maze, grids=grids)
    inside = changed.interior(0)
    editable = np.ones(inside.shape, dtype=bool)
    editable[tuple(maze.starts[0])] = editable[tuple(maze.goals[0])] = False
    cells = np.argwhere(editable)
    num = min(int(rng.integers(1, _MAX_TOGGLED + 1)), len(cells))
    for row, column in rng.choice(cells, size=num, replace=False):
        inside[row, column] ^= 1
    return changed if num else None


def move_start(maze: MazeArrays, rng: np.random.Generator) -> MazeArrays | None:
    """Puts the start on another cell that reaches the goal, with a new heading."""
    cell = _other_cell(maze, maze.goals, maze.starts, rng)
    if cell is None:
        return None
    return replace(maze, starts=cell, headings=rng.integers(0, 4, size=1))


def move_goal(maze: MazeArrays, rng: np.random.Generator) -> MazeArrays | None:
    """Puts the goal on another cell that the start reaches."""
    cell = _other_cell(maze, maze.starts, maze.goals, rng)
    return None if cell is None else replace(maze, goals=cell)


EDITS: dict[str, Edit] = {
    "toggle_walls": toggle_walls,
    "move_start": move_start,
    "move_goal": move_goal,
}


def goal_quantiles(maze: MazeArrays) -> tuple[float, float]:
    """Returns the least and the largest `goal_distance` that choose this maze's goal.

    Cells at one distance share a stretch of quantiles; the goal must be reachable.
    """
    away = distances(maze, 0, tuple(maze.starts[0].tolist()))
    reached = np.sort(away[away > 0])
    here = away[tuple(maze.goals[0])]
    last = max(len(reached) - 1, 1)
    low = np.searchsorted(reached, here, side="left") - 0.5
    high = np.searchsorted(reached, here, side="right") - 0.5
    return max(low / last, 0.0), min(high / last, 1.0)


def _other_cell(
    maze: MazeArrays,
    source: np.ndarray,
    current: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Returns a random cell, [1, 2], that `source` reaches and that is neither of both."""
    reached = distances(maze, 0, tuple(source[0].tolist())) > 0
    reached[tuple(current[0])] = False
    cells = np.argwhere(reached)
    return rng.choice(cells, size=1) if len(cells) else None


def _measured(space: ParameterSpace, params: Row, before: MazeArrays, after: MazeArrays) -> Row:
    low, high = goal_quantiles(after)
    measured = dict(params)
    measured["goal_distance"] = float(np.clip(params["goal_distance"], low, high))
    if space.is_active("wall_density", params):
        density = space["wall_density"]
        assert isinstance(density, Float)
        more = float(after.interior(0).mean() - before.interior(0).mean())
        moved = float(params["wall_density"]) + more
        measured["wall_density"] = min(max(moved, density.low), density.high)
    return measured
