"""What a search tried: advantages, importances and the lineage, computed by hand."""

import math

import networkx as nx
import numpy as np
import pytest

from curricula.campaigns.sight import search_pictures as pictures
from curricula.campaigns.sight.trials import (
    distribution_graph,
    importances,
    moves_of,
    tried,
)
from taskgen.distribution import TaskDistribution
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Int

SPACE = ParameterSpace({"size": Int(low=1, high=10, default=5)})


def place(low, high):
    return TaskDistribution.make(SPACE, {"size": [low, high]}).to_json()


def candidate(index, origin, gain, move=None, where=(1, 2), **more):
    return {
        "index": index,
        "name": f"{origin}-{index}",
        "origin": origin,
        "move": move or {},
        "distribution": place(*where),
        "gain": gain,
        "gain_se": 0.1,
        "pruned": gain is None,
        **more,
    }


def record_of(generation, candidates, winner, where, **decision):
    return {
        "generation": generation,
        "incumbent": place(*where),
        "candidates": candidates,
        "decision": {"winner": winner, **decision},
    }


START = record_of(0, [], 0, (1, 2))
FORKS = record_of(
    1,
    [
        candidate(0, "keep", 0.1),
        candidate(1, "keep", 0.3, name="keep-again"),
        candidate(2, "move", 0.6, {"size.shift": 0.5}, (1, 5)),
        candidate(3, "move", None, {"size.shift": -0.5}, (1, 1)),
    ],
    2,
    (1, 5),
)
STREAM = record_of(
    2, [candidate(0, "move", 0.5, {"size.log_width": 1.0}, (1, 10))], None, (1, 5), difference=-0.25
)


def test_an_advantage_is_the_gain_beyond_staying():
    found = tried([START, FORKS, STREAM])
    assert [one.name for one in found] == ["keep-0", "keep-again", "move-2", "move-3", "move-0"]
    known = [one.advantage for one in found]
    assert known[:3] == pytest.approx([-0.1, 0.1, 0.4])
    assert math.isnan(known[3])
    assert known[4] == pytest.approx(-0.25), "a stream is compared with its recent gains"
    assert [one.goes_on for one in found] == [False, False, True, False, False]
    axes, values, worth = moves_of(found)
    assert axes == ["size.shift", "size.log_width"]
    np.testing.assert_allclose(values, [[0.5, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(worth, [0.4, -0.25])


def test_what_decides_alone_is_all_that_is_important():
    rng = np.random.default_rng(0)
    values = rng.uniform(-1.0, 1.0, (400, 3))
    shares = importances(values, np.abs(values[:, 1]))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[1] > 0.9
    copied = np.repeat(values[:, :1], 2, axis=1)
    np.testing.assert_allclose(importances(copied, values[:, 0]), [0.5, 0.5])
    np.testing.assert_allclose(importances(values, np.zeros(400)), 0.0, atol=1e-9)


def test_the_lineage_leads_from_every_incumbent_to_what_was_tried():
    graph = distribution_graph([START, FORKS, STREAM], SPACE, ["size"])
    assert set(graph.edges) == {("0", "1"), ("0", "1/move-3"), ("1", "2"), ("1", "2/move-0")}
    assert nx.is_tree(graph)
    volumes = {node: round(data["volume"], 6) for node, data in graph.nodes(data=True)}
    assert volumes["1"] == volumes["2"]
    assert volumes["2/move-0"] == 1.0
    assert volumes["0"] < volumes["1"]
    assert graph.nodes["1/move-3"]["goes_on"] is False


def test_figures_show_what_there_is_and_nothing_where_there_is_nothing():
    graph = distribution_graph([START, FORKS, STREAM], SPACE, ["size"])
    axes = pictures.graph_figure(graph).axes[0]
    assert sum(len(drawn.get_offsets()) for drawn in axes.collections[2:]) == len(graph)
    found = tried([START, FORKS, STREAM])
    legend = pictures.history_figure(found).axes[0].get_legend()
    assert {text.get_text() for text in legend.get_texts()} == {"keep", "move", "goes on"}
    assert [a.get_xlabel() for a in pictures.slices_figure(found).axes] == [
        "size: shift",
        "size: log width",
    ]
    assert pictures.importance_figure(found) is None, "two moves say nothing"
    many = [one for _ in range(8) for one in found]
    assert pictures.importance_figure(many) is not None
    nothing = tried([START])
    assert pictures.history_figure(nothing) is None
    assert pictures.slices_figure(nothing) is None
    assert pictures.graph_figure(distribution_graph([START], SPACE, ["size"])) is None
