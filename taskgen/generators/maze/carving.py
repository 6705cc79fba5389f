"""How walls are laid: one numba function a layout, each on one framed grid.

A grid arrives with its frame `WALL` and its interior `SOLID` (rock that may be cut), and leaves
with 0 where it is free. Perfect mazes live on the lattice of even interior coordinates, (size +
1) / 2 nodes a side: a spanning tree of the lattice, its edges cut as the cells between nodes.
All randomness comes from `state`, one SplitMix64 word a maze.

Sources: Wilson 1996, "Generating random spanning trees more quickly than the cover time"
(uniform trees by loop-erased walks); Kruskal 1956 with edges in random order; recursive division
for rooms, stopped early; SplitMix64 as in Steele, Lea and Flood 2014.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba
import numpy as np

from taskgen.generators.maze.arrays import MARGIN

FREE, WALL, SOLID = np.uint8(0), np.uint8(1), np.uint8(2)
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
_S11 = np.uint64(11)


@numba.njit(cache=True)
def draw(state):
    """Returns the next 64 bits of a stream, uint64."""
    state[0] += _GAMMA
    value = state[0]
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@numba.njit(cache=True)
def below(state, bound):
    """Returns a whole number in [0, bound), its probabilities equal to within bound / 2³²."""
    return np.int64(((draw(state) >> _S32) * np.uint64(bound)) >> _S32)


@numba.njit(cache=True)
def unit(state):
    """Returns a number in [0, 1)."""
    return np.float64(draw(state) >> _S11) * 2.0**-53


@numba.njit(cache=True)
def depth_first(grid, steps, size, state, stack):
    """Cuts a tree by a depth-first walk that goes to a random unvisited neighbour."""
    num_side = (size + 1) // 2
    origin = MARGIN * (steps[2] + 1)
    options = np.empty(4, dtype=np.int64)
    node = origin + 2 * (below(state, num_side) * steps[2] + below(state, num_side))
    grid[node] = FREE
    stack[0] = node
    depth = 1
    while depth > 0:
        node = np.int64(stack[depth - 1])
        count = 0
        for d in range(4):
            options[count] = steps[d]
            count += grid[node + 2 * steps[d]] == SOLID
        if count == 0:
            depth -= 1
            continue
        step = options[below(state, count)] if count > 1 else options[0]
        grid[node + step] = FREE
        grid[node + 2 * step] = FREE
        stack[depth] = node + 2 * step
        depth += 1


@numba.njit(cache=True)
def wilson(grid, steps, size, state, exits):
    """Cuts a uniformly random spanning tree by loop-erased walks.

    Keeping the last exit of every node that a walk visits erases its loops.
    """
    num_side = (size + 1) // 2
    stride = steps[2]
    origin = MARGIN * (stride + 1)
    root = below(state, num_side * num_side)
    grid[origin + 2 * (root // num_side * stride + root % num_side)] = FREE
    for index in range(num_side * num_side):
        first = origin + 2 * (index // num_side * stride + index % num_side)
        node = first
        while grid[node] != FREE:
            step = steps[below(state, 4)]
            if grid[node + 2 * step] != WALL:
                exits[node] = step
                node += 2 * step
        node = first
        while grid[node] != FREE:
            step = np.int64(exits[node])
            grid[node] = FREE
            grid[node + step] = FREE
            node += 2 * step


@numba.njit(cache=True)
def kruskal(grid, steps, size, state, edges, parents):
    """Cuts a tree by joining components along the lattice's edges in random order."""
    num_side = (size + 1) // 2
    stride = steps[2]
    count = 0
    for row in range(num_side):
        for column in range(num_side):
            node = (MARGIN + 2 * row) * stride + MARGIN + 2 * column
            grid[node] = FREE
            parents[node] = node
            if column + 1 < num_side:
                edges[count] = 2 * node
                count += 1
            if row + 1 < num_side:
                edges[count] = 2 * node + 1
                count += 1
    while count > 0:
        pick = below(state, count)
        edge = np.int64(edges[pick])
        count -= 1
        edges[pick] = edges[count]
        node = edge >> 1
        step = stride if edge & 1 else 1
        one, other = _root(parents, node), _root(parents, node + 2 * step)
        if one != other:
            parents[one] = other
            grid[node + step] = FREE


@numba.njit(cache=True)
def _root(parents, node):
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = np.int64(parents[node])
    return node


@numba.njit(cache=True)
def braid(grid, steps, size, state, share):
    """Opens each dead end of the lattice with probability `share`; none is left at 1."""
    stride = steps[2]
    options = np.empty(4, dtype=np.int64)
    for row in range(0, size, 2):
        for column in range(0, size, 2):
            node = (MARGIN + row) * stride + MARGIN + column
            exits, count = 0, 0
            for d in range(4):
                if grid[node + steps[d]] == FREE:
                    exits += 1
                elif grid[node + 2 * steps[d]] == FREE:
                    options[count] = steps[d]
                    count += 1
            if exits == 1 and unit(state) < share:
                grid[node + options[below(state, count)]] = FREE


@numba.njit(cache=True)
def rooms(grid, steps, size, state, share, stack):
    """Divides the open interior until no room is longer than a limit; walls have a door each.

    Walls stand on odd lines, doors on even ones, so no wall ever ends at a door. A wall gets a
    second door with probability `share`. The limit is size / 3, at least 3 and at most 9 cells.
    """
    stride = steps[2]
    _open_all(grid, stride, size)
    limit = min(max(size // 3 + 1, 3), 9)
    stack[0], stack[1], stack[2], stack[3] = MARGIN, MARGIN, size, size
    depth = 4
    while depth > 0:
        depth -= 4
        top, left = np.int64(stack[depth]), np.int64(stack[depth + 1])
        height, width = np.int64(stack[depth + 2]), np.int64(stack[depth + 3])
        if max(height, width) <= limit:
            continue
        upright = width > height or (width == height and below(state, 2) == 1)
        across, along = (width, height) if upright else (height, width)
        cut = 2 * below(state, across // 2) + 1
        if upright:
            _divide(grid, top * stride + left + cut, stride, along, state, share)
            _push(stack, depth, top, left, height, cut)
            _push(stack, depth + 4, top, left + cut + 1, height, width - cut - 1)
        else:
            _divide(grid, (top + cut) * stride + left, 1, along, state, share)
            _push(stack, depth, top, left, cut, width)
            _push(stack, depth + 4, top + cut + 1, left, height - cut - 1, width)
        depth += 8


@numba.njit(cache=True)
def _open_all(grid, stride, size):
    for row in range(MARGIN, MARGIN + size):
        for column in range(MARGIN, MARGIN + size):
            grid[row * stride + column] = FREE


@numba.njit(cache=True)
def _push(stack, depth, top, left, height, width):
    stack[depth], stack[depth + 1] = top, left
    stack[depth + 2], stack[depth + 3] = height, width


@numba.njit(cache=True)
def _divide(grid, first, step, length, state, share):
    for k in range(length):
        grid[first + k * step] = SOLID
    num_places = (length + 1) // 2
    grid[first + 2 * below(state, num_places) * step] = FREE
    if unit(state) < share:
        grid[first + 2 * below(state, num_places) * step] = FREE


@numba.njit(cache=True)
def random_walls(grid, steps, size, state, density):
    """Makes each cell a wall with probability `density`, whatever its neighbours are."""
    stride = steps[2]
    for row in range(MARGIN, MARGIN + size):
        for column in range(MARGIN, MARGIN + size):
            grid[row * stride + column] = SOLID if unit(state) < density else FREE
