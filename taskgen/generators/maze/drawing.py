"""Pictures and text of mazes: walls, start with its heading, goal, a shortest way.

The text form has one character a cell: `#` wall, `.` free, `G` goal, and the start as one of
`^>v<`, its heading (`S` is read as `^`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.generators.maze.arrays import MAX_SIDE, MazeArrays, single
from taskgen.generators.maze.geometry import shortest_path
from taskgen.generators.maze.layouts import horizon_of

_PIXELS = 512
_MIN_REACH = 6
"""Pixels from the middle of a start or goal to its rim: to be seen in a maze of any size."""
_WALL, _FREE, _WAY = (38, 50, 56), (250, 250, 247), (251, 140, 0)
_START, _GOAL, _AGENT = (21, 101, 192), (46, 160, 67), (194, 24, 91)
_ARROWS = "^>v<"
_NOSE = ((-1, 0), (0, 1), (1, 0), (0, -1))


def picture(
    mazes: MazeArrays, index: int = 0, agent: tuple[int, int, int] | None = None
) -> NDArray[np.uint8]:
    """Returns the picture of one maze, [height, width, 3], its longer side about 512 pixels.

    Args:
        mazes: a batch.
        index: which of it.
        agent: (row, column, heading) to draw as well.
    """
    inside = mazes.interior(index)
    height, width = inside.shape
    scale = max(_PIXELS // (max(height, width) + 2), 2)
    colours = np.empty((height + 2, width + 2, 3), dtype=np.uint8)
    colours[:] = _WALL
    colours[1:-1, 1:-1][inside == 0] = _FREE
    image = Image.fromarray(colours).resize((scale * (width + 2), scale * (height + 2)), 0)
    draw = ImageDraw.Draw(image)
    _draw_way(draw, shortest_path(mazes, index), scale)
    _draw_goal(draw, mazes.goals[index], scale)
    _draw_arrow(draw, (*mazes.starts[index].tolist(), int(mazes.headings[index])), scale, _START)
    if agent is not None:
        _draw_arrow(draw, agent, scale, _AGENT)
    return np.asarray(image, dtype=np.uint8)


def to_ascii(mazes: MazeArrays, index: int = 0) -> str:
    """Returns the text of one maze, one line a row."""
    cells = np.where(mazes.interior(index) == 1, "#", ".")
    cells[tuple(mazes.goals[index])] = "G"
    cells[tuple(mazes.starts[index])] = _ARROWS[int(mazes.headings[index])]
    return "\n".join("".join(row) for row in cells)


def from_ascii(text: str, horizon: int | None = None) -> MazeArrays:
    """Returns the maze of a text.

    Args:
        text: lines of equal length; blank lines and blanks around them do not count.
        horizon: the longest episode in env steps; by default that of the longer side at factor 1.

    Raises:
        ValueError: if lines differ in length, a character is unknown, there is not exactly one
            start and one goal, or a side is longer than 255.

    Example:
        >>> print(to_ascii(from_ascii('''
        ...     >.#
        ...     #.G
        ... ''')))
        >.#
        #.G
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines or len({len(line) for line in lines}) != 1:
        raise ValueError(f"a maze is lines of equal length, got {[len(line) for line in lines]}.")
    if max(len(lines), len(lines[0])) > MAX_SIDE:
        raise ValueError(f"a side has at most {MAX_SIDE} cells, got {len(lines)}x{len(lines[0])}.")
    cells = np.array([list(line.replace("S", "^")) for line in lines])
    unknown = set(cells.ravel().tolist()) - set("#.G" + _ARROWS)
    if unknown:
        raise ValueError(f"a cell is one of # . G S ^ > v <, got {sorted(unknown)}.")
    start = _only(np.argwhere(np.isin(cells, list(_ARROWS))), "start (S, ^, >, v or <)")
    goal = _only(np.argwhere(cells == "G"), "goal (G)")
    if horizon is None:
        horizon = int(horizon_of(np.array([max(cells.shape)]), np.ones(1))[0])
    return single(cells == "#", start, _ARROWS.index(cells[start]), goal, horizon)


def _only(found: NDArray[np.int64], what: str) -> tuple[int, int]:
    if len(found) != 1:
        raise ValueError(f"a maze has exactly one {what}, got {len(found)}.")
    return int(found[0, 0]), int(found[0, 1])


def _centre(cell: NDArray[np.int64] | tuple[int, ...], scale: int) -> tuple[float, float]:
    return (cell[1] + 1.5) * scale, (cell[0] + 1.5) * scale


def _draw_way(draw: ImageDraw.ImageDraw, path: NDArray[np.int64], scale: int) -> None:
    points = [_centre(cell, scale) for cell in path]
    if len(points) > 1:
        draw.line(points, fill=_WAY, width=max(scale // 5, 3), joint="curve")


def _draw_goal(draw: ImageDraw.ImageDraw, cell: NDArray[np.int64], scale: int) -> None:
    x, y = _centre(cell, scale)
    reach = max(0.36 * scale, _MIN_REACH)
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_GOAL)


def _draw_arrow(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, ...],
    scale: int,
    colour: tuple[int, int, int],
) -> None:
    x, y = _centre(place, scale)
    down, right = _NOSE[place[2]]
    reach = max(0.42 * scale, _MIN_REACH)
    tip = (x + right * reach, y + down * reach)
    tail_x, tail_y = x - right * reach, y - down * reach
    side_x, side_y = down * 0.8 * reach, right * 0.8 * reach
    draw.polygon(
        [tip, (tail_x + side_x, tail_y + side_y), (tail_x - side_x, tail_y - side_y)], fill=colour
    )
