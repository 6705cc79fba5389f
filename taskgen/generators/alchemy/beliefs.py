"""What can be known of a chemistry from what was seen: the exact belief, for many slots at once.

What follows from a chemistry is certain, so an observation only rules chemistries out: a belief is
the list of those that explain all that was seen, and how likely each of them is stays as it was in
the prior. The kernels here are compiled; slots do not know of one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.alchemy.chemistry import (
    COLOURS,
    GRAPHS,
    LOOKS,
    NUM_FULL_GRAPHS,
    NUM_POTION_MAPS,
    NUM_STONE_MAPS,
    ROTATIONS,
    SHOWN_VALUES,
    Chemistry,
)

NUM_LOOKS = 27
"""Different looks of a stone: three features of −1, 0 and 1."""
_DIGITS = np.array([1, 3, 9])


def _look_numbers() -> NDArray[np.int64]:
    """Returns the number of the look of each vertex, by appearance, [32, 8]."""
    return ((LOOKS + 1) @ _DIGITS).reshape(-1, LOOKS.shape[2])


LOOK_OF = _look_numbers()
"""By appearance and vertex: the number of the look, [32, 8]."""
VERTEX_OF = np.full((len(LOOK_OF), NUM_LOOKS), -1)
"""By appearance and look: the vertex, −1 where none looks like that, [32, 27]."""
np.put_along_axis(VERTEX_OF, LOOK_OF, np.arange(LOOK_OF.shape[1])[None], axis=1)
TYPE_OF = np.argsort(COLOURS, axis=1)
"""By potion map and colour: the type of potion, [48, 6]."""


def appearance(stone_map: int, rotation: int) -> int:
    """Returns the number of how stones look: 4 · stone map + rotation."""
    return len(ROTATIONS) * stone_map + rotation


def published_prior() -> NDArray[np.float64]:
    """Returns how likely each graph is: 0 to 3 constraints equally, inside of each all, [127]."""
    weights = np.zeros(len(GRAPHS))
    counts = GRAPHS.num_constraints[:NUM_FULL_GRAPHS]
    weights[:NUM_FULL_GRAPHS] = 0.25 / np.bincount(counts)[counts]
    return weights


@dataclass(frozen=True)
class Prior:
    """Which chemistries there may be, and how likely each is.

    Args:
        graphs: how likely each graph is, [127]; see `published_prior`.
        num_potion_maps: how many of the potion maps there may be, each as likely.
        num_stone_maps: likewise.
        num_rotations: likewise.
    """

    graphs: NDArray[np.float64]
    num_potion_maps: int = NUM_POTION_MAPS
    num_stone_maps: int = NUM_STONE_MAPS
    num_rotations: int = len(ROTATIONS)

    @cached_property
    def chemistries(self) -> NDArray[np.int32]:
        """All that there may be: appearance, potion map and graph, [N, 3]."""
        appearances = [
            appearance(stone_map, rotation)
            for stone_map in range(self.num_stone_maps)
            for rotation in range(self.num_rotations)
        ]
        parts = (appearances, range(self.num_potion_maps), np.flatnonzero(self.graphs))
        grid = np.meshgrid(*map(np.asarray, parts), indexing="ij")
        return np.stack(grid, axis=-1).reshape(-1, 3).astype(np.int32)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How likely each of them is, up to a factor, [N]."""
        return self.graphs[self.chemistries[:, 2]]


class Beliefs:
    """Beliefs of B slots.

    Args:
        num_slots: B.
        chemistries: all that there may be: appearance, potion map and graph, [N, 3].
        weights: how likely each of them is, up to a factor, [N].
    """

    def __init__(
        self, num_slots: int, chemistries: NDArray[np.int32], weights: NDArray[np.float64]
    ) -> None:
        self.chemistries, self.weights = chemistries, weights
        self.possible = np.tile(np.arange(len(chemistries), dtype=np.int32), (num_slots, 1))
        """Indices of chemistries, [B, N]; the first `counts` of each row are possible."""
        self.counts = np.full(num_slots, len(chemistries))

    @classmethod
    def certain(cls, chemistries: Sequence[Chemistry]) -> Beliefs:
        """Returns the beliefs of who knows the chemistry of each slot."""
        rows = [(appearance(c.stone_map, c.rotation), c.potion_map, c.graph) for c in chemistries]
        beliefs = cls(len(rows), np.array(rows, dtype=np.int32), np.ones(len(rows)))
        beliefs.possible[:, 0] = np.arange(len(rows))
        beliefs.counts[:] = 1
        return beliefs

    def see(
        self, slots: NDArray[np.int64], looks: NDArray[np.int64], values: NDArray[np.int64]
    ) -> None:
        """Takes in what lies on the table.

        Args:
            slots: in which, [S].
            looks: of the stones, numbers of looks, [B, 3]; −1: gone.
            values: what they show, −3 to 3, [B, 3].
        """
        every = self.chemistries
        _see(slots, looks, values, every, self.possible, self.counts, VERTEX_OF, SHOWN_VALUES)

    def see_change(
        self,
        slots: NDArray[np.int64],
        colours: NDArray[np.int64],
        before: NDArray[np.int64],
        after: NDArray[np.int64],
        values: NDArray[np.int64],
    ) -> None:
        """Takes in what became of a stone in a potion.

        Args:
            slots: in which, [S].
            colours: of the potion, [S].
            before: the number of the stone's look, [S].
            after: the same after the potion, [S].
            values: what it shows now, [S].
        """
        _see_change(
            slots,
            colours,
            before,
            after,
            values,
            self.chemistries,
            self.possible,
            self.counts,
            GRAPHS.moves,
            TYPE_OF,
            VERTEX_OF,
            LOOK_OF,
            SHOWN_VALUES,
        )


@numba.njit(cache=True)
def _see(slots, looks, values, every, possible, counts, vertex_of, shown):  # type: ignore[no-untyped-def]
    """Rules out the chemistries in which some stone cannot look and be worth what it does."""
    for b in slots:
        kept = 0
        for i in range(counts[b]):
            looking = every[possible[b, i], 0]
            explains = True
            for s in range(3):
                if looks[b, s] >= 0:
                    vertex = vertex_of[looking, looks[b, s]]
                    if vertex < 0 or shown[vertex] != values[b, s]:
                        explains = False
                        break
            if explains:
                possible[b, kept] = possible[b, i]
                kept += 1
        counts[b] = kept


@numba.njit(cache=True)
def _see_change(  # type: ignore[no-untyped-def]
    slots,
    colours,
    before,
    after,
    values,
    every,
    possible,
    counts,
    moves,
    type_of,
    vertex_of,
    look_of,
    shown,
):
    """Rules out the chemistries in which the potion would have done something else."""
    for n in range(len(slots)):
        b, kept = slots[n], 0
        for i in range(counts[b]):
            looking, potion_map, graph = every[possible[b, i]]
            kind = type_of[potion_map, colours[n]]
            there = moves[graph, vertex_of[looking, before[n]], kind]
            if look_of[looking, there] == after[n] and shown[there] == values[n]:
                possible[b, kept] = possible[b, i]
                kept += 1
        counts[b] = kept
