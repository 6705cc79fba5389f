"""Chains, rivers, grids and graphs against what is published or plain to see."""

import networkx as nx
import numpy as np
import pytest

from taskgen.generators.tabular import (
    TabularChain,
    TabularGrid,
    TabularMDP,
    TabularRiverSwim,
    digraph_of_task,
    task_of_digraph,
)
from taskgen.generators.tabular.contents import MILLION


def made(family, seed=0, **values):
    return family.make_task(family.space.complete(values), seed)


def with_horizon(task, horizon):
    return task.edited({**task.content, "horizon": horizon}, "lengthen")


def test_the_chain_earns_what_is_published_of_its_best_policy():
    """3,677 in 1,000 steps (Strens 2000): forward always."""
    family = TabularChain()
    task = with_horizon(made(family, swap_prob=0.0), 1000)
    assert family.oracle_return(task) == pytest.approx(3677, abs=15)
    assert task.content["rewards"][:5] == [[0.4, 1.6]] * 4 + [[8.4, 3.6]]


def test_the_river_has_the_published_diameter():
    """14.7 steps for six states, as given wherever UCRL2 is run on it."""
    family = TabularRiverSwim()
    task = made(family, states=6, swap_prob=0.0)
    assert family.describe(task)["diameter"] == pytest.approx(14.72, abs=0.01)
    moves = np.array(task.content["transitions"])[:6, :, :6] / MILLION
    assert moves[0, 1, :2].tolist() == [0.4, 0.6]
    assert moves[3, 1, 2:5] == pytest.approx([0.05, 0.6, 0.35])
    assert moves[5, 1, 4:].tolist() == [0.4, 0.6]
    assert (moves[np.arange(1, 6), 0, np.arange(5)] == 1.0).all()


@pytest.mark.parametrize("family", [TabularChain(), TabularRiverSwim()])
def test_changed_names_hide_the_row_and_not_its_worth(family):
    plain, swapped = (made(family, seed=4, swap_prob=prob) for prob in (0.0, 0.5))
    assert swapped.id != plain.id
    assert family.oracle_return(swapped) == pytest.approx(family.oracle_return(plain))
    assert family.canonical(swapped) != family.canonical(plain)
    edited = family.mutate(plain, np.random.default_rng(0))
    assert family.oracle_return(edited) == pytest.approx(family.oracle_return(plain))
    assert family.mutate(edited, np.random.default_rng(0)).id == plain.id


def test_all_names_changed_over_is_the_same_chain():
    family = TabularChain()
    task = made(family, swap_prob=0.0)
    rng = np.random.default_rng(0)
    state_of = {}
    while len(state_of) < 5:  # edits of each state once
        edit = family.mutate(task, rng)
        (state,) = (
            i
            for i, (a, b) in enumerate(
                zip(edit.content["rewards"], task.content["rewards"], strict=True)
            )
            if a != b
        )
        state_of[state] = edit
    content = {
        key: [state_of[s].content[key][s] for s in range(5)] + task.content[key][5:]
        for key in ("transitions", "rewards")
    }
    turned = task.edited({**task.content, **content}, "all")
    assert turned.id != task.id
    assert family.canonical(turned) == family.canonical(task)


def test_a_grid_pays_for_the_way_to_its_treasure():
    family = TabularGrid(max_side=4)
    task = made(family, seed=2, side=3, treasures=1, slip=0.0, horizon=10)
    place = int(np.argmax(np.array(task.content["rewards"])[:, 0]))
    distance = sum(divmod(place, 3))
    # The first step in the treasure is the one after arriving there.
    assert family.oracle_return(task) == pytest.approx(10 - distance)
    moves = np.array(task.content["transitions"])
    assert moves[:9, :, :9].sum() == 9 * 4 * MILLION
    assert [int(row.argmax()) for row in moves[4]] == [7, 5, 1, 3]  # up, right, down, left
    assert [int(row.argmax()) for row in moves[0]] == [3, 1, 0, 0]


def test_treasures_are_worth_less_and_less_and_never_at_the_start():
    family = TabularGrid()
    for seed in range(20):
        paid = np.array(made(family, seed, treasures=3).content["rewards"])[:, 0]
        assert sorted(paid[paid > 0]) == [0.25, 0.5, 1.0]
        assert paid[0] == 0.0


def test_a_grid_and_its_mirror_image_are_the_same():
    family = TabularGrid(max_side=3)
    rng = np.random.default_rng(1)
    task = made(family, treasures=1, slip=0.2)
    forms = {}
    for _ in range(60):
        task = family.mutate(task, rng)
        place = int(np.argmax(np.array(task.content["rewards"])[:, 0]))
        forms[place] = family.canonical(task)
    assert forms[1] == forms[3]  # (1, 0) and (0, 1)
    assert forms[2] == forms[6]
    assert forms[5] == forms[7]
    assert len(set(forms.values())) == 5


def test_a_graph_is_walked_edge_by_edge():
    graph = nx.DiGraph()
    graph.add_edge("a", "b", reward=1.0)
    graph.add_edge("a", "c", reward=-1.0)
    graph.add_edge("c", "a", reward=8.0)
    task = task_of_digraph(graph, "a", horizon=2, slip=0.25, noise=0.5)
    assert task.content["rewards"] == [[1.0, -1.0], [0.0, 0.0], [8.0, 8.0]]
    first = np.array(task.content["transitions"][0]) / MILLION
    assert first.tolist() == [[0.0, 0.75, 0.25], [0.0, 0.25, 0.75]]
    assert task.content["transitions"][1] == [[0, MILLION, 0]] * 2  # no edge: it stays
    family = TabularMDP(3, 2)
    assert family.oracle_return(task) == pytest.approx(-1.0 + 0.75 * 8.0)
    family.space.validate(task.params)
    again = digraph_of_task(task)
    assert again[0][2][1] == {"prob": 0.75, "reward": -1.0}
    assert family.render(task).shape[2] == 3


def test_a_graph_that_does_not_fit_is_refused():
    star = nx.DiGraph([(0, k) for k in range(1, 9)])
    with pytest.raises(ValueError, match="9 nodes of up to 8 edges"):
        task_of_digraph(star, 0, family=TabularMDP(9, 4))
    with pytest.raises(ValueError, match="must be a node"):
        task_of_digraph(star, "nowhere")
    with pytest.raises(ValueError, match="slip"):
        task_of_digraph(star, 0, slip=1.0)


def test_any_digraph_of_the_library_is_a_task():
    graph = nx.gnp_random_graph(12, 0.2, seed=1, directed=True)
    for number, (_, _, data) in enumerate(graph.edges(data=True)):
        data["reward"] = float(number % 3)
    family = TabularMDP(12, 8)
    task = task_of_digraph(graph, 0, family=family, horizon=5)
    assert bool(family.is_valid(task))
    env = family.make_env(task)
    env.reset(seed=0)
    total = sum(env.step(0)[1] for _ in range(5))
    assert total <= family.oracle_return(task)
