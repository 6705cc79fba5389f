"""Pictures and texts."""

import numpy as np
import pytest

from taskgen.generators.maze import Maze
from taskgen.generators.maze.drawing import _FREE, _GOAL, _START, _WALL, _WAY

MAZE = Maze()


@pytest.mark.parametrize("layout", MAZE.space["layout"].choices)
def test_text_there_and_back_is_the_same_task(layout):
    for seed in range(5):
        task = MAZE.make_task(MAZE.space.complete({"size": 9, "layout": layout}), seed)
        again = MAZE.from_ascii(MAZE.to_ascii(task), horizon=task.content["horizon"])
        assert again.id == task.id
        assert again.params["size"] == 9


def test_text_need_not_be_square():
    text = "v.#.\n#..G"
    task = MAZE.from_ascii(text)
    assert MAZE.to_ascii(task) == text
    assert (task.content["height"], task.content["width"]) == (2, 4)
    MAZE.space.validate(task.params)
    assert MAZE.to_ascii(MAZE.from_ascii("S.\n.G")) == "^.\n.G"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "equal length"),
        (">.\n.G.", "equal length"),
        ("..G", "one start"),
        (">>G", "one start"),
        (">..", "one goal"),
        (">xG", "a cell is one of"),
        (">G" + "." * 254, "at most 255"),
    ],
)
def test_text_that_is_no_maze_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        MAZE.from_ascii(text)


@pytest.mark.parametrize("size", [5, 13, 101, 255])
def test_pictures_show_walls_start_goal_and_way(size):
    task = MAZE.make_task(MAZE.space.complete({"size": size}), 1)
    picture = MAZE.render(task)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert 400 <= max(picture.shape) <= 520
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert {_WALL, _FREE, _GOAL, _START, _WAY} <= colours


def test_every_cell_is_painted_in_its_place():
    task = MAZE.from_ascii(">.#\n.#.\n..G")
    picture = MAZE.render(task)
    scale = picture.shape[0] // 5
    corners = picture[scale + 2 :: scale, scale + 2 :: scale][:3, :3]
    expected = np.array([list(row) for row in ("..#", ".#.", "...")]) == "#"
    assert ((corners == _WALL).all(axis=2) == expected).all()
    assert tuple(picture[int(3.5 * scale), int(3.5 * scale)]) == _GOAL
