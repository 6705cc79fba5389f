"""The best plan for a hidden goal on a grid: exact, by dynamic programming over beliefs.

Until the goal is found, all that is known is which cells it is not in, so a belief is the set of
cells that were seen, and what follows from a plan is certain. Once it is found, the shortest way
there and staying is best, in this episode and in all that come. What remains is a search for the
plan that makes the expected number of steps on the goal largest.

The search goes forward, step by step, and keeps the best value of every (belief, position). Of
those it follows the most hopeful, and it is done when none that was left out could have been
better: then the answer is exact. If not, it goes again with more of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

MOVES = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])
"""What the actions add to x and y: stay, up, right, down, left."""
MAX_CELLS = 56
"""Cells that may hold the goal: as many bits as a key has room for beside the position."""
_FIRST_WIDTH, _LAST_WIDTH, _GROWTH = 2**10, 2**16, 8
_POSITION_BITS = np.uint64(8)
_CLOSE = 1e-9


@dataclass(frozen=True)
class HiddenGoal:
    """A goal somewhere on a square grid, episodes that start in the corner (0, 0).

    Args:
        weights: the chance that a cell holds the goal, [size, size], by x and y; sums to 1.
        horizon: env steps of an episode, H.
        num_episodes: of a lifetime, E.
    """

    weights: NDArray[np.float64]
    horizon: int
    num_episodes: int

    @property
    def size(self) -> int:
        """Cells a side."""
        return len(self.weights)

    @cached_property
    def bits(self) -> NDArray[np.int64]:
        """Each cell's bit in a belief, −1 for a cell that cannot hold the goal, [cells]."""
        flat = self.weights.ravel()
        return np.where(flat > 0, np.cumsum(flat > 0) - 1, -1)

    @cached_property
    def neighbours(self) -> NDArray[np.int64]:
        """The cells that the five actions lead to, [cells, 5]."""
        return moves(self.size)

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """Steps between any two cells, [cells, cells]."""
        x, y = np.divmod(np.arange(self.size**2), self.size)
        return np.abs(x[:, None] - x) + np.abs(y[:, None] - y)

    @cached_property
    def steps_there(self) -> NDArray[np.int64]:
        """Steps that an episode spends on each cell at most, when it goes there at once, [cells].

        A goal under the start is stood on after the first step.
        """
        return np.maximum(self.horizon + 1 - np.maximum(self.distances[0], 1), 0)


def moves(size: int) -> NDArray[np.int64]:
    """Returns the cells that actions lead to on a square grid, [cells, 5].

    Cell (x, y) has the number x · size + y; beyond the edge nothing moves.
    """
    x, y = np.divmod(np.arange(size**2), size)
    there = np.stack([x, y], axis=1)[:, None] + MOVES
    return np.clip(there, 0, size - 1) @ np.array([size, 1])


def most_steps_on_goal(problem: HiddenGoal) -> float | None:
    """Returns the largest expected number of env steps that a lifetime spends on the goal.

    A goal first stood on with the t-th step of episode e is worth

        (H + 1 − t) + (E − e) · (H + 1 − d),

    d its distance from the start.

    Returns:
        The optimum; None where there are more cells than `MAX_CELLS`, or too many beliefs.
    """
    if (problem.weights > 0).sum() > MAX_CELLS:
        return None
    best, width = -1.0, _FIRST_WIDTH
    while width <= _LAST_WIDTH:
        found, missed = _swept(problem, width, best)
        best = max(best, found)
        if missed <= best + _CLOSE:
            return best
        width *= _GROWTH
    return None


def _swept(problem: HiddenGoal, width: int, known: float) -> tuple[float, float]:
    """Returns the best value of the beliefs that were followed, and the best hope of the others.

    Args:
        problem: the grid.
        width: how many (belief, position) are followed after each step, the most hopeful.
        known: a value that can be had; what hopes for no more is not followed, and not missed.
    """
    keys, values = np.zeros(1, dtype=np.uint64), np.zeros(1)
    missed = -1.0
    weights = problem.weights.ravel()
    tables = (problem.bits, weights, problem.steps_there, problem.distances, problem.horizon)
    for step in range(problem.horizon * problem.num_episodes):
        episode, taken = divmod(step, problem.horizon)
        later = problem.num_episodes - 1 - episode
        keys, values = _best_of_each(
            *_expand(keys, values, problem.neighbours, *tables[:3], later, problem.horizon - taken)
        )
        if taken + 1 == problem.horizon:
            keys = keys >> _POSITION_BITS << _POSITION_BITS
            keys, values = _best_of_each(keys, values)
            later, taken = later - 1, -1
        hopes = values + _hopes(keys, *tables, later, taken + 1)
        if len(keys) > width:
            order = np.argpartition(-hopes, width)
            missed = max(missed, float(hopes[order[width:]].max()))
            keys, values, hopes = (array[order[:width]] for array in (keys, values, hopes))
        kept = hopes > known + _CLOSE
        keys, values = keys[kept], values[kept]
    return float(values.max(initial=-1.0)), missed


def _best_of_each(
    keys: NDArray[np.uint64], values: NDArray[np.float64]
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Returns different keys, each with the largest of its values."""
    order = np.lexsort((-values, keys))
    keys, values = keys[order], values[order]
    first = np.ones(len(keys), dtype=bool)
    first[1:] = keys[1:] != keys[:-1]
    return keys[first], values[first]


@numba.njit(cache=True)
def _expand(keys, values, neighbours, bits, weights, steps_there, later, left):  # type: ignore[no-untyped-def]
    """Returns keys and values after each of the five actions.

    A key is the belief's bits above eight bits of the position. `later` episodes follow this one,
    and `left` steps of it count if the goal is where this step leads.
    """
    new_keys = np.empty(5 * len(keys), dtype=np.uint64)
    new_values = np.empty(5 * len(keys))
    for k in range(len(keys)):
        seen, position = keys[k] >> np.uint64(8), int(keys[k] & np.uint64(255))
        for action in range(5):
            cell = neighbours[position, action]
            value, belief = values[k], seen
            if bits[cell] >= 0:
                bit = np.uint64(1) << np.uint64(bits[cell])
                if not belief & bit:
                    belief |= bit
                    value += weights[cell] * (left + later * steps_there[cell])
            new_keys[5 * k + action] = belief << np.uint64(8) | np.uint64(cell)
            new_values[5 * k + action] = value
    return new_keys, new_values


@numba.njit(cache=True)
def _hopes(keys, bits, weights, steps_there, distances, horizon, later, taken):  # type: ignore[no-untyped-def]
    """Returns how much a belief may still add to its value at most.

    Finding a cell in a later episode is worth at most what going there at once is worth in all of
    them. Finding it now, with the t-th step, adds H + 1 − t whatever the cell: so the hope is that
    of seeing one cell a step, none before it can be reached, the likeliest first.
    """
    hopes = np.zeros(len(keys))
    within = np.zeros(horizon + 1)  # chance that the goal is so many steps away
    count = np.zeros(horizon + 1, dtype=np.int64)
    for k in range(len(keys)):
        seen, position = keys[k] >> np.uint64(8), int(keys[k] & np.uint64(255))
        within[:], count[:] = 0.0, 0
        likeliest = 0.0
        for cell in range(len(bits)):
            if bits[cell] < 0 or seen >> np.uint64(bits[cell]) & np.uint64(1):
                continue
            hopes[k] += weights[cell] * later * steps_there[cell]
            away = max(distances[position, cell], 1)
            if away <= horizon - taken:
                within[away] += weights[cell]
                count[away] += 1
                likeliest = max(likeliest, weights[cell])
        chance, reachable, found = 0.0, 0, 0
        for away in range(1, horizon - taken + 1):
            chance += within[away]
            reachable += count[away]
            found = min(found + 1, reachable)
            hopes[k] += min(chance, found * likeliest)
    return hopes
