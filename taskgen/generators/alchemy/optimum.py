"""The best that can be earned in an episode by who knows the chemistry: exact, by search.

Nothing is hidden then, so a plan is fixed at the start: each stone takes a way through the graph,
which uses up potions, to where it is worth most, or is left alone. Of the ways of one stone only
those count that no other beats with fewer potions (`ways_of`). The expected return over all stones
and potions that may be laid out is a sum over every multiset of potions, by dynamic programming
over stones (`expected_return`).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.alchemy.chemistry import (
    BEST,
    GRAPHS,
    NUM_AXES,
    NUM_TYPES,
    NUM_VERTICES,
    SHOWN_VALUES,
)


@dataclass(frozen=True)
class Ways:
    """What can become of one stone on one graph, by the vertex where it is; W of each at most.

    Args:
        ends: where the stone is put into the cauldron, [8, W]; −1: it is left alone.
        potions: how many of each type are used up, [8, W, 6].
        steps: env steps that it takes, the cauldron among them, [8, W].
        first: the type of the first potion, [8, W]; −1: none.
        counts: how many ways there are, [8].
    """

    ends: NDArray[np.int64]
    potions: NDArray[np.int64]
    steps: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    def values(self, bonus: float) -> NDArray[np.float64]:
        """Returns what each way pays, [8, W]."""
        paid = SHOWN_VALUES[self.ends] + bonus * (self.ends == BEST)
        return np.where(self.ends >= 0, paid, 0.0)


Way = tuple[int, tuple[int, ...], int]
"""End, potions by type, first potion."""


@functools.cache
def ways_of(graph: int) -> Ways:
    """Returns the ways of a stone on a graph that no other way beats."""
    found = [_best_ways(GRAPHS.moves[graph], vertex) for vertex in range(NUM_VERTICES)]
    width = max(map(len, found))
    ends = np.full((NUM_VERTICES, width), -1)
    potions = np.zeros((NUM_VERTICES, width, NUM_TYPES), dtype=np.int64)
    first = np.full((NUM_VERTICES, width), -1)
    for vertex, ways in enumerate(found):
        for w, (end, used, start) in enumerate(ways):
            ends[vertex, w], potions[vertex, w], first[vertex, w] = end, used, start
    counts = np.array([len(ways) for ways in found])
    return Ways(ends, potions, potions.sum(axis=2) + (ends >= 0), first, counts)


def expected_return(
    graph: int, num_stones: int, num_potions: int, horizon: int, bonus: float
) -> float:
    """Returns the best expected return of one episode, over what may be laid out.

        E[max over plans of Σ reward(end of each stone)],

    stones and potions uniform and independent, plans within the potions and the horizon. It
    depends on the graph alone, since maps and rotation change what is seen, not what can be done.
    """
    return _expected(_turned_graph(graph), num_stones, num_potions, horizon, float(bonus))


def _best_ways(moves: NDArray[np.int64], start: int) -> list[Way]:
    """Returns the ways from a vertex, being left alone first."""
    left: Way = (-1, (0,) * NUM_TYPES, -1)
    paying = [way for way in _paths(moves.tolist(), start) if SHOWN_VALUES[way[0]] > 0]
    # Fewer potions first, and of the same ones the better end: what beats comes before.
    ways: list[Way] = []
    for way in sorted(paying, key=lambda way: (sum(way[1]), -SHOWN_VALUES[way[0]], way)):
        if not any(_beats(other, way) for other in ways):
            ways.append(way)
    return [left, *ways]


def _beats(one: Way, other: Way) -> bool:
    enough = SHOWN_VALUES[one[0]] >= SHOWN_VALUES[other[0]]
    return bool(enough) and all(x <= y for x, y in zip(one[1], other[1], strict=True))


def _paths(moves: list[list[int]], start: int) -> Iterator[Way]:
    """Yields every way that visits no vertex twice; one that does uses more for the same."""
    stack: list[tuple[int, int, tuple[int, ...], int]] = [(start, 1 << start, (0,) * 6, -1)]
    while stack:
        vertex, visited, used, first = stack.pop()
        yield vertex, used, first
        for kind, there in enumerate(moves[vertex]):
            if not visited >> there & 1:
                more = (*used[:kind], used[kind] + 1, *used[kind + 1 :])
                stack.append((there, visited | 1 << there, more, kind if first < 0 else first))


@functools.cache
def _turned_graph(graph: int) -> int:
    """Returns the first graph that is the same but for the names of the axes."""
    turned = set()
    for order in itertools.permutations(range(NUM_AXES)):
        constraints = GRAPHS.constraints[graph][np.ix_(order, order)]
        active = GRAPHS.active[graph][list(order)]
        same = (GRAPHS.constraints == constraints).all(axis=(1, 2))
        turned.add(int(np.flatnonzero(same & (GRAPHS.active == active).all(axis=1))[0]))
    return min(turned)


@functools.lru_cache(maxsize=65_536)
def _expected(graph: int, num_stones: int, num_potions: int, horizon: int, bonus: float) -> float:
    ways = ways_of(graph)
    vertices = GRAPHS.vertices[graph][GRAPHS.vertices[graph] >= 0]
    types = GRAPHS.types[graph][GRAPHS.types[graph] >= 0]
    needed = min(num_potions + num_stones, num_stones * int(ways.steps.max()))
    budget = horizon if horizon < needed else 0  # 0: time is never short, and is not counted
    steps = ways.steps if budget else np.zeros_like(ways.steps)
    potions = np.ascontiguousarray(ways.potions[:, :, types])
    most = potions.max(axis=(0, 1))  # of each type that one stone can use
    laid_out, likely = _laid_out(num_potions, tuple((num_stones * most).tolist()))
    limits = np.zeros_like(most)
    best = np.zeros((1, 1, budget + 1))
    sets: list[tuple[int, ...]] = [()]
    for n in range(1, num_stones + 1):
        index = {stones: i for i, stones in enumerate(sets)}
        sets = list(itertools.combinations_with_replacement(vertices.tolist(), n))
        best = one_more_stone(
            np.array([stones[0] for stones in sets]),
            np.array([index[stones[1:]] for stones in sets]),
            laid_out if n == num_stones else box(n * most),
            limits,
            ways.values(bonus),
            potions,
            steps,
            ways.counts,
            best,
        )
        limits = n * most
    stones_likely = _chances(np.array([np.bincount(s, minlength=NUM_VERTICES) for s in sets]))
    return float(stones_likely @ best[:, :, budget] @ likely)


@functools.lru_cache(maxsize=1024)
def _laid_out(
    num_potions: int, limits: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns what is of use of the potions that may be laid out, and how likely each is.

    Args:
        num_potions: how many there are.
        limits: how many of each type can be of use; more count as so many.
    """
    points = _multisets(num_potions, len(limits))
    useful, where = np.unique(np.minimum(points, limits), axis=0, return_inverse=True)
    likely = np.bincount(where.ravel(), weights=_chances(points)).astype(np.float64)
    return useful.astype(np.int64), likely


def box(limits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns all counts within limits, [L, K], the last changing fastest."""
    return np.indices((limits + 1).tolist()).reshape(len(limits), -1).T


def _chances(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the chance of each multiset of draws that are uniform, from all of them, [M]."""
    orders = [
        math.factorial(sum(row)) // math.prod(map(math.factorial, row)) for row in counts.tolist()
    ]
    weights = np.array(orders, dtype=np.float64)
    return weights / weights.sum()


@functools.cache
def _multisets(num: int, num_types: int) -> NDArray[np.int64]:
    """Returns all counts by type that sum to a number, [L, K]."""
    bars = itertools.combinations(range(num + num_types - 1), num_types - 1)
    edges = np.array([(-1, *places, num + num_types - 1) for places in bars])
    counts: NDArray[np.int64] = np.diff(edges, axis=1) - 1
    return counts


@numba.njit(cache=True)
def one_more_stone(  # type: ignore[no-untyped-def]
    stones, rests, points, limits, values, potions, steps, counts, before
):
    """Returns the best value of sets of stones from those of sets with one stone less.

        f(s ∪ S, c, t) = max over the ways w of s of value(w) + f(S, c − potions(w), t − steps(w))

    Args:
        stones: the first stone of each set, [M].
        rests: the index of the rest of each set, [M].
        points: counts c of potions by type, [L, K].
        limits: how many of each type can be of use to the rests, [K].
        values: what each way pays, [8, W].
        potions: what it uses up, [8, W, K].
        steps: how long it takes, [8, W].
        counts: how many ways each vertex has, [8].
        before: the best values of the rests, for all counts within the limits, [·, L', T].
    """
    num_times = before.shape[2]
    best = np.zeros((len(stones), len(points), num_times))
    for m in range(len(stones)):
        stone = stones[m]
        for row in range(len(points)):
            for w in range(counts[stone]):
                rest = 0
                for k in range(len(limits)):
                    count = points[row, k] - potions[stone, w, k]
                    if count < 0:
                        rest = -1
                        break
                    rest = rest * (limits[k] + 1) + min(count, limits[k])
                if rest < 0:
                    continue
                for t in range(steps[stone, w], num_times):
                    value = values[stone, w] + before[rests[m], rest, t - steps[stone, w]]
                    best[m, row, t] = max(best[m, row, t], value)
    return best
