"""The sheet of a task: one row a class, what is shown of it and what is asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.generators.glyphs.rendering import SIDE
from taskgen.problems import Problems

_MOST = 6
"""Examples of a class that are drawn from each set."""
_CELL, _GAP = SIDE + 2, 10
_PAPER, _SHOWN, _ASKED = (255, 255, 255), (21, 101, 192), (251, 140, 0)
_SCALE = 2


def sheet(problems: Problems, num_ways: int) -> NDArray[np.uint8]:
    """Returns the first problem as a picture, [height, width, 3].

    Left, framed in blue, the first support examples of each class, right, in orange, the first
    query examples.
    """
    mask = problems.mask[0]
    shown = _by_class(problems.support_x[0][mask], problems.support_y[0][mask], num_ways)
    asked = _by_class(problems.query_x[0], problems.query_y[0], num_ways)
    widths = [_CELL * side.shape[1] for side in (shown, asked)]
    page = Image.new("RGB", (sum(widths) + 3 * _GAP, _CELL * num_ways + 2 * _GAP), _PAPER)
    for pictures, left, colour in (
        (shown, _GAP, _SHOWN),
        (asked, 2 * _GAP + widths[0], _ASKED),
    ):
        _paste(page, pictures, left, colour)
    size = (page.width * _SCALE, page.height * _SCALE)
    return np.asarray(page.resize(size, Image.Resampling.NEAREST), dtype=np.uint8)


def _by_class(x: NDArray[np.float32], y: NDArray[np.int64], num_ways: int) -> NDArray[np.uint8]:
    """Returns the first examples of each class as grey, ink black, [N, examples, SIDE, SIDE]."""
    order = np.argsort(y, kind="stable").reshape(num_ways, -1)[:, :_MOST]
    return np.round(255.0 * (1.0 - x[order])).astype(np.uint8)


def _paste(
    page: Image.Image, pictures: NDArray[np.uint8], left: int, colour: tuple[int, int, int]
) -> None:
    draw = ImageDraw.Draw(page)
    for row, column in np.ndindex(pictures.shape[:2]):
        x, y = left + _CELL * column, _GAP + _CELL * row
        draw.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), outline=colour)
        page.paste(Image.fromarray(pictures[row, column]), (x + 1, y + 1))
