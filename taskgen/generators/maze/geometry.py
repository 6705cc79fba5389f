"""Shortest ways: over cells, and over cells with headings, where turns cost an action.

Batched kernels over `MazeArrays`; what can be asked of one maze is asked of a batch of one.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generator import Validity
from taskgen.generators.maze.arrays import MARGIN, MalformedMaze, MazeArrays, decode

OK, START_IS_GOAL, IN_A_WALL, UNSOLVABLE, TOO_FAR = range(5)
REASONS = (
    "",
    "start and goal are the same cell",
    "start or goal lies in a wall",
    "no way leads from the start to the goal",
    "the goal cannot be reached within the horizon",
)


def min_actions(mazes: MazeArrays) -> NDArray[np.int64]:
    """Returns the least number of actions from start to goal, turns counted, [B]; −1 for none."""
    least = np.empty(len(mazes), dtype=np.int64)
    _min_actions(mazes.grids, mazes.starts, mazes.goals, mazes.headings, least)
    return least


def distances(mazes: MazeArrays, index: int, source: tuple[int, int]) -> NDArray[np.int64]:
    """Returns the steps from a free cell to every interior cell, [height, width]; −1 for none."""
    stride = mazes.stride
    grid = mazes.grids[index].reshape(-1).copy()
    queue = np.empty(stride * stride, dtype=np.int32)
    depths = np.empty(stride * stride, dtype=np.int32)
    first = (source[0] + MARGIN) * stride + source[1] + MARGIN
    count = flood(grid, directions(stride), first, queue, depths)
    reached = np.full(stride * stride, -1, dtype=np.int64)
    reached[queue[:count]] = depths[:count]
    height, width = int(mazes.heights[index]), int(mazes.widths[index])
    return reached.reshape(stride, stride)[MARGIN : MARGIN + height, MARGIN : MARGIN + width]


def shortest_path(mazes: MazeArrays, index: int) -> NDArray[np.int64]:
    """Returns the interior cells of a shortest way from start to goal, [length + 1, 2].

    Empty where there is none. Of several shortest ways it is always the same one.
    """
    goal = tuple(mazes.goals[index].tolist())
    start = tuple(mazes.starts[index].tolist())
    left = distances(mazes, index, goal)
    if left[start] < 0:
        return np.empty((0, 2), dtype=np.int64)
    framed = np.pad(left, 1, constant_values=-1)
    path = [start]
    while path[-1] != goal:
        row, column = path[-1]
        around = ((row - 1, column), (row, column + 1), (row + 1, column), (row, column - 1))
        nearer = left[row, column] - 1
        path.append(next(cell for cell in around if framed[cell[0] + 1, cell[1] + 1] == nearer))
    return np.array(path, dtype=np.int64)


def status(mazes: MazeArrays) -> NDArray[np.int64]:
    """Returns for each maze whether it can be played and solved, as an index of `REASONS`, [B]."""
    codes = np.empty(len(mazes), dtype=np.int64)
    _status(mazes.grids, mazes.starts, mazes.goals, mazes.headings, mazes.horizons, codes)
    return codes


def validity(content: object) -> Validity:
    """Returns whether a content is a maze that can be solved in time, and why not."""
    try:
        mazes = decode(content)
    except MalformedMaze as error:
        return Validity(False, f"malformed content: {error}")
    code = int(status(mazes)[0])
    return Validity(code == OK, REASONS[code])


def reward(num_actions: int, horizon: int) -> float:
    """Returns what an episode pays that reaches the goal with its t-th action: 1 − 0.9·t/T."""
    return 1.0 - 0.9 * num_actions / horizon


@numba.njit(cache=True)
def directions(stride):
    """Returns the index steps up, right, down and left in a flat grid, int64 [4]."""
    return np.array([-stride, 1, stride, -1], dtype=np.int64)


@numba.njit(cache=True)
def flood(grid, steps, first, queue, depths):
    """Visits what can be reached from a free cell, nearest first; returns the number of cells.

    Writes the cells into `queue` and their distances into `depths`, and walls them up in `grid`.
    """
    grid[first] = 1
    queue[0], depths[0] = first, 0
    count, head = 1, 0
    while head < count:
        cell = np.int64(queue[head])
        depth = depths[head] + 1
        head += 1
        for d in range(4):
            neighbour = cell + steps[d]
            if grid[neighbour] == 0:
                grid[neighbour] = 1
                queue[count], depths[count] = neighbour, depth
                count += 1
    return count


@numba.njit(cache=True)
def _flat(cell, stride):
    return (cell[0] + MARGIN) * stride + cell[1] + MARGIN


@numba.njit(cache=True)
def _least(grid, steps, first, heading, goal, queue, depths, seen):
    """Returns the least number of actions to the goal, by breadth over (cell, heading)."""
    if first == goal:
        return 0
    seen[:] = 0
    queue[0], depths[0] = 4 * first + heading, 0
    seen[queue[0]] = 1
    count, head = 1, 0
    while head < count:
        state = np.int64(queue[head])
        cell, facing = state >> 2, state & 3
        depth = depths[head] + 1
        head += 1
        ahead = cell + steps[facing]
        if grid[ahead] == 0 and ahead == goal:
            return depth
        onward = 4 * ahead + facing if grid[ahead] == 0 else state
        for after in (onward, 4 * cell + ((facing + 1) & 3), 4 * cell + ((facing + 3) & 3)):
            if seen[after] == 0:
                seen[after] = 1
                queue[count], depths[count] = after, depth
                count += 1
    return -1


@numba.njit(cache=True)
def _min_actions(grids, starts, goals, headings, least):
    stride = grids.shape[1]
    steps = directions(stride)
    queue = np.empty(4 * stride * stride, dtype=np.int32)
    depths = np.empty(4 * stride * stride, dtype=np.int32)
    seen = np.empty(4 * stride * stride, dtype=np.uint8)
    for b in range(len(least)):
        grid = grids[b].reshape(-1)
        first, goal = _flat(starts[b], stride), _flat(goals[b], stride)
        least[b] = _least(grid, steps, first, headings[b], goal, queue, depths, seen)


@numba.njit(cache=True)
def _distance(grid, steps, first, goal, queue, depths):
    """Returns the steps from a free cell to another, −1 if no way leads there."""
    count = flood(grid, steps, first, queue, depths)
    for k in range(count):
        if queue[k] == goal:
            return np.int64(depths[k])
    return np.int64(-1)


@numba.njit(cache=True)
def _status(grids, starts, goals, headings, horizons, codes):
    stride = grids.shape[1]
    num_cells = stride * stride
    steps = directions(stride)
    queue = np.empty(4 * num_cells, dtype=np.int32)
    depths = np.empty(4 * num_cells, dtype=np.int32)
    seen = np.empty(4 * num_cells, dtype=np.uint8)
    for b in range(len(codes)):
        grid = grids[b].reshape(-1)
        first, goal = _flat(starts[b], stride), _flat(goals[b], stride)
        codes[b] = OK
        if first == goal:
            codes[b] = START_IS_GOAL
        elif grid[first] != 0 or grid[goal] != 0:
            codes[b] = IN_A_WALL
        else:
            seen[:num_cells] = grid
            length = _distance(seen, steps, first, goal, queue, depths)
            if length < 0:
                codes[b] = UNSOLVABLE
            # A way of n steps takes 2n + 1 actions at most: search only where that is too many.
            elif 2 * length + 1 > horizons[b]:
                least = _least(grid, steps, first, headings[b], goal, queue, depths, seen)
                codes[b] = TOO_FAR if least > horizons[b] else OK
