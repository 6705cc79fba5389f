import hashlib
import itertools

import networkx as nx
import numpy as np
import pytest

from taskgen.generators.alchemy.chemistry import (
    BEST,
    COLOURS,
    COORDINATES,
    GRAPHS,
    LOOKS,
    NUM_CHEMISTRIES,
    NUM_FULL_GRAPHS,
    SHOWN_VALUES,
    STONE_SIGNS,
    Chemistry,
    chemistry_graph,
    every_chemistry,
)

PLAIN = Chemistry(graph=0, potion_map=0, stone_map=0, rotation=0)


def vertex(x, y, z):
    return int(np.flatnonzero((np.array([x, y, z]) == COORDINATES).all(axis=1))[0])


def graph_with(**constraints):
    """The index of the graph with these constraints, as x_if_y=-1: along x only where y is -1."""
    wanted = np.zeros((3, 3), dtype=int)
    for name, value in constraints.items():
        axis, _, other = name.split("_")
        wanted["xyz".index(axis), "xyz".index(other)] = value
    full = GRAPHS.constraints[:NUM_FULL_GRAPHS]
    return int(np.flatnonzero((full == wanted).all(axis=(1, 2)))[0])


def test_there_are_109_graphs_by_number_of_constraints():
    counts = np.bincount(GRAPHS.num_constraints[:NUM_FULL_GRAPHS])
    assert counts.tolist() == [1, 12, 48, 48]
    assert len(np.unique(GRAPHS.moves[:NUM_FULL_GRAPHS], axis=0)) == NUM_FULL_GRAPHS == 109


def test_no_connected_graph_is_missing():
    """Every way to constrain each axis by each other one, by networkx instead of the tables."""
    connected = 0
    for values in itertools.product((-1, 0, 1), repeat=6):
        constraints = dict(zip(itertools.permutations(range(3), 2), values, strict=True))
        graph = nx.hypercube_graph(3)
        for one, other in list(graph.edges):
            axis = next(i for i in range(3) if one[i] != other[i])
            signs = [2 * bit - 1 for bit in one]
            if any(constraints[axis, j] not in (0, signs[j]) for j in range(3) if j != axis):
                graph.remove_edge(one, other)
        connected += nx.is_connected(graph)
    assert connected == NUM_FULL_GRAPHS


def test_edges_by_number_of_constraints():
    edges = {}
    for index in range(NUM_FULL_GRAPHS):
        graph = chemistry_graph(Chemistry(index, 0, 0, 0))
        assert nx.is_connected(graph)
        key = int(GRAPHS.num_constraints[index]), graph.number_of_edges()
        edges[key] = edges.get(key, 0) + 1
    assert edges == {(0, 12): 1, (1, 10): 12, (2, 8): 36, (2, 9): 12, (3, 7): 48}


def test_smaller_cubes_are_faces():
    squares, lines = (np.flatnonzero(GRAPHS.num_axes == k) for k in (2, 1))
    assert (len(squares), len(lines)) == (3 * 5, 3)
    for index in [*squares, *lines]:
        graph = chemistry_graph(Chemistry(int(index), 0, 0, 0))
        assert nx.is_connected(graph)
        assert len(graph) == 2 ** GRAPHS.num_axes[index]
        assert all(
            coordinate == 1
            for place in graph
            for coordinate, active in zip(place, GRAPHS.active[index], strict=True)
            if not active
        )


def test_every_chemistry_is_another():
    seen = {
        (c.graph, COLOURS[c.potion_map].tobytes(), LOOKS[c.stone_map, c.rotation].tobytes())
        for c in every_chemistry()
    }
    assert len(seen) == NUM_CHEMISTRIES == 167_424 == 109 * 48 * 8 * 4


def test_potion_maps_give_opposite_types_colours_of_one_pair():
    assert len(np.unique(COLOURS, axis=0)) == 48
    assert (COLOURS[:, ::2] // 2 == COLOURS[:, 1::2] // 2).all()
    assert (np.sort(COLOURS, axis=1) == np.arange(6)).all()
    assert (COLOURS[:8] // 2 == [0, 0, 1, 1, 2, 2]).all(), "the first eight differ in directions"


def test_values_by_hand():
    assert sorted(SHOWN_VALUES.tolist()) == [-3, -1, -1, -1, 1, 1, 1, 3]
    rewards = [node["reward"] for node in chemistry_graph(PLAIN).nodes.values()]
    assert sorted(rewards) == [-3, -1, -1, -1, 1, 1, 1, 15]
    assert chemistry_graph(PLAIN, bonus=2).nodes[1, 1, 1]["reward"] == 5


@pytest.mark.parametrize(
    ("rotation", "seen"),
    [
        (0, [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)]),
        (1, [(0, 1, 1), (-1, 0, 1), (1, 0, 1), (0, 1, -1)]),  # about z: (x − y) / 2, (x + y) / 2
        (2, [(1, 1, 0), (0, 1, 1), (1, -1, 0), (0, 1, -1)]),  # about y: z′ and x′ of z and x
        (3, [(1, 0, 1), (-1, 0, 1), (1, -1, 0), (1, 1, 0)]),  # about x: y′ and z′ of y and z
    ],
)
def test_looks_under_each_rotation_by_hand(rotation, seen):
    """Of (1, 1, 1) and of the three vertices beside it."""
    chemistry = Chemistry(0, 0, 0, rotation)
    places = [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)]
    assert [chemistry.seen(vertex(*place)) for place in places] == seen


def test_stone_maps_flip_what_is_seen_before_it_is_turned():
    assert len(np.unique(STONE_SIGNS, axis=0)) == 8
    assert Chemistry(0, 0, 5, 0).seen(BEST) == (-1, 1, -1)
    assert Chemistry(0, 0, 5, 1).seen(BEST) == (-1, 0, -1)


def test_no_two_vertices_look_alike():
    assert all(len(np.unique(looks, axis=0)) == 8 for row in LOOKS for looks in row)
    assert set(LOOKS.ravel().tolist()) == {-1, 0, 1}


def test_a_missing_edge_blocks_both_directions():
    index = graph_with(x_if_y=-1)
    moves = GRAPHS.moves[index]
    for z in (-1, 1):
        low, high = vertex(-1, -1, z), vertex(1, -1, z)
        assert (moves[low, 1], moves[high, 0]) == (high, low)
        low, high = vertex(-1, 1, z), vertex(1, 1, z)
        assert (moves[low, 1], moves[high, 0]) == (low, high)


def test_the_published_bottlenecks_are_among_the_graphs():
    assert graph_with(x_if_y=-1, x_if_z=1) > 0
    assert graph_with(x_if_y=-1) > 0
    assert graph_with(x_if_y=-1, x_if_z=1, z_if_y=-1) > 0


def test_a_graph_has_its_potions_on_its_edges():
    graph = chemistry_graph(PLAIN)
    assert graph.edges[(-1, 1, 1), (1, 1, 1)] == {"axis": 0, "up": "green", "down": "red"}
    flipped = chemistry_graph(Chemistry(0, 1, 0, 0))
    assert flipped.edges[(-1, 1, 1), (1, 1, 1)] == {"axis": 0, "up": "red", "down": "green"}


def test_the_order_of_the_tables_is_that_of_version_1():
    """Contents are indices into these: with another order they mean other chemistries."""
    tables = [t.astype("<i8").tobytes() for t in (GRAPHS.moves, GRAPHS.active, COLOURS, LOOKS)]
    assert hashlib.sha256(b"".join(tables)).hexdigest()[:16] == "7d749fa8548b1720"
