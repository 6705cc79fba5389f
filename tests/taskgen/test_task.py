import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskgen.batch import ArrayBatch, TaskBatch, content_texts
from taskgen.generators.bandit import Bandit
from taskgen.task import Task, canonical_json, content_id

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_task_survives_json_and_keeps_its_id(content):
    task = Task("toy-v1", 2, {"size": 3}, 7, content, parents=("ab",), operator="nudge")
    again = Task.from_json(json.loads(json.dumps(task.to_json())))
    assert again == task
    assert again.id == task.id == content_id("toy-v1", content)


def test_the_id_is_of_the_content_alone():
    task = Task("toy-v1", 1, {"size": 3}, 0, {"cells": [1]})
    assert task.id == Task("toy-v1", 2, {"size": 5}, 9, {"cells": [1]}, ("x",), "y").id
    assert task.id != Task("toy-v2", 1, {"size": 3}, 0, {"cells": [1]}).id
    assert len({task, Task("toy-v1", 1, {"size": 3}, 0, {"cells": [1]})}) == 1


def test_an_edited_record_is_found_out():
    data = Task("toy-v1", 1, {}, 0, {"cells": [1]}).to_json()
    with pytest.raises(ValueError, match="edited or damaged"):
        Task.from_json({**data, "content": {"cells": [2]}})
    with pytest.raises(ValueError, match="a task needs seed"):
        Task.from_json({k: v for k, v in data.items() if k != "seed"})


def test_an_edit_names_its_parent():
    task = Task("toy-v1", 1, {"size": 3}, 0, {"cells": [1]})
    edited = task.edited({"cells": [2]}, operator="flip")
    assert (edited.parents, edited.operator, edited.params) == ((task.id,), "flip", {"size": 3})
    assert task.edited([], "flip", params={"size": 5}).params == {"size": 5}


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}])
def test_there_is_no_json_of_what_is_not_finite(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)


def test_texts_of_array_rows_are_their_canonical_json():
    contents = {
        "b": np.array([1, 2]),
        "a%s": np.array([[0.1, 1e-7], [1.0, 2e30]]),
        "deep": np.arange(8).reshape(2, 2, 2),
        "name": np.array(["x,y", 'é"']),
        "flag": np.array([True, False]),
    }
    rows = [{key: array[i].tolist() for key, array in contents.items()} for i in range(2)]
    assert content_texts(contents) == [canonical_json(row) for row in rows]


def test_batches_of_arrays_select_join_and_slice_like_lists():
    generator = Bandit(num_arms=3)
    rows = [generator.space.complete({"pulls": pulls}) for pulls in (1, 2, 3, 4)]
    batch = generator.make_tasks(generator.space.columns(rows), np.arange(4))
    assert isinstance(batch, ArrayBatch)
    tasks = list(batch)
    assert [task.params["pulls"] for task in tasks] == [1, 2, 3, 4]
    assert batch[-1] == tasks[3]
    assert list(batch[1:3]) == tasks[1:3]
    assert batch.select([3, 0]).ids == [tasks[3].id, tasks[0].id]
    assert batch[:2].extended([batch[2:]]).ids == batch.ids
    mixed = batch[:1].extended([TaskBatch(generator, tasks[1:])])
    assert mixed.ids == batch.ids
    assert batch.canonicals == [generator.canonical(task) for task in tasks]
