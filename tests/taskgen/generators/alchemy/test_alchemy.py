import itertools

import numpy as np
import pytest

from taskgen.distribution import TaskDistribution
from taskgen.generators.alchemy import SPACE, Alchemy
from taskgen.generators.alchemy.chemistry import COLOURS, GRAPHS
from taskgen.generators.alchemy.edits import neighbours
from taskgen.vector import Lifetime

GONE_STONE, GONE_POTION = [2, 2, 2, 2, 1], [1, 1]


def task_of(**content):
    """A task by its content: the plain chemistry of the published size, or what is named."""
    plain = {"graph": 0, "potion_map": 0, "stone_map": 0, "rotation": 0}
    made = Alchemy().make_task(SPACE.complete({}), 0)
    return made.edited({**made.content, **plain, **content}, "put")


def started(task, stones, potions, num_episodes=1):
    """An environment of one slot with these stones (vertices) and potions (types) laid out."""
    env = Alchemy().make_vector_env(1)
    env.reset(seed=0, options={"tasks": [task], "lifetime": Lifetime(num_episodes=num_episodes)})
    env.arena.lay_out(0, stones, potions)
    return env


def stone(observations, index):
    return observations[0, 5 * index : 5 * index + 5].tolist()


def potion(observations, index):
    return observations[0, 15 + 2 * index : 17 + 2 * index].tolist()


def cauldron(stone):
    return np.array([13 * stone + 1])


def into(stone, potion):
    return np.array([13 * stone + 2 + potion])


def test_a_stone_is_improved_and_sold_by_hand():
    """Vertex 5 is (1, −1, 1), worth 1; type 3 leads along y to (1, 1, 1), worth 15."""
    env = started(task_of(), stones=[5, 0], potions=[3, 0])
    seen, reward, *_ = env.step(into(0, 0))
    assert reward[0] == 0.0
    assert stone(seen, 0) == [1, 1, 1, 1, 0], "the best stone shows 3, its value without bonus"
    assert potion(seen, 0) == GONE_POTION
    seen, reward, *_ = env.step(cauldron(0))
    assert reward[0] == 15.0
    assert stone(seen, 0) == GONE_STONE
    seen, reward, *_ = env.step(cauldron(1))
    assert reward[0] == -3.0
    assert env.arena.potions[0, :2].tolist() == [-1, 0], "the cauldron uses no potion"


@pytest.mark.parametrize(("vertex", "reward"), [(0, -3), (1, -1), (4, -1), (3, 1), (6, 1), (7, 15)])
def test_what_stones_pay(vertex, reward):
    env = started(task_of(), stones=[vertex], potions=[])
    assert env.step(cauldron(0))[1][0] == reward


def test_the_bonus_is_paid_and_not_shown():
    env = started(task_of(bonus=3), stones=[6, 7], potions=[1])
    assert env.step(into(0, 0))[0][0, 3] == 1.0
    assert [env.step(cauldron(s))[1][0] for s in (0, 1)] == [6.0, 6.0]


def test_a_potion_is_used_up_even_where_it_does_nothing():
    constraints = np.zeros((3, 3), dtype=int)
    constraints[0, 1] = -1  # along x only where y is −1
    index = int(np.flatnonzero((GRAPHS.constraints == constraints).all(axis=(1, 2)))[0])
    env = started(task_of(graph=index), stones=[6, 4], potions=[1, 1, 1])
    seen, *_ = env.step(into(0, 0))  # (−1, 1, 1) is held by the missing edge
    assert (env.arena.stones[0, 0], env.arena.potions[0, 0]) == (6, -1)
    assert potion(seen, 0) == GONE_POTION
    env.step(into(1, 1))  # (−1, −1, 1) is not
    assert env.arena.stones[0, 1] == 5
    env.step(into(1, 2))  # and is there already
    assert env.arena.stones[0, 1] == 5


def test_what_is_gone_does_nothing_and_costs_a_step():
    task = task_of(horizon=5)
    env = started(task, stones=[3], potions=[1])
    nothing = [np.array([0]), cauldron(1), into(0, 5), into(2, 0)]
    for action in nothing:
        _, reward, _, truncated, _ = env.step(action)
        assert reward[0] == 0.0
        assert not truncated[0]
        assert (env.arena.stones[0, 0], env.arena.potions[0, 0]) == (3, 1)
    _, reward, terminated, truncated, infos = env.step(cauldron(0))
    assert (reward[0], terminated[0], truncated[0]) == (1.0, False, True)
    assert infos["complete"][0]


def test_the_observation_of_a_start_by_hand():
    task = task_of(num_stones=2, num_potions=1, potion_map=1, rotation=1)
    env = Alchemy().make_vector_env(1)
    seen, _ = env.reset(seed=3, options={"tasks": [task]})
    (first, second, none), (kind, *rest) = env.arena.stones[0], env.arena.potions[0]
    assert (none, rest) == (-1, [-1] * 11)
    for index, vertex in enumerate((first, second)):
        x, y, z = (2 * (int(vertex) >> axis & 1) - 1 for axis in range(3))
        expected = [(x - y) / 2, (x + y) / 2, z, (x + y + z) / 3, 0]
        assert stone(seen, index) == pytest.approx(expected)
    assert stone(seen, 2) == GONE_STONE
    assert potion(seen, 0) == pytest.approx([COLOURS[1, kind] / 3 - 1, 0])
    assert potion(seen, 11) == GONE_POTION
    assert seen.shape == (1, 39)
    assert env.single_action_space.n == 40


def test_every_transition_against_the_graph():
    """All vertices and potions of some chemistries, with networkx instead of the tables."""
    generator = Alchemy()
    for task in generator.suites()["every-graph"][::20]:
        graph, chemistry = generator.graph(task), generator.chemistry(task)
        places = list(itertools.product((-1, 1), repeat=3))
        for place, kind in itertools.product(places, range(6)):
            axis, up = divmod(kind, 2)
            there = tuple(2 * up - 1 if i == axis else c for i, c in enumerate(place))
            if there != place and graph.has_edge(place, there):
                assert graph.edges[place, there]["up" if up else "down"] == chemistry.colour(kind)
            else:
                there = place
            env = started(task, [sum((c > 0) << i for i, c in enumerate(place))], [kind])
            seen, *_ = env.step(into(0, 0))
            assert tuple(seen[0, :3]) == graph.nodes[there]["seen"]


def test_stones_and_potions_are_uniform_and_new_in_every_episode():
    task = task_of(horizon=5)
    env = Alchemy().make_vector_env(1)
    env.reset(seed=1, options={"tasks": [task], "lifetime": Lifetime(num_episodes=400)})
    stones, potions = [], []
    while env.playing[0]:
        stones.append(env.arena.stones[0].copy())
        potions.append(env.arena.potions[0].copy())
        for _ in range(5):
            env.step(np.array([0]))
    for drawn, kinds in ((stones, 8), (potions, 6)):
        counts = np.bincount(np.concatenate(drawn), minlength=kinds)
        expected = counts.sum() / kinds
        assert ((counts - expected) ** 2 / expected).sum() < 30  # χ², 7 degrees: p < 1e-4


def test_a_small_cube_has_only_its_own_stones_and_potions():
    generator = Alchemy()
    rng = np.random.default_rng(0)
    where = TaskDistribution.make(SPACE, {"num_axes": [1, 2], "num_constraints": [0, 3]})
    tasks = generator.make_tasks(where.sample(64, rng), rng.integers(2**32, size=64))
    env = generator.make_vector_env(64)
    env.reset(seed=0, options={"tasks": tasks})
    for b, task in enumerate(tasks):
        graph = task.content["graph"]
        assert set(env.arena.stones[b]) <= set(GRAPHS.vertices[graph])
        assert set(env.arena.potions[b]) <= set(GRAPHS.types[graph])
        k = GRAPHS.num_axes[graph]
        assert k == task.params["num_axes"]
        most = {1: 0, 2: 1}[k]
        assert GRAPHS.num_constraints[graph] == min(task.params["num_constraints"], most)


def test_the_prior_is_the_published_one():
    """Constraints uniform over 0 to 3, and inside of each the graphs; all maps alike."""
    where = TaskDistribution.make(SPACE, {"num_constraints": [0, 3]})
    num = 40_000
    rng = np.random.default_rng(0)
    batch = Alchemy().make_tasks(where.sample(num, rng), rng.integers(2**62, size=num))
    graphs = np.bincount(batch.contents["graph"], minlength=109) / num
    counts = np.array([1, 12, 48, 48])
    expected = 0.25 / counts[GRAPHS.num_constraints[:109]]
    assert len(graphs) == 109
    assert abs(graphs - expected).max() < 5 * np.sqrt(0.25 / num)
    for key, size in (("potion_map", 48), ("stone_map", 8), ("rotation", 4)):
        shares = np.bincount(batch.contents[key], minlength=size) / num
        assert len(shares) == size
        assert abs(shares - 1 / size).max() < 5 * np.sqrt(1 / size / num)


def test_the_first_maps_are_drawn_from_where_there_are_few():
    row = SPACE.complete({"num_potion_maps": 8, "num_stone_maps": 2, "num_rotations": 1})
    tasks = [Alchemy().make_task(row, seed) for seed in range(200)]
    assert {task.content["potion_map"] for task in tasks} == set(range(8))
    assert {task.content["stone_map"] for task in tasks} == {0, 1}
    assert {task.content["rotation"] for task in tasks} == {0}


def test_the_form_is_the_chemistry_that_can_be_found_out():
    generator = Alchemy()
    form = generator.canonical(task_of())
    assert generator.canonical(task_of(num_stones=1, horizon=9, bonus=0)) == form
    for change in ({"graph": 3}, {"potion_map": 5}, {"stone_map": 2}, {"rotation": 1}):
        assert generator.canonical(task_of(**change)) != form
    line = int(np.flatnonzero(GRAPHS.num_axes == 1)[0])
    forms = {generator.canonical(task_of(graph=line, potion_map=n)) for n in range(48)}
    assert len(forms) == 6, "of a line only the colours of its two potions show"


def test_edits_change_one_part_and_reach_every_graph():
    generator, rng = Alchemy(), np.random.default_rng(0)
    task = generator.make_task(SPACE.complete({}), 0)
    operators = set()
    for _ in range(60):
        edit = generator.mutate(task, rng)
        changed = [key for key in task.content if edit.content[key] != task.content[key]]
        assert edit.operator == f"change_{changed[0]}"
        assert len(changed) == 1
        graph = edit.content["graph"]
        assert edit.params["num_constraints"] == GRAPHS.num_constraints[graph]
        operators.add(edit.operator)
        task = edit
    assert len(operators) == 4
    reached, queue = {0}, [0]
    while queue:
        for graph in set(neighbours(queue.pop()).tolist()) - reached:
            reached.add(graph)
            queue.append(graph)
    assert reached == set(range(109))


def test_nothing_can_be_edited_of_the_one_task_of_a_line():
    row = {"num_axes": 1, "num_potion_maps": 1, "num_stone_maps": 1, "num_rotations": 1}
    task = Alchemy().make_task(SPACE.complete(row), 0)
    assert Alchemy().mutate(task, np.random.default_rng(0)) is None


def test_a_content_that_is_none_is_not_valid():
    assert Alchemy().is_valid(task_of()).ok
    for wrong in ({"graph": 127}, {"rotation": -1}, {"potion_map": 1.5}, {"horizon": True}):
        verdict = Alchemy().is_valid(task_of(**wrong))
        assert not verdict
        assert next(iter(wrong)) in verdict.reason


def test_features_of_the_whole_cube():
    features = Alchemy().describe(task_of())
    assert features.pop("oracle_return") == pytest.approx(31.606, abs=1e-3)
    assert features == {
        "num_axes": 3,
        "num_constraints": 0,
        "num_edges": 12,
        "diameter": 3,
        "mean_distance": 1.5,
        "rotated": 0,
    }


def test_the_picture_shows_graph_potions_and_looks():
    pictures = [
        Alchemy().render(task_of(**change)).tobytes()
        for change in ({}, {"graph": 5}, {"potion_map": 1}, {"stone_map": 1}, {"rotation": 1})
    ]
    assert len(set(pictures)) == 5


def test_rows_of_one_chemistry_are_known():
    one = {"num_potion_maps": 1, "num_stone_maps": 1, "num_rotations": 1}
    rows = [one, {**one, "num_constraints": 1}, {**one, "num_axes": 2}, {}]
    columns = SPACE.columns([SPACE.complete(row) for row in rows])
    assert Alchemy().varies(columns).tolist() == [False, True, True, True]
