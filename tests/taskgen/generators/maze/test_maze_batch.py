"""The batched path gives what tasks one by one give."""

import json

import numpy as np
import pytest

from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.generators.maze import Maze
from taskgen.generators.maze.arrays import MalformedMaze, decode
from taskgen.generators.maze.batch import MazeBatch
from taskgen.source import TaskSource
from taskgen.splits import split_of
from taskgen.task import Task, content_id

MAZE = Maze()
REGION = {
    "size": [5, 17],
    "layout": list(MAZE.space["layout"].choices),
    "braid": [0, 1],
    "goal_distance": [0, 1],
    "horizon_factor": [0.25, 1.0],
}


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    params = TaskDistribution.make(MAZE.space, REGION).sample(300, rng)
    return MAZE.make_tasks(params, rng.integers(0, 2**62, size=300))


def test_ids_canonicals_and_validity_equal_those_of_the_tasks(batch):
    fresh = [MAZE.make_task(task.params, task.seed) for task in batch]
    assert batch.ids == [task.id for task in fresh]
    assert batch.ids == [content_id("maze-v1", task.content) for task in batch]
    assert batch.canonicals == [MAZE.canonical(task) for task in fresh]
    assert batch.validity.tolist() == [MAZE.is_valid(task).ok for task in fresh]
    assert 0 < batch.validity.sum() < 300


def test_a_task_taken_from_a_batch_is_complete(batch):
    for index in (0, 5, -1):
        task = batch[index]
        MAZE.space.validate(task.params)
        assert type(task.params["size"]) is int
        assert type(task.params["layout"]) is str
        assert type(task.seed) is int
        assert batch[index] is task
        assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task
    with pytest.raises(IndexError):
        batch[300]


def test_selections_keep_order_and_what_was_computed(batch):
    chosen = np.array([7, 3, 250])
    for made in (batch, MazeBatch(MAZE, batch.arrays, batch.params, batch.seeds)):
        selected = made.select(chosen)
        assert isinstance(selected, MazeBatch)
        assert selected.ids == [batch.ids[k] for k in chosen]
        assert selected.canonicals == [batch.canonicals[k] for k in chosen]
        assert (selected.validity == batch.validity[chosen]).all()
        assert [task.id for task in selected] == selected.ids
    assert batch[10:13].ids == batch.ids[10:13]
    assert len(batch.select([])) == 0
    assert batch.select([]).ids == batch.select([]).canonicals == []


def test_batches_of_different_sizes_join_as_arrays(batch):
    small = MAZE.make_tasks(columns(size=5), np.array([1]))
    for parts in ([batch[:3], small], [small, batch[:3]], [batch[:3], small, batch[2:2]]):
        joined = parts[0].extended(parts[1:])
        assert isinstance(joined, MazeBatch)
        assert joined.ids == [task_id for part in parts for task_id in part.ids]
        assert [task.content for task in joined] == [t.content for part in parts for t in part]
        assert [task.params for task in joined] == [t.params for part in parts for t in part]
    mixed = small.extended([TaskBatch(MAZE, [batch[4]])])
    assert mixed.ids == [small.ids[0], batch.ids[4]]


def columns(**values):
    row = MAZE.space.complete(values)
    return {name: np.array([value]) for name, value in row.items()}


def test_a_source_draws_tasks_of_its_split_from_arrays():
    distribution = TaskDistribution.make(MAZE.space, {"size": [7, 13]})
    source = TaskSource(MAZE, "validation", "salt")
    tasks = source.make(distribution, 50, np.random.default_rng(0))
    assert len(tasks) == 50
    assert {split_of(MAZE.canonical(task), "salt") for task in tasks} == {"validation"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": 0}, "height must be a whole number in"),
        ({"width": 256}, "width must be a whole number in"),
        ({"width": 7}, "walls must hold"),
        ({"heading": 4}, "heading"),
        ({"heading": True}, "heading"),
        ({"goal": [0, 5]}, "goal's column"),
        ({"start": [1]}, "start must be"),
        ({"horizon": 0.5}, "horizon"),
        ({"walls": "no base64!"}, "base64"),
        ({"walls": None}, "base64"),
        ({"extra": 1}, "exactly the fields"),
    ],
)
def test_malformed_contents_are_refused_with_the_reason(change, message):
    content = MAZE.make_task(MAZE.space.complete({"size": 5}), 0).content
    decode(content)
    broken = {**content, **change}
    with pytest.raises(MalformedMaze, match=message):
        decode(broken)
    validity = MAZE.is_valid(Task("maze-v1", 1, {}, 0, broken))
    assert not validity
    assert "malformed" in validity.reason


def test_bits_after_the_last_cell_must_be_zero():
    content = MAZE.from_ascii(">G.\n...\n...").content
    assert content["walls"] == "AAA="
    with pytest.raises(MalformedMaze, match="zeros after"):
        decode({**content, "walls": "AAE="})
