"""Files that lie with runs to be looked at: never more than there is time for, never a failure."""

import json

import numpy as np
import pytest
from PIL import Image

from curricula.campaigns.mlflow_tracking import sights
from curricula.campaigns.sight.figures import Way
from taskgen.generators.maze import Maze

MAZE = Maze()
TASKS = [MAZE.make_task(MAZE.space.complete({"size": size}), 3) for size in (5, 9)]


def test_a_table_has_a_row_for_each_task_with_a_picture_that_is_there(tmp_path):
    drawn = [MAZE.render(task) for task in TASKS]
    assert sights.write_task_table(tmp_path, MAZE, TASKS, drawn)
    table = json.loads((tmp_path / sights.TABLE).read_text())
    assert table["columns"][:3] == ["picture", "task", "size"]
    assert "shortest_path" in table["columns"]
    assert [row[1:3] for row in table["data"]] == [
        [task.id[:12], task.params["size"]] for task in TASKS
    ]
    for row in table["data"]:
        assert len(row) == len(table["columns"])
        assert row[0]["type"] == "image"
        with Image.open(tmp_path / row[0]["filepath"]) as picture:
            assert max(picture.size) <= 240


def test_what_fails_leaves_nothing_and_raises_nothing(tmp_path):
    assert not sights.write_task_table(tmp_path, MAZE, TASKS, [np.zeros((3, 3, 7), np.uint8)] * 2)
    assert not (tmp_path / sights.TABLE).exists()
    sights.write_gallery(tmp_path, tmp_path, {}, MAZE, [{"generation": 1}], 1.0)
    assert not (tmp_path / sights.GALLERY).exists()
    sights.write_figures(tmp_path, Way(), [{"no": "record"}], MAZE)
    assert not list((tmp_path / sights.FIGURES).iterdir())


@pytest.mark.parametrize(
    ("generation_s", "drawing_s"), [(None, 0.5), (1.0, 0.5), (100.0, 2.0), (1e6, 10.0)]
)
def test_drawing_takes_a_share_of_a_generation(generation_s, drawing_s):
    assert sights.drawing_s({"seconds": {"generation": generation_s}}) == drawing_s
    assert sights.drawing_s({}) == 0.5
