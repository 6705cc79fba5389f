"""What levels look like: forms, layouts, graphs, pictures."""

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.procgen import Procgen
from taskgen.generators.procgen.games import GAMES
from taskgen.generators.procgen.layouts import maze_of
from taskgen.source import TaskSource

FAMILY = Procgen()


def level(game, number, mode="easy", family=FAMILY):
    return family.make_task({"game": game, "mode": mode, "level": number}, 0)


def test_numbers_repeat_levels_and_forms_find_them():
    tasks = [level("maze", number) for number in range(150)]
    forms = [FAMILY.canonical(task) for task in tasks]
    repeats = [form for form, count in Counter(forms).items() if count > 1]
    assert repeats
    assert len({task.id for task in tasks}) == len(tasks)
    first, second = [t for t, form in zip(tasks, forms, strict=True) if form == repeats[0]][:2]
    one, other = maze_of(first.content), maze_of(second.content)
    assert sorted(one.interior(0).shape) == sorted(other.interior(0).shape)
    assert FAMILY.describe(first)["shortest_path"] == FAMILY.describe(second)["shortest_path"]


@pytest.mark.parametrize("game", GAMES)
def test_most_levels_of_every_game_differ(game):
    forms = {FAMILY.canonical(level(game, number)) for number in range(12)}
    assert len(forms) >= 9
    assert all(np.isfinite(list(FAMILY.describe(level(game, 0)).values())))


def test_looks_are_no_part_of_a_form():
    plain = Procgen(backgrounds=False, monochrome=True, restrict_themes=True)
    for game in ("maze", "coinrun"):
        one, other = level(game, 5), level(game, 5, family=plain)
        assert one.id != other.id
        assert FAMILY.canonical(one) == plain.canonical(other)
        assert (FAMILY.render(one) != plain.render(other)).any()


def test_the_splits_of_a_source_share_no_look():
    region = TaskDistribution.make(FAMILY.space, {"game": "maze", "level": [0, 199]})
    rng = np.random.default_rng(0)
    sides = {
        split: set(TaskSource(FAMILY, split, "salt").make(region, 24, rng).canonicals)
        for split in ("train", "test")
    }
    assert not sides["train"] & sides["test"]


def test_a_maze_is_a_graph_as_it_was_published():
    graph = FAMILY.graph(level("maze", 777))
    assert (len(graph), graph.graph["horizon"]) == (31, 500)
    assert nx.is_tree(graph)
    assert nx.shortest_path_length(graph, graph.graph["start"], graph.graph["goal"]) == 8
    assert sum(degree == 1 for _, degree in graph.degree) == 5
    hard = FAMILY.describe(level("maze", 777, "hard"))
    assert (hard["reachable_cells"], hard["shortest_path"], hard["dead_ends"]) == (161, 62, 24)


def test_the_locks_of_a_heist_can_be_opened_in_some_order():
    with_locks = 0
    for number in range(12):
        graph = FAMILY.graph(level("heist", number))
        doors = {door: cell for cell, door in graph.nodes(data="door") if door is not None}
        keys = {key: cell for cell, key in graph.nodes(data="key") if key is not None}
        assert set(doors) == set(keys)
        with_locks += bool(doors)
        opened = set()
        for _ in range(len(doors) + 1):
            shut = [cell for door, cell in doors.items() if door not in opened]
            free = graph.subgraph(set(graph) - set(shut))
            reached = nx.node_connected_component(free, graph.graph["start"])
            opened |= {key for key, cell in keys.items() if cell in reached}
        assert graph.graph["goal"] in reached
    assert with_locks


def test_a_maze_too_long_for_its_horizon_is_not_valid_and_other_modes_do_not_exist():
    short = Procgen(horizon=7)
    assert not short.is_valid(level("maze", 777, family=short))
    assert short.oracle_return(level("maze", 777, family=short)) == 0.0
    assert short.is_valid(level("coinrun", 777, family=short))
    assert "no extreme mode" in FAMILY.is_valid(level("maze", 1, "extreme")).reason
    with pytest.raises(ValueError, match="maze and heist"):
        FAMILY.graph(level("coinrun", 1))


def test_pictures_are_large_and_of_the_level():
    pictures = [FAMILY.render(level("ninja", number)) for number in (1, 2, 1)]
    assert pictures[0].shape == (512, 512, 3)
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[0] != pictures[1]).any()
    env = FAMILY.make_env(level("ninja", 1))
    env.reset()
    assert (env.render() == pictures[0]).all()
    env.step(7)
    assert (env.render() != pictures[0]).any()


def test_returns_can_be_put_on_one_scale():
    assert FAMILY.return_bounds(level("starpilot", 0)) == (2.5, 64.0)
    assert FAMILY.return_bounds(level("starpilot", 0, "hard")) == (1.5, 35.0)
    assert FAMILY.return_bounds(level("maze", 0, "memory")) is None
