"""The steps of many mazes, in numba: move, reward, look.

Grids are flat, one row a slot, and cells are indices into it. Each kernel works on the slots from
`first` to `last`; its `_threads` twin shares them among threads.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import numba
import numpy as np

from taskgen.generators.maze.arrays import MARGIN, NUM_CHUNKS

VIEW = 5
OBSERVATION_SIZE = 2 * VIEW * VIEW + 4
LEFT, RIGHT, FORWARD = range(3)


@numba.njit(cache=True)
def _observe(grid, stride, position, heading, goal, observation):
    """Writes what an agent sees: walls, goal, heading."""
    if heading == 0:
        ahead, right = -stride, 1
    elif heading == 1:
        ahead, right = 1, stride
    elif heading == 2:
        ahead, right = stride, -1
    else:
        ahead, right = -1, -stride
    corner = position + (VIEW - 1) * ahead - VIEW // 2 * right
    for k in range(VIEW * VIEW, OBSERVATION_SIZE):
        observation[k] = 0
    observation[2 * VIEW * VIEW + heading] = 1
    for row in range(VIEW):
        cell = corner - row * ahead
        for column in range(VIEW):
            observation[VIEW * row + column] = grid[cell + column * right]
    # Most of the time the goal is nowhere near: look for it only where it can be in view.
    if abs(goal - position) <= (VIEW - 1) * (stride + 1):
        _observe_goal(corner, ahead, right, goal, observation)


@numba.njit(cache=True)
def _observe_goal(corner, ahead, right, goal, observation):
    for row in range(VIEW):
        for column in range(VIEW):
            if corner - row * ahead + column * right == goal:
                observation[VIEW * VIEW + VIEW * row + column] = 1


@numba.njit(cache=True)
def _ahead(grid, stride, position, heading):
    """Returns where a step forward leads: the next cell, or the same before a wall."""
    step = stride if heading & 1 == 0 else np.int64(1)
    cell = position + step if heading == 1 or heading == 2 else position - step
    return position if grid[cell] else cell


@numba.njit(cache=True)
def advance(
    first,
    last,
    grids,
    stride,
    actions,
    playing,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    terminated,
    observations,
):
    """Takes a step in the slots that play; writes reward and end where the goal is reached."""
    for b in range(first, last):
        if not playing[b]:
            continue
        if actions[b] == FORWARD:
            positions[b] = _ahead(grids[b], stride, positions[b], headings[b])
        elif actions[b] == RIGHT:
            headings[b] = (headings[b] + 1) & 3
        elif actions[b] == LEFT:
            headings[b] = (headings[b] + 3) & 3
        if positions[b] == goals[b]:
            terminated[b] = True
            rewards[b] = 1.0 - 0.9 * (steps_taken[b] + 1) / horizons[b]
        _observe(grids[b], stride, positions[b], headings[b], goals[b], observations[b])


@numba.njit(cache=True, parallel=True)
def advance_threads(
    first,
    last,
    grids,
    stride,
    actions,
    playing,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    terminated,
    observations,
):
    """Does the same with threads."""
    num = last - first
    for chunk in numba.prange(NUM_CHUNKS):
        advance(
            first + num * chunk // NUM_CHUNKS,
            first + num * (chunk + 1) // NUM_CHUNKS,
            grids,
            stride,
            actions,
            playing,
            goals,
            horizons,
            steps_taken,
            positions,
            headings,
            rewards,
            terminated,
            observations,
        )


@numba.njit(cache=True)
def play(
    first,
    last,
    grids,
    stride,
    actions,
    starts,
    start_headings,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    ended,
    observations,
):
    """Takes a step in every slot; an episode that ends begins again in the same step."""
    for b in range(first, last):
        position, heading = positions[b], headings[b]
        if actions[b] == FORWARD:
            position = _ahead(grids[b], stride, position, heading)
        else:
            heading = (heading + (1 if actions[b] == RIGHT else 3)) & 3
        taken = steps_taken[b] + 1
        at_goal = position == goals[b]
        rewards[b] = 1.0 - 0.9 * taken / horizons[b] if at_goal else 0.0
        ended[b] = at_goal or taken >= horizons[b]
        if ended[b]:
            position, heading, taken = starts[b], start_headings[b], 0
        positions[b], headings[b], steps_taken[b] = position, heading, taken
        _observe(grids[b], stride, position, heading, goals[b], observations[b])


@numba.njit(cache=True, parallel=True)
def play_threads(
    first,
    last,
    grids,
    stride,
    actions,
    starts,
    start_headings,
    goals,
    horizons,
    steps_taken,
    positions,
    headings,
    rewards,
    ended,
    observations,
):
    """Does the same with threads."""
    num = last - first
    for chunk in numba.prange(NUM_CHUNKS):
        play(
            first + num * chunk // NUM_CHUNKS,
            first + num * (chunk + 1) // NUM_CHUNKS,
            grids,
            stride,
            actions,
            starts,
            start_headings,
            goals,
            horizons,
            steps_taken,
            positions,
            headings,
            rewards,
            ended,
            observations,
        )


@numba.njit(cache=True)
def observe_slots(grids, stride, positions, headings, goals, slots, observations):
    """Writes what the agents of some slots see."""
    for b in slots:
        _observe(grids[b], stride, positions[b], headings[b], goals[b], observations[b])


@numba.njit(cache=True)
def load_mazes(
    sources,
    source_starts,
    source_goals,
    source_headings,
    source_horizons,
    rows,
    slots,
    stride,
    grids,
    starts,
    goals,
    start_headings,
    horizons,
):
    """Puts mazes of one stride into slots of another."""
    side = min(sources.shape[1], stride)
    for k in range(len(slots)):
        row, slot = rows[k], slots[k]
        grid = grids[slot]
        grid[:] = 1
        for line in range(side):
            grid[line * stride : line * stride + side] = sources[row, line, :side]
        start, goal = source_starts[row], source_goals[row]
        starts[slot] = (start[0] + MARGIN) * stride + start[1] + MARGIN
        goals[slot] = (goal[0] + MARGIN) * stride + goal[1] + MARGIN
        start_headings[slot] = source_headings[row]
        horizons[slot] = source_horizons[row]
