"""The canonical form of a maze: what rotations, reflections and unreachable cells leave alone.

Of the eight images of a maze under the square's symmetries (start and goal turned along) the one
is kept whose (height, width, start, goal, walls) comes first in that order; cells that the start
does not reach count as wall. Horizon and first heading are no part of it: who learned a maze by
heart knows it with more time, and facing another way, too.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba
import numpy as np

from taskgen.generators.maze.arrays import (
    MARGIN,
    MIN_PARALLEL_BYTES,
    NUM_CHUNKS,
    MazeArrays,
    worth_threads,
)
from taskgen.generators.maze.geometry import directions, flood

_HEAD = 6


def canonical_forms(mazes: MazeArrays) -> list[bytes]:
    """Returns the canonical form of each maze, [B]: a header of 12 bytes, then packed bits."""
    num_bytes = 2 * _HEAD + (mazes.heights * mazes.widths + 7) // 8
    forms = np.zeros((len(mazes), int(num_bytes.max(initial=0))), dtype=np.uint8)
    shared = worth_threads(mazes.grids.nbytes, MIN_PARALLEL_BYTES)
    kernel = _canonical_threads if shared else _canonical
    kernel(
        0,
        len(mazes),
        mazes.grids,
        mazes.heights,
        mazes.widths,
        mazes.starts,
        mazes.goals,
        forms,
    )
    return [row[:length].tobytes() for row, length in zip(forms, num_bytes.tolist(), strict=True)]


@numba.njit(cache=True)
def _map_cell(row, column, height, width, symmetry):
    row = height - 1 - row if symmetry & 1 else row
    column = width - 1 - column if symmetry & 2 else column
    return (column, row) if symmetry & 4 else (row, column)


@numba.njit(cache=True)
def _wall_at(reached, stride, row, column, height, width, symmetry):
    """Returns the cell of the symmetry's image at (row, column); 1 wall or unreachable."""
    if symmetry & 4:
        row, column = column, row
    row = height - 1 - row if symmetry & 1 else row
    column = width - 1 - column if symmetry & 2 else column
    return reached[(row + MARGIN) * stride + column + MARGIN]


@numba.njit(cache=True)
def _write_key(start, goal, height, width, symmetry, key):
    key[0], key[1] = (width, height) if symmetry & 4 else (height, width)
    key[2], key[3] = _map_cell(start[0], start[1], height, width, symmetry)
    key[4], key[5] = _map_cell(goal[0], goal[1], height, width, symmetry)


@numba.njit(cache=True)
def _compare_walls(reached, stride, height, width, one, other):
    """Whether the walls of one symmetry's image come before those of another's."""
    rows, columns = (width, height) if one & 4 else (height, width)
    for row in range(rows):
        for column in range(columns):
            mine = _wall_at(reached, stride, row, column, height, width, one)
            other_wall = _wall_at(reached, stride, row, column, height, width, other)
            if mine != other_wall:
                return mine < other_wall
    return False


@numba.njit(cache=True)
def _first_symmetry(reached, stride, start, goal, height, width, key, best_key):
    """Returns the symmetry whose image comes first, its key in `best_key`."""
    best = 0
    _write_key(start, goal, height, width, 0, best_key)
    for symmetry in range(1, 8):
        _write_key(start, goal, height, width, symmetry, key)
        order = 0
        for k in range(_HEAD):
            if key[k] != best_key[k]:
                order = -1 if key[k] < best_key[k] else 1
                break
        if order < 0 or (
            order == 0 and _compare_walls(reached, stride, height, width, symmetry, best)
        ):
            best = symmetry
            best_key[:] = key
    return best


@numba.njit(cache=True)
def _write_form(reached, stride, height, width, best, key, form):
    for k in range(_HEAD):
        form[2 * k], form[2 * k + 1] = key[k] & 255, key[k] >> 8
    bit = 16 * _HEAD
    for row in range(key[0]):
        for column in range(key[1]):
            wall = _wall_at(reached, stride, row, column, height, width, best)
            form[bit >> 3] |= wall << (7 - (bit & 7))
            bit += 1


@numba.njit(cache=True)
def _canonical(first, last, grids, heights, widths, starts, goals, forms):
    stride = grids.shape[1]
    steps = directions(stride)
    queue = np.empty(stride * stride, dtype=np.int32)
    depths = np.empty(stride * stride, dtype=np.int32)
    grid = np.empty(stride * stride, dtype=np.uint8)
    reached = np.empty(stride * stride, dtype=np.uint8)
    key, best_key = np.empty(_HEAD, dtype=np.int64), np.empty(_HEAD, dtype=np.int64)
    for b in range(first, last):
        grid[:] = grids[b].reshape(-1)
        reached[:] = 1
        start = (starts[b, 0] + MARGIN) * stride + starts[b, 1] + MARGIN
        for k in range(flood(grid, steps, start, queue, depths)):
            reached[queue[k]] = 0
        best = _first_symmetry(
            reached,
            stride,
            starts[b],
            goals[b],
            heights[b],
            widths[b],
            key,
            best_key,
        )
        _write_form(reached, stride, heights[b], widths[b], best, best_key, forms[b])


@numba.njit(cache=True, parallel=True)
def _canonical_threads(first, last, grids, heights, widths, starts, goals, forms):
    num = last - first
    for chunk in numba.prange(NUM_CHUNKS):
        _canonical(
            first + num * chunk // NUM_CHUNKS,
            first + num * (chunk + 1) // NUM_CHUNKS,
            grids,
            heights,
            widths,
            starts,
            goals,
            forms,
        )
