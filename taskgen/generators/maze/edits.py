"""Edits of many mazes at once, several in a row: what `mutate` does to one, as a kernel.

The three operators, their chances and what a valid maze is are those of `mutate`. Between the edits
mazes stay arrays, and parameters are measured at the end alone.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import TaskGenerator
from taskgen.generators.maze.arrays import MARGIN, MazeArrays
from taskgen.generators.maze.batch import MazeBatch, arrays_of
from taskgen.generators.maze.geometry import _distance, _least, directions, flood
from taskgen.parameter_space import Columns
from taskgen.parameters import Float
from taskgen.task import Task

OPERATORS = ("toggle_walls", "move_start", "move_goal")
_MAX_TRIES = 20
_MAX_TOGGLED = 3
_NUM_UNIFORMS = 3 + _MAX_TOGGLED


class EditedMazes(MazeBatch):
    """Mazes that are edits of others.

    Args:
        generator: the maze generator.
        arrays: the mazes.
        params: columns of the generator's space, [B].
        seeds: of the tasks that they are edits of, [B].
        lineage: parent's id and operator of each, [B].
    """

    def __init__(
        self,
        generator: TaskGenerator,
        arrays: MazeArrays,
        params: Columns,
        seeds: NDArray[np.int64],
        lineage: Sequence[tuple[str, str]],
    ) -> None:
        super().__init__(generator, arrays, params, seeds)
        self._lineage = list(lineage)

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> EditedMazes:
        """Returns the batch of the mazes at these indices."""
        chosen = super().select(indices)
        lineage = [self._lineage[int(index)] for index in indices]
        edited = EditedMazes(self.generator, chosen.arrays, chosen.params, chosen.seeds, lineage)
        for name in ("ids", "canonicals", "validity"):
            if name in chosen.__dict__:
                edited.__dict__[name] = chosen.__dict__[name]
        return edited

    def extended(self, others: Sequence[TaskBatch]) -> TaskBatch:
        """Returns one batch of these mazes and those of the others, each a task of its own."""
        return TaskBatch.extended(self, others)

    def _make(self, index: int) -> Task:
        parent, operator = self._lineage[index]
        return replace(super()._make(index), parents=(parent,), operator=operator)


def edited(
    generator: TaskGenerator, tasks: Sequence[Task], num_edits: int, rng: np.random.Generator
) -> tuple[TaskBatch, NDArray[np.int64]]:
    """Returns each maze after some edits in a row, and which of the tasks each is of.

    A maze of which some edit has no valid outcome in twenty tries is missing, as is one that the
    edits leave as it was, or that cannot be read.
    """
    places = {task.id: place for place, task in enumerate(reversed(tasks))}
    unique = [tasks[len(tasks) - 1 - place] for place in places.values()]
    mazes, readable, _ = arrays_of(unique)
    row_of = {unique[index].id: row for row, index in enumerate(readable)}
    which = np.array([i for i, t in enumerate(tasks) if t.id in row_of], dtype=np.int64)
    if not len(which):
        return TaskBatch(generator, []), which
    before = mazes.select([row_of[tasks[i].id] for i in which])
    after, used, is_edited = _applied(before, num_edits, rng)
    kept = np.flatnonzero(is_edited)
    which, used = which[kept], used[kept]
    bases = [tasks[i] for i in which]
    lineage = [
        (base.id, "+".join(OPERATORS[code] for code in codes))
        for base, codes in zip(bases, used.tolist(), strict=True)
    ]
    params = _measured(generator, bases, before.select(kept), after.select(kept))
    seeds = np.array([base.seed for base in bases])
    return EditedMazes(generator, after.select(kept), params, seeds, lineage), which


def _applied(
    mazes: MazeArrays, num_edits: int, rng: np.random.Generator
) -> tuple[MazeArrays, NDArray[np.int64], NDArray[np.bool_]]:
    """Returns the mazes after the edits, the operators, [B, num_edits], and which changed, [B]."""
    names = ("grids", "starts", "goals", "headings")
    after = replace(mazes, **{name: getattr(mazes, name).copy() for name in names})
    used = np.zeros((len(mazes), num_edits), dtype=np.int64)
    is_edited = np.zeros(len(mazes), dtype=bool)
    uniforms = rng.random((len(mazes), num_edits, _MAX_TRIES, _NUM_UNIFORMS))
    parts = [getattr(after, name) for name in MazeArrays.__dataclass_fields__]
    _edit(*parts, uniforms, used, is_edited)
    changed = [
        (getattr(mazes, name) != getattr(after, name)).reshape(len(mazes), -1).any(axis=1)
        for name in names
    ]
    return after, used, is_edited & np.logical_or.reduce(changed)


def _measured(
    generator: TaskGenerator, bases: Sequence[Task], before: MazeArrays, after: MazeArrays
) -> Columns:
    """Returns the parameters of edits: `goal_distance` measured, `wall_density` moved along."""
    space = generator.space
    columns = space.columns([base.params for base in bases])
    low, high = np.empty(len(bases)), np.empty(len(bases))
    _quantiles(after.grids, after.starts, after.goals, low, high)
    columns["goal_distance"] = np.clip(columns["goal_distance"], low, high)
    density = space["wall_density"]
    assert isinstance(density, Float)
    more = _share_of_walls(after) - _share_of_walls(before)
    moved = np.clip(columns["wall_density"] + more, density.low, density.high)
    is_active = [space.is_active("wall_density", base.params) for base in bases]
    columns["wall_density"] = np.where(is_active, moved, columns["wall_density"])
    return columns


def _share_of_walls(mazes: MazeArrays) -> NDArray[np.float64]:
    """Returns the share of interior cells that are wall, [B]; all around them is."""
    num_free = (mazes.grids == 0).sum(axis=(1, 2))
    return 1.0 - num_free / (mazes.heights * mazes.widths)


@numba.njit(cache=True)
def _flat(cell, stride):
    return (cell[0] + MARGIN) * stride + cell[1] + MARGIN


@numba.njit(cache=True)
def _edit(grids, heights, widths, starts, goals, headings, horizons, uniforms, used, is_edited):
    """Edits every maze in place; one that finds no edit stays as it is then."""
    stride = grids.shape[1]
    steps = directions(stride)
    num_cells = stride * stride
    queue = np.empty(4 * num_cells, dtype=np.int32)
    depths = np.empty(4 * num_cells, dtype=np.int32)
    seen = np.empty(4 * num_cells, dtype=np.uint8)
    toggled = np.empty(_MAX_TOGGLED, dtype=np.int64)
    for b in range(len(grids)):
        grid = grids[b].reshape(-1)
        is_edited[b] = True
        for e in range(uniforms.shape[1]):
            done = False
            for t in range(uniforms.shape[2]):
                u = uniforms[b, e, t]
                operator = int(u[0] * 3)
                start = _flat(starts[b], stride)
                goal = _flat(goals[b], stride)
                heading, num_toggled = headings[b], 0
                if operator == 0:
                    num_toggled = _toggle(
                        grid, heights[b], widths[b], stride, start, goal, u, toggled
                    )
                elif operator == 1:
                    start = _other(grid, steps, goal, start, u[1], queue, depths, seen)
                    heading = int(u[2] * 4)
                else:
                    goal = _other(grid, steps, start, goal, u[1], queue, depths, seen)
                if (operator > 0 or num_toggled > 0) and _solvable(
                    grid, steps, start, heading, goal, horizons[b], queue, depths, seen
                ):
                    starts[b, 0], starts[b, 1] = start // stride - MARGIN, start % stride - MARGIN
                    goals[b, 0], goals[b, 1] = goal // stride - MARGIN, goal % stride - MARGIN
                    headings[b] = heading
                    used[b, e] = operator
                    done = True
                    break
                for k in range(num_toggled):
                    grid[toggled[k]] ^= 1
            if not done:
                is_edited[b] = False
                break


@numba.njit(cache=True)
def _toggle(grid, height, width, stride, start, goal, u, toggled):
    """Toggles one to three cells, neither start nor goal; returns how many."""
    wanted = 1 + int(u[1] * _MAX_TOGGLED)
    num = 0
    for k in range(wanted):
        index = int(u[2 + k] * height * width)
        cell = (index // width + MARGIN) * stride + index % width + MARGIN
        is_new = cell != start and cell != goal
        for j in range(num):
            is_new = is_new and toggled[j] != cell
        if is_new:
            grid[cell] ^= 1
            toggled[num] = cell
            num += 1
    return num


@numba.njit(cache=True)
def _other(grid, steps, source, current, u, queue, depths, seen):
    """Returns a cell that the source reaches, neither of both; −1 where there is none."""
    num_cells = len(grid)
    seen[:num_cells] = grid
    count = flood(seen, steps, source, queue, depths)
    if count < 3:
        return np.int64(-1)
    pick = 1 + int(u * (count - 2))  # the source is first, and the current one is skipped
    for k in range(1, pick + 1):
        if queue[k] == current:
            pick += 1
            break
    return np.int64(queue[min(pick, count - 1)])


@numba.njit(cache=True)
def _solvable(grid, steps, start, heading, goal, horizon, queue, depths, seen):
    """Whether the goal is another free cell that can be reached within the horizon."""
    if start < 0 or goal < 0 or start == goal or grid[start] != 0 or grid[goal] != 0:
        return False
    seen[: len(grid)] = grid
    length = _distance(seen, steps, start, goal, queue, depths)
    if length < 0:
        return False
    # A way of n steps takes 2n + 1 actions at most: search only where that is too many.
    if 2 * length + 1 <= horizon:
        return True
    return _least(grid, steps, start, heading, goal, queue, depths, seen) <= horizon


@numba.njit(cache=True)
def _quantiles(grids, starts, goals, low, high):
    """Writes the least and the largest `goal_distance` that choose each goal, in [0, 1]."""
    stride = grids.shape[1]
    steps = directions(stride)
    queue = np.empty(stride * stride, dtype=np.int32)
    depths = np.empty(stride * stride, dtype=np.int32)
    for b in range(len(grids)):
        grid = grids[b].copy().reshape(-1)
        goal = _flat(goals[b], stride)
        count = flood(grid, steps, _flat(starts[b], stride), queue, depths)
        here = 0
        for k in range(1, count):
            if queue[k] == goal:
                here = depths[k]
        nearer = as_near = 0
        for k in range(1, count):
            nearer += depths[k] < here
            as_near += depths[k] <= here
        last = max(count - 2, 1)
        low[b] = max((nearer - 0.5) / last, 0.0)
        high[b] = min((as_near - 0.5) / last, 1.0)
