"""Batches of mazes from parameters and seeds, every maze from its own stream.

`generate` is what `Maze.make_tasks` calls: walls by layout, then start and heading at random, then
the goal at a quantile of the distances from the start. The order of a batch and its padding do not
matter: the same parameters and seed give the same maze.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.maze.arrays import (
    MARGIN,
    MIN_PARALLEL_BYTES,
    NUM_CHUNKS,
    MazeArrays,
    worth_threads,
)
from taskgen.generators.maze.carving import (
    FREE,
    SOLID,
    WALL,
    below,
    braid,
    depth_first,
    draw,
    kruskal,
    random_walls,
    rooms,
    wilson,
)
from taskgen.generators.maze.geometry import directions, flood
from taskgen.parameter_space import Columns

LAYOUTS = ("depth_first", "wilson", "kruskal", "rooms", "random_walls")
PERFECT = LAYOUTS[:3]
_WILSON, _KRUSKAL, _ROOMS, _RANDOM_WALLS = 1, 2, 3, 4
_MAX_REDRAWS = 32


def generate(params: Columns, seeds: NDArray[Any]) -> MazeArrays:
    """Returns B mazes of B rows of parameters and B seeds.

    A maze of random walls is drawn again, up to 32 times within its own stream, until the start
    reaches half of the free cells; then it is kept as it is, and may be one that cannot be solved
    (its goal is its start).

    Args:
        params: columns [B] of `Maze.space`, within its bounds.
        seeds: whole numbers, taken modulo 2⁶⁴, [B].
    """
    num = len(seeds)
    sizes = params["size"].astype(np.int64)
    side = int(sizes.max(initial=1)) + 2 * MARGIN
    codes = np.zeros(num, dtype=np.int64)
    for code, name in enumerate(LAYOUTS):
        codes[params["layout"] == name] = code
    mazes = MazeArrays(
        grids=np.empty((num, side, side), dtype=np.uint8),
        heights=sizes,
        widths=sizes.copy(),
        starts=np.empty((num, 2), dtype=np.int64),
        goals=np.empty((num, 2), dtype=np.int64),
        headings=np.empty(num, dtype=np.int64),
        horizons=horizon_of(sizes, params["horizon_factor"].astype(np.float64)),
    )
    shared = worth_threads(mazes.grids.nbytes, MIN_PARALLEL_BYTES)
    kernel = _generate_threads if shared else _generate
    kernel(
        0,
        num,
        np.asarray(seeds).astype(np.uint64),
        sizes,
        codes,
        params["braid"].astype(np.float64),
        params["wall_density"].astype(np.float64),
        params["goal_distance"].astype(np.float64),
        mazes.grids,
        mazes.starts,
        mazes.goals,
        mazes.headings,
    )
    return mazes


def horizon_of(sizes: NDArray[np.int64], factors: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns ⌈factor · (4·size + size²/2)⌉ env steps, [B].

    Example:
        >>> horizon_of(np.array([13]), np.array([1.0]))
        array([137])
    """
    return np.ceil(factors * (4.0 * sizes + 0.5 * sizes**2)).astype(np.int64)


@numba.njit(cache=True)
def _generate(
    first, last, seeds, sizes, layouts, braids, densities, quantiles, grids, starts, goals, headings
):
    stride = grids.shape[1]
    steps = directions(stride)
    scratch = np.empty((2, stride * stride + 4), dtype=np.int32)
    seen = np.empty(stride * stride, dtype=np.uint8)
    state = np.empty(1, dtype=np.uint64)
    for b in range(first, last):
        grid = grids[b].reshape(-1)
        state[0] = seeds[b]
        state[0] = draw(state)
        _make(
            grid,
            steps,
            sizes[b],
            layouts[b],
            braids[b],
            densities[b],
            quantiles[b],
            state,
            scratch,
            seen,
            starts[b],
            goals[b],
        )
        headings[b] = below(state, 4)


@numba.njit(cache=True, parallel=True)
def _generate_threads(
    first, last, seeds, sizes, layouts, braids, densities, quantiles, grids, starts, goals, headings
):
    num = last - first
    for chunk in numba.prange(NUM_CHUNKS):
        _generate(
            first + num * chunk // NUM_CHUNKS,
            first + num * (chunk + 1) // NUM_CHUNKS,
            seeds,
            sizes,
            layouts,
            braids,
            densities,
            quantiles,
            grids,
            starts,
            goals,
            headings,
        )


@numba.njit(cache=True)
def _make(
    grid, steps, size, layout, share, density, quantile, state, scratch, seen, start_cell, goal_cell
):
    stride = steps[2]
    start, count = np.int64(0), np.int64(0)
    for _ in range(_MAX_REDRAWS if layout == _RANDOM_WALLS else 1):
        num_free = _carve(grid, steps, size, layout, share, density, state, scratch)
        start = _draw_free(grid, stride, size, state)
        seen[:] = grid
        count = flood(seen, steps, start, scratch[0], scratch[1])
        if count > 1 and 2 * count >= num_free:
            break
    goal = _choose_goal(count, quantile, state, scratch)
    start_cell[0], start_cell[1] = start // stride - MARGIN, start % stride - MARGIN
    goal_cell[0], goal_cell[1] = goal // stride - MARGIN, goal % stride - MARGIN


@numba.njit(cache=True)
def _carve(grid, steps, size, layout, share, density, state, scratch):
    """Lays the walls and returns the number of free cells."""
    stride = steps[2]
    grid[:] = WALL
    for row in range(MARGIN, MARGIN + size):
        grid[row * stride + MARGIN : row * stride + MARGIN + size] = SOLID
    if layout == _RANDOM_WALLS:
        random_walls(grid, steps, size, state, density)
    elif layout == _ROOMS:
        rooms(grid, steps, size, state, share, scratch[0])
    else:
        if layout == _WILSON:
            wilson(grid, steps, size, state, scratch[0])
        elif layout == _KRUSKAL:
            kruskal(grid, steps, size, state, scratch[0], scratch[1])
        else:
            depth_first(grid, steps, size, state, scratch[0])
        if share > 0.0:
            braid(grid, steps, size, state, share)
    num_free = 0
    for cell in range(len(grid)):
        num_free += grid[cell] == FREE
        grid[cell] = WALL if grid[cell] != FREE else FREE
    return num_free


@numba.njit(cache=True)
def _draw_free(grid, stride, size, state):
    """Returns a random free cell; tries so often that the last resort is for solid rock alone."""
    for _ in range(64 * size * size):
        place = below(state, size * size)
        cell = (MARGIN + place // size) * stride + MARGIN + place % size
        if grid[cell] == FREE:
            return cell
    return np.int64(MARGIN * (stride + 1))


@numba.njit(cache=True)
def _choose_goal(count, quantile, state, scratch):
    """Returns a random one of the cells whose distance is the quantile's."""
    cells, depths = scratch[0], scratch[1]
    if count < 2:
        return np.int64(cells[0])
    middle = 1 + int(quantile * (count - 2) + 0.5)
    low, high = middle, middle
    while low > 1 and depths[low - 1] == depths[middle]:
        low -= 1
    while high + 1 < count and depths[high + 1] == depths[middle]:
        high += 1
    return np.int64(cells[low + below(state, high - low + 1)])
