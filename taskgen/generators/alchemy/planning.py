"""Which potion to use next, and when to stop: plans over an exact belief.

The value of a state to who knows the chemistry is tabulated once (`Tables`): for each graph, each
set of up to three stones, and each count of potions that can be of use. A plan over a belief takes
the potion after which that value, averaged over all chemistries that are still possible, is
largest, and stops where the stones as they are are worth as much:

    Q(a) = Σ_c b(c) · V_c(state after a),   stop if Σ max(0, reward) ≥ max_a Q(a).

This supposes that all is known after the next potion (hindsight). For who knows the chemistry that
is exact; for who does not it is a bound, since nobody does better than who will know all. Where few
enough chemistries are possible, the potions that the bound does not rule out are looked at one
potion farther: what each would show parts the chemistries, and the next potion is chosen in each
part,

    Q(a) = Σ_o max(P(o) · stop(o), max_a′ Σ_{c shows o} b(c) · V_c(state after a, a′)).

Potions that are left over are worth nothing, so that experiments for their own sake are hardly
needed.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.alchemy.beliefs import LOOK_OF, TYPE_OF, VERTEX_OF, Beliefs
from taskgen.generators.alchemy.chemistry import COLOURS, GRAPHS, NUM_VERTICES, SHOWN_VALUES
from taskgen.generators.alchemy.optimum import box, one_more_stone, ways_of

MAX_STONES = 3
GONE = NUM_VERTICES
"""Stands for a stone that is gone, among vertices."""
POTION_COST = 1.0 / 128
"""What a potion costs in plans, so that of plans that pay the same the shortest is taken."""

_MARGIN = POTION_COST + 1e-6


@dataclass(frozen=True)
class Tables:
    """What every state is worth to who knows the chemistry, time never being short.

    Args:
        values: of all graphs one after the other; of each by set of stones and by potions.
        offsets: where each graph begins, [127].
        widths: how many counts of potions each graph has, [127].
        limits: how many potions of each type can be of use, [127, 6].
        strides: by which counts of each type are multiplied, [127, 6].
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.int64]
    widths: NDArray[np.int64]
    limits: NDArray[np.int64]
    strides: NDArray[np.int64]


@functools.lru_cache(maxsize=4)
def tables(bonus: float) -> Tables:
    """Returns the tables of all graphs for one bonus."""
    parts, limits, strides = [], [], []
    for graph in range(len(GRAPHS)):
        values, limit = _graph_table(graph, bonus)
        parts.append(values.ravel())
        limits.append(limit)
        strides.append(np.cumprod([1, *(limit + 1)[:0:-1]])[::-1])
    widths = np.array([np.prod(limit + 1) for limit in limits])
    offsets = np.cumsum([0, *map(len, parts[:-1])])
    return Tables(np.concatenate(parts), offsets, widths, np.array(limits), np.array(strides))


def _graph_table(graph: int, bonus: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns values by set of stones and counts of potions, [165, L], and the counts' limits."""
    ways = ways_of(graph)
    paid = ways.values(bonus) - POTION_COST * ways.potions.sum(axis=2)
    limits = MAX_STONES * ways.potions.max(axis=(0, 1))
    points = box(limits)
    found = [np.zeros((1, len(points), 1))]
    sets: list[tuple[int, ...]] = [()]
    for n in range(1, MAX_STONES + 1):
        index = {stones: i for i, stones in enumerate(sets)}
        sets = list(itertools.combinations_with_replacement(range(NUM_VERTICES), n))
        firsts = np.array([stones[0] for stones in sets])
        rests = np.array([index[stones[1:]] for stones in sets])
        timeless = np.zeros_like(ways.steps)
        found.append(
            one_more_stone(
                firsts, rests, points, limits, paid, ways.potions, timeless, ways.counts, found[-1]
            )
        )
    return np.concatenate(found)[:, :, 0].astype(np.float32), limits


def _set_numbers() -> NDArray[np.int64]:
    """Returns the row of a table for three stones in any order, some perhaps gone, [9, 9, 9]."""
    numbers = np.zeros((GONE + 1,) * MAX_STONES, dtype=np.int64)
    row = 0
    for n in range(MAX_STONES + 1):
        for stones in itertools.combinations_with_replacement(range(NUM_VERTICES), n):
            for order in itertools.permutations((*stones, *[GONE] * (MAX_STONES - n))):
                numbers[order] = row
            row += 1
    return numbers


SET_NUMBERS = _set_numbers()


def best_potions(
    slots: NDArray[np.int64],
    looks: NDArray[np.int64],
    worth: NDArray[np.float64],
    potions: NDArray[np.int64],
    beliefs: Beliefs,
    bonus: float,
    far: int = 0,
) -> NDArray[np.int64]:
    """Returns which stone to put into which colour of potion, [S, 2]; −1, −1: stop.

    Args:
        slots: in which, [S].
        looks: of the stones, numbers of looks, [B, 3]; −1: gone.
        worth: what they would pay now, [B, 3].
        potions: how many there are of each colour, [B, 6].
        beliefs: of all slots.
        bonus: of the best stone.
        far: with how many possible chemistries at most to look two potions ahead.
    """
    chosen = np.full((len(slots), 2), -1)
    table = tables(float(bonus))
    _choose(
        slots,
        looks,
        worth,
        potions,
        beliefs.chemistries,
        beliefs.weights,
        beliefs.possible,
        beliefs.counts,
        far,
        (VERTEX_OF, LOOK_OF, SHOWN_VALUES, SET_NUMBERS, float(bonus)),
        (GRAPHS.moves, COLOURS, TYPE_OF),
        (table.values, table.offsets, table.widths, table.limits, table.strides),
        chosen,
    )
    return chosen


@numba.njit(cache=True)
def _add_values(  # type: ignore[no-untyped-def]
    weight, chemistry, stones, movable, potions, known, graph_tables, value_tables, gains
):
    """Adds what one chemistry says of putting each stone into each colour, weighted, [3, 6].

    `stones` are vertices, `GONE` among them, `movable` those of them that are worth a potion, and
    `potions` says how many there are of each colour.
    """
    _, potion_map, graph = chemistry
    moves, colours, type_of = graph_tables
    values, offsets, widths, limits, strides = value_tables
    start = 0
    for kind in range(6):
        count = min(potions[colours[potion_map, kind]], limits[graph, kind])
        start += count * strides[graph, kind]
    for s in range(3):
        vertex = stones[s]
        for colour in range(6):
            if not movable[s] or potions[colour] == 0:
                continue
            kind = type_of[potion_map, colour]
            rest = start
            if potions[colour] <= limits[graph, kind]:
                rest -= strides[graph, kind]
            stones[s] = moves[graph, vertex, kind]
            row = known[3][stones[0], stones[1], stones[2]]
            gains[s, colour] += weight * values[offsets[graph] + row * widths[graph] + rest]
        stones[s] = vertex


@numba.njit(cache=True)
def _look_ahead(  # type: ignore[no-untyped-def]
    action,
    looks,
    worth,
    potions,
    possible,
    every,
    weights,
    known,
    graph_tables,
    value_tables,
    gains,
    totals,
):
    """Returns what one potion is worth if the next is chosen by what is seen of it, times weight.

    Chemistries are parted by what they would show; `gains` and `totals` hold a part each, by the
    number of the look and the value, [108, 3, 6] and [108].
    """
    stone, colour = action // 6, action % 6
    moves, _, type_of = graph_tables
    vertex_of, look_of, shown, _, bonus = known
    most = 3.0 + bonus
    stones, movable = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.bool_)
    totals[:] = 0.0
    potions[colour] -= 1
    others = 0.0
    for s in range(3):
        movable[s] = looks[s] >= 0 and worth[s] < most
        if s != stone:
            others += max(worth[s], 0.0)
    for i in possible:
        looking, potion_map, graph = every[i]
        for s in range(3):
            stones[s] = vertex_of[looking, looks[s]] if looks[s] >= 0 else 8
        stones[stone] = moves[graph, stones[stone], type_of[potion_map, colour]]
        part = 4 * look_of[looking, stones[stone]] + (shown[stones[stone]] + 3) // 2
        if totals[part] == 0.0:
            gains[part] = 0.0
        totals[part] += weights[i]
        movable[stone] = shown[stones[stone]] < 3
        _add_values(
            weights[i],
            every[i],
            stones,
            movable,
            potions,
            known,
            graph_tables,
            value_tables,
            gains[part],
        )
    potions[colour] += 1
    return _sum_of_parts(others, bonus, gains, totals)


@numba.njit(cache=True)
def _sum_of_parts(others, bonus, gains, totals):  # type: ignore[no-untyped-def]
    """Returns the best of each part, the next potion or stopping, in sum.

    `others` is what the stones pay that were not in the potion.
    """
    value = 0.0
    for part in range(len(totals)):
        if totals[part] > 0.0:
            seen = 2 * (part % 4) - 3
            stop = others + max(seen + bonus * (seen == 3), 0.0)
            value += max(totals[part] * stop, gains[part].max() - totals[part] * POTION_COST)
    return value


@numba.njit(cache=True)
def _bounds(  # type: ignore[no-untyped-def]
    looks, worth, potions, possible, every, weights, known, graph_tables, value_tables, gains
):
    """Writes what each potion is worth if all is known after it, times weight; returns that."""
    vertex_of, bonus = known[0], known[4]
    stones, total = np.zeros(3, dtype=np.int64), 0.0
    movable = (looks >= 0) & (worth < 3.0 + bonus)
    gains[:] = 0.0
    for i in possible:
        total += weights[i]
        for s in range(3):
            stones[s] = vertex_of[every[i, 0], looks[s]] if looks[s] >= 0 else 8
        _add_values(
            weights[i],
            every[i],
            stones,
            movable,
            potions,
            known,
            graph_tables,
            value_tables,
            gains,
        )
    return total


@numba.njit(cache=True)
def _choose(  # type: ignore[no-untyped-def]
    slots,
    looks,
    worth,
    potions,
    every,
    weights,
    possible,
    counts,
    far,
    known,
    graph_tables,
    value_tables,
    chosen,
):
    """Writes the best stone and colour of each slot; see the module's text."""
    gains, parts, totals = np.zeros((3, 6)), np.zeros((108, 3, 6)), np.zeros(108)
    for n in range(len(slots)):
        b = slots[n]
        left = possible[b, : counts[b]]
        total = _bounds(
            looks[b],
            worth[b],
            potions[b],
            left,
            every,
            weights,
            known,
            graph_tables,
            value_tables,
            gains,
        )
        best = total * (np.maximum(worth[b], 0.0).sum() + _MARGIN)
        # Nobody does better than who will know all: what that is worth bounds what lies behind it.
        while gains.max() > best:
            action = np.argmax(gains)
            value = gains.ravel()[action]
            if 1 < len(left) <= far:
                value = _look_ahead(
                    action,
                    looks[b],
                    worth[b],
                    potions[b],
                    left,
                    every,
                    weights,
                    known,
                    graph_tables,
                    value_tables,
                    parts,
                    totals,
                )
            if value > best:
                best = value
                chosen[n, 0], chosen[n, 1] = action // 6, action % 6
            gains.ravel()[action] = -np.inf
