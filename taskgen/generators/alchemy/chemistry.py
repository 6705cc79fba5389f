"""What a chemistry is: the cube of stones, the potions that move along it, and how both look.

A stone is a vertex of the cube {−1, +1}³, a number of three bits: bit i is set where coordinate i
is +1, so that vertex 7 is the best. A potion is a *type*, 2 · axis + (1 towards +1, else 0). A
chemistry says which edges there are (`GRAPHS`), which colour each type has (`COLOURS`) and how a
vertex looks (`LOOKS`); all of them are tables, and a chemistry is four indices into them. The order
of the tables is part of the family's version.

Smaller cubes are faces of the whole one: the axes that are not active stay at +1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

NUM_AXES, NUM_VERTICES, NUM_TYPES = 3, 8, 6
BEST = NUM_VERTICES - 1
COLOUR_NAMES = ("red", "green", "orange", "yellow", "pink", "turquoise")
"""The colours of potions; two that follow one another are always opposite."""

COORDINATES = np.array(
    [[1 if vertex >> axis & 1 else -1 for axis in range(NUM_AXES)] for vertex in range(8)]
)
"""The coordinates of each vertex, [8, 3]."""
SHOWN_VALUES = COORDINATES.sum(axis=1)
"""The value that a stone shows, the sum of its coordinates: −3, −1, 1 or 3, [8]."""


def _active_sets() -> list[tuple[int, ...]]:
    """Returns the sets of axes that can be active, the whole cube first."""
    return [s for k in (3, 2, 1) for s in itertools.combinations(range(NUM_AXES), k)]


def _constraints(active: tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """Yields every way to constrain some axes by one another, [3, 3], the fewest first."""
    pairs = list(itertools.permutations(active, 2))
    every = itertools.product((0, -1, 1), repeat=len(pairs))
    for values in sorted(every, key=lambda values: sum(value != 0 for value in values)):
        matrix = np.zeros((NUM_AXES, NUM_AXES), dtype=np.int64)
        for pair, value in zip(pairs, values, strict=True):
            matrix[pair] = value
        yield matrix


def _moves(active: tuple[int, ...], constraints: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns where each type of potion takes each vertex, [8, 6]; the same where it does not."""
    moves = np.arange(NUM_VERTICES)[:, None].repeat(NUM_TYPES, axis=1)
    for vertex, axis in itertools.product(_vertices(active), active):
        allowed = (constraints[axis] == 0) | (constraints[axis] == COORDINATES[vertex])
        if allowed.all():
            bit = 1 << axis
            moves[vertex, 2 * axis], moves[vertex, 2 * axis + 1] = vertex & ~bit, vertex | bit
    return moves


def _vertices(active: tuple[int, ...]) -> list[int]:
    """Returns the vertices of a face: those whose other coordinates are +1."""
    fixed = BEST & ~sum(1 << axis for axis in active)
    return [vertex for vertex in range(NUM_VERTICES) if vertex & fixed == fixed]


def _hangs_together(active: tuple[int, ...], moves: NDArray[np.int64]) -> bool:
    reached, queue = {BEST}, [BEST]
    while queue:
        for vertex in set(moves[queue.pop()].tolist()) - reached:
            reached.add(vertex)
            queue.append(vertex)
    return reached == set(_vertices(active))


@dataclass(frozen=True)
class Graphs:
    """All graphs, those of the whole cube first, each block by its number of constraints.

    Args:
        constraints: [G, 3, 3]; where [axis, other] is ±1, there is an edge along the axis only
            where the other coordinate has that sign; 0: wherever.
        moves: where each type of potion takes each vertex, [G, 8, 6].
        active: which axes a stone can be moved along, [G, 3].
        num_constraints: how many entries of `constraints` are not 0, [G].
        num_axes: how many axes are active, k, [G].
        vertices: the 2ᵏ vertices in ascending order, then −1, [G, 8].
        types: the 2k types of potions in ascending order, then −1, [G, 6].
    """

    constraints: NDArray[np.int64]
    moves: NDArray[np.int64]
    active: NDArray[np.bool_]
    num_constraints: NDArray[np.int64]
    num_axes: NDArray[np.int64]
    vertices: NDArray[np.int64]
    types: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.constraints)


def _padded(values: list[int], length: int) -> list[int]:
    return values + [-1] * (length - len(values))


def _all_graphs() -> Graphs:
    """Returns every graph whose vertices all reach one another."""
    found = [
        (active, constraints, moves)
        for active in _active_sets()
        for constraints in _constraints(active)
        if _hangs_together(active, moves := _moves(active, constraints))
    ]
    constraints = np.array([item[1] for item in found])
    sets = [item[0] for item in found]
    return Graphs(
        constraints=constraints,
        moves=np.array([item[2] for item in found]),
        active=np.array([[axis in active for axis in range(NUM_AXES)] for active in sets]),
        num_constraints=(constraints != 0).sum(axis=(1, 2)),
        num_axes=np.array([len(active) for active in sets]),
        vertices=np.array([_padded(_vertices(active), NUM_VERTICES) for active in sets]),
        types=np.array(
            [_padded([2 * a + d for a in active for d in (0, 1)], NUM_TYPES) for active in sets]
        ),
    )


GRAPHS = _all_graphs()
NUM_FULL_GRAPHS = int((GRAPHS.num_axes == NUM_AXES).sum())
"""Graphs of the whole cube, 109; they come first."""


def _all_colours() -> NDArray[np.int64]:
    """Returns the colour of each type of potion under each potion map, [48, 6].

    A map gives each axis one of the three pairs of colours, and says which of the two is which;
    the directions change fastest.
    """
    maps = itertools.product(itertools.permutations(range(3)), range(8))
    return np.array(
        [
            [2 * pairs[t // 2] + (t % 2 ^ flips >> t // 2 & 1) for t in range(NUM_TYPES)]
            for pairs, flips in maps
        ]
    )


COLOURS = _all_colours()
NUM_POTION_MAPS = len(COLOURS)
STONE_SIGNS = np.array([[-1 if n >> axis & 1 else 1 for axis in range(3)] for n in range(8)])
"""What each stone map multiplies the coordinates with before they are seen, [8, 3]."""
NUM_STONE_MAPS = len(STONE_SIGNS)
ROTATIONS = ("none", "z", "y", "x")
"""About which axis stones are turned by 45° before they are seen."""


def _turned(coordinates: NDArray[np.int64], rotation: str) -> NDArray[np.int64]:
    """Returns coordinates [N, 3] after a turn by 45°, shortened to −1, 0 and 1.

    About z: x′ = (x − y) / 2, y′ = (x + y) / 2.
    """
    seen = coordinates.copy()
    planes = {"z": (0, 1), "y": (2, 0), "x": (1, 2)}
    if rotation in planes:
        i, j = planes[rotation]
        first, second = coordinates[:, i], coordinates[:, j]
        seen[:, i], seen[:, j] = (first - second) // 2, (first + second) // 2
    return seen


LOOKS = np.array(
    [[_turned(COORDINATES * signs, rotation) for rotation in ROTATIONS] for signs in STONE_SIGNS]
)
"""What is seen of each vertex, by stone map and rotation, [8, 4, 8, 3]."""
NUM_CHEMISTRIES = NUM_FULL_GRAPHS * NUM_POTION_MAPS * NUM_STONE_MAPS * len(ROTATIONS)
"""Of the whole cube: 109 · 48 · 8 · 4 = 167,424."""


@dataclass(frozen=True)
class Chemistry:
    """One chemistry, as indices into the tables.

    Args:
        graph: of `GRAPHS`; one of the first `NUM_FULL_GRAPHS` for the whole cube.
        potion_map: of `COLOURS`, 0 to 47.
        stone_map: of `STONE_SIGNS`, 0 to 7.
        rotation: of `ROTATIONS`, 0 to 3.

    Example:
        >>> Chemistry(graph=0, potion_map=0, stone_map=1, rotation=1).seen(7)
        (-1, 0, 1)
    """

    graph: int
    potion_map: int
    stone_map: int
    rotation: int

    def seen(self, vertex: int) -> tuple[int, int, int]:
        """Returns what is seen of a vertex: three numbers of −1, 0 and 1."""
        x, y, z = LOOKS[self.stone_map, self.rotation, vertex].tolist()
        return x, y, z

    def colour(self, potion: int) -> str:
        """Returns the colour of a type of potion."""
        return COLOUR_NAMES[COLOURS[self.potion_map, potion]]


def every_chemistry() -> Iterator[Chemistry]:
    """Yields the 167,424 chemistries of the whole cube."""
    sizes = (NUM_FULL_GRAPHS, NUM_POTION_MAPS, NUM_STONE_MAPS, len(ROTATIONS))
    for indices in itertools.product(*map(range, sizes)):
        yield Chemistry(*indices)


def chemistry_graph(chemistry: Chemistry, bonus: float = 12.0) -> nx.Graph:
    """Returns a chemistry as a graph: a node a vertex, an edge where potions lead.

    Nodes are coordinates (x, y, z), with `reward` and `seen`; edges have `axis`, and the colours
    of the potions that lead `up` (towards +1) and `down`.

    Args:
        chemistry: which one.
        bonus: what the best vertex pays beyond the sum of its coordinates.
    """
    graph = nx.Graph(rotation=ROTATIONS[chemistry.rotation])
    for vertex in GRAPHS.vertices[chemistry.graph].tolist():
        if vertex >= 0:
            reward = float(SHOWN_VALUES[vertex] + bonus * (vertex == BEST))
            graph.add_node(_place(vertex), reward=reward, seen=chemistry.seen(vertex))
    moves = GRAPHS.moves[chemistry.graph]
    for vertex, axis in itertools.product(range(NUM_VERTICES), range(NUM_AXES)):
        above = int(moves[vertex, 2 * axis + 1])
        if above != vertex:
            up, down = chemistry.colour(2 * axis + 1), chemistry.colour(2 * axis)
            graph.add_edge(_place(vertex), _place(above), axis=axis, up=up, down=down)
    return graph


def _place(vertex: int) -> tuple[int, ...]:
    return tuple(COORDINATES[vertex].tolist())
