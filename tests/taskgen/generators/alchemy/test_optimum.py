import itertools

import numpy as np
import pytest

from taskgen.generators.alchemy.chemistry import GRAPHS
from taskgen.generators.alchemy.optimum import expected_return, ways_of
from tests.taskgen.generators.alchemy.force import by_force

LINE = int(np.flatnonzero(GRAPHS.num_axes == 1)[0])
SQUARE = int(np.flatnonzero(GRAPHS.num_axes == 2)[0])


@pytest.mark.parametrize(
    ("graph", "num_stones", "num_potions", "horizon"),
    [
        (0, 1, 2, 20),
        (0, 1, 3, 3),
        (70, 1, 3, 20),
        (100, 1, 3, 3),
        (SQUARE, 2, 3, 20),
        (SQUARE + 3, 2, 3, 3),
        (SQUARE + 4, 3, 2, 4),
        (LINE, 2, 2, 3),
        (LINE, 3, 3, 20),
    ],
)
@pytest.mark.parametrize("bonus", [0, 12])
def test_the_optimum_by_force_over_everything_that_may_be_laid_out(
    graph, num_stones, num_potions, horizon, bonus
):
    vertices = GRAPHS.vertices[graph][GRAPHS.vertices[graph] >= 0].tolist()
    types = GRAPHS.types[graph][GRAPHS.types[graph] >= 0].tolist()
    values = [
        by_force(graph, stones, potions, horizon, bonus)
        for stones in itertools.product(vertices, repeat=num_stones)
        for potions in itertools.product(types, repeat=num_potions)
    ]
    found = expected_return(graph, num_stones, num_potions, horizon, bonus)
    assert found == pytest.approx(np.mean(values), abs=1e-5)


def test_the_expected_score_of_the_oracle_is_the_published_one():
    """288.5 ± 1.5 is published, of 1,000 sampled lifetimes; this is exact."""
    by_graph = np.array([expected_return(graph, 3, 12, 20, 12) for graph in range(109)])
    counts = GRAPHS.num_constraints[:109]
    score = 10 * np.mean([by_graph[counts == n].mean() for n in range(4)])
    assert score == pytest.approx(288.4034, abs=1e-3)


def test_a_stone_takes_the_long_way_where_that_leaves_more():
    """Along x only where y = −1 and z = 1: from (−1, −1, −1) by z, x, y, in that order alone."""
    constraints = np.zeros((3, 3), dtype=int)
    constraints[0, 1], constraints[0, 2] = -1, 1
    graph = int(np.flatnonzero((GRAPHS.constraints == constraints).all(axis=(1, 2)))[0])
    ways = ways_of(graph)
    best = [w for w in range(ways.counts[0]) if ways.ends[0, w] == 7]
    assert [ways.potions[0, w].tolist() for w in best] == [[0, 1, 0, 1, 0, 1]]
    assert [ways.steps[0, w] for w in best] == [4]
    assert by_force(graph, (0, 3), (1, 3, 5), 20, 12) == 16


def test_ways_of_a_stone_on_the_whole_cube():
    ways = ways_of(0)
    assert ways.counts.tolist() == [5, 4, 4, 3, 4, 3, 3, 2]
    assert ways.values(12.0)[7, :2].tolist() == [0.0, 15.0]
