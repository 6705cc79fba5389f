"""Layouts: trees where they must be, uniform where they must be, solvable always."""

from collections import Counter

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze, canonical, layouts
from taskgen.generators.maze.layouts import LAYOUTS, PERFECT, generate
from taskgen.parameter_space import OutOfSpace

MAZE = Maze()


def columns(num, **values):
    row = MAZE.space.complete(values)
    return {name: np.full(num, value) for name, value in row.items()}


def lattice(mazes, index):
    """The spanning subgraph of a maze's lattice: nodes are the cells with even coordinates."""
    inside = mazes.interior(index)
    assert (inside[::2, ::2] == 0).all()
    assert (inside[1::2, 1::2] == 1).all()
    graph = nx.Graph()
    graph.add_nodes_from((int(r), int(c)) for r, c in np.argwhere(inside[::2, ::2] == 0))
    for r, c in np.argwhere(inside[1::2, ::2] == 0).tolist():
        graph.add_edge((r, c), (r + 1, c))
    for r, c in np.argwhere(inside[::2, 1::2] == 0).tolist():
        graph.add_edge((r, c), (r, c + 1))
    return graph


@pytest.mark.parametrize("layout", PERFECT)
@pytest.mark.parametrize("size", [5, 13, 33])
def test_perfect_layouts_are_spanning_trees(layout, size):
    mazes = generate(columns(20, size=size, layout=layout, braid=0.0), np.arange(20))
    for index in range(20):
        graph = lattice(mazes, index)
        assert len(graph) == ((size + 1) // 2) ** 2
        assert nx.is_tree(graph)


def test_the_largest_size_is_a_tree_too_and_fits_a_task():
    for layout in PERFECT:
        batch = MAZE.make_tasks(columns(1, size=255, layout=layout, braid=0.0), np.array([1]))
        assert nx.is_tree(lattice(batch.arrays, 0))
        assert len(batch.arrays.contents_json()[0]) <= 64 * 1024


def test_wilson_draws_every_spanning_tree_equally_often():
    """The 3 × 3 lattice has 192 spanning trees; chi-square with 191 degrees of freedom."""
    num = 192 * 100
    mazes = generate(columns(num, size=5, layout="wilson", braid=0.0), np.arange(num))
    interior = mazes.grids[:, 4:9, 4:9].reshape(num, -1)
    counts = np.array(list(Counter(row.tobytes() for row in interior).values()))
    assert len(counts) == 192
    chi_square = ((counts - 100) ** 2 / 100).sum()
    assert 191 - 4 * np.sqrt(2 * 191) < chi_square < 191 + 4 * np.sqrt(2 * 191)


def test_the_other_perfect_layouts_have_trees_they_prefer():
    """Kruskal draws all trees, depth-first only some, and neither equally often."""
    num_trees = {}
    for layout in ("depth_first", "kruskal"):
        mazes = generate(columns(19200, size=5, layout=layout, braid=0.0), np.arange(19200))
        counts = Counter(row.tobytes() for row in mazes.grids[:, 4:9, 4:9].reshape(19200, -1))
        num_trees[layout] = len(counts)
        assert ((np.array(list(counts.values())) - 100) ** 2 / 100).sum() > 400
    assert num_trees["depth_first"] < num_trees["kruskal"] == 192


@pytest.mark.parametrize("layout", PERFECT)
def test_braid_opens_dead_ends(layout):
    dead_ends = []
    for braid in (0.0, 0.5, 1.0):
        mazes = generate(columns(30, size=21, layout=layout, braid=braid), np.arange(30))
        graphs = [lattice(mazes, index) for index in range(30)]
        assert all(nx.is_connected(graph) for graph in graphs)
        dead_ends.append(sum(d == 1 for graph in graphs for _, d in graph.degree))
    assert dead_ends[0] > 1.5 * dead_ends[1] > 0
    assert dead_ends[2] == 0


def test_braid_gives_rooms_second_doors():
    walls = [
        generate(columns(50, size=21, layout="rooms", braid=braid), np.arange(50)).grids.sum()
        for braid in (0.0, 1.0)
    ]
    assert walls[1] < walls[0]


def test_rooms_hang_together_and_are_bounded():
    mazes = generate(columns(30, size=21, layout="rooms", braid=0.0), np.arange(30))
    for index in range(30):
        inside = mazes.interior(index) == 0
        cells = nx.grid_2d_graph(21, 21).subgraph(map(tuple, np.argwhere(inside)))
        assert nx.is_connected(cells)
        # Rooms are at most 8 long, and no wall between two has doors side by side.
        for shape in ((2, 9), (9, 2)):
            windows = np.lib.stride_tricks.sliding_window_view(inside, shape)
            assert not windows.all(axis=(2, 3)).any()


def test_random_walls_have_their_density():
    for density in (0.0, 0.2, 0.4):
        params = columns(200, size=31, layout="random_walls", wall_density=density)
        mazes = generate(params, np.arange(200))
        share = mazes.grids[:, 4:-4, 4:-4].mean()
        assert share == pytest.approx(density, abs=0.02)


def test_every_maze_can_be_solved():
    whole = TaskDistribution.make(
        MAZE.space,
        {
            "size": [5, 21],
            "layout": list(LAYOUTS),
            "braid": [0, 1],
            "wall_density": [0, 0.4],
            "goal_distance": [0, 1],
            "horizon_factor": 4.0,
        },
    )
    params = whole.sample(3000, np.random.default_rng(0))
    batch = MAZE.make_tasks(params, np.arange(3000))
    assert batch.validity.mean() > 0.999
    for index in np.flatnonzero(~batch.validity):
        assert MAZE.is_valid(batch[int(index)]).reason == "start and goal are the same cell"


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**62),
    size=st.integers(2, 9).map(lambda half: 2 * half + 1),
    layout=st.sampled_from(LAYOUTS),
    quantile=st.floats(0, 1),
)
def test_the_goal_lies_at_its_quantile(seed, size, layout, quantile):
    row = MAZE.space.complete({"size": size, "layout": layout, "goal_distance": quantile})
    task = MAZE.make_task(row, seed)
    graph = MAZE.graph(task)
    away = nx.single_source_shortest_path_length(graph, graph.graph["start"])
    others = sorted(steps for cell, steps in away.items() if cell != graph.graph["start"])
    middle = int(quantile * (len(others) - 1) + 0.5)
    assert away[graph.graph["goal"]] == others[middle]


def test_a_maze_does_not_depend_on_its_batch():
    rng = np.random.default_rng(0)
    whole = TaskDistribution.make(MAZE.space, {"size": [5, 25], "layout": list(LAYOUTS)})
    params, seeds = whole.sample(50, rng), rng.integers(0, 2**62, size=50)
    ids = MAZE.make_tasks(params, seeds).ids
    order = rng.permutation(50)
    shuffled = MAZE.make_tasks({k: v[order] for k, v in params.items()}, seeds[order])
    assert shuffled.ids == [ids[k] for k in order]
    rows = MAZE.space.rows(params)
    assert [MAZE.make_task(rows[k], int(seeds[k])).id for k in range(10)] == ids[:10]


def test_threads_make_the_same_mazes(monkeypatch):
    params, seeds = columns(100, size=9), np.arange(100)
    alone = MAZE.make_tasks(params, seeds)
    expected = (alone.ids, alone.canonicals)
    for module in (layouts, canonical):
        monkeypatch.setattr(module, "worth_threads", lambda work, at_least: True)
    shared = MAZE.make_tasks(params, seeds)
    assert (shared.ids, shared.canonicals) == expected


def test_rows_outside_the_space_are_refused():
    with pytest.raises(OutOfSpace, match="size must be"):
        MAZE.make_tasks(columns(3) | {"size": np.array([5, 6, 7])}, np.arange(3))
    with pytest.raises(OutOfSpace, match="layout must be one of"):
        MAZE.make_tasks(columns(1) | {"layout": np.array(["spiral"])}, np.arange(1))
    params = columns(1)
    del params["braid"]
    with pytest.raises(OutOfSpace, match="lack braid"):
        MAZE.make_tasks(params, np.arange(1))
    with pytest.raises(OutOfSpace, match="goal_distance"):
        MAZE.make_task(MAZE.space.complete({}) | {"goal_distance": float("nan")}, 0)
