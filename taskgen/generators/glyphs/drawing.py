"""The sheet of a task, a row a class: what is shown of it, what is asked, what was said."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.generators.glyphs.rendering import SIDE
from taskgen.judging import Predictions
from taskgen.problems import Problems

_MOST = 6
"""Examples of a class that are drawn from each set."""
_CELL, _GAP, _BAR = SIDE + 2, 10, 4
_PAPER, _SHOWN, _ASKED = (255, 255, 255), (21, 101, 192), (251, 140, 0)
_RIGHT, _WRONG, _FAINT = (46, 160, 67), (207, 34, 46), (205, 205, 205)
_SCALE = 2

_T = TypeVar("_T", bound=np.generic)


def sheet(problems: Problems, num_ways: int) -> NDArray[np.uint8]:
    """Returns the first problem as a picture, [height, width, 3].

    Left, framed in blue, the first support examples of each class, right, in orange, the first
    query examples.
    """
    shown, asked = _sides(problems, num_ways)
    page, left = _page(shown, asked, _CELL)
    _paste(page, shown, _GAP, _SHOWN, _CELL)
    _paste(page, asked, left, _ASKED, _CELL)
    return _enlarged(page)


def answers_sheet(problems: Problems, predictions: Predictions, num_ways: int) -> NDArray[np.uint8]:
    """Returns the first problem and what was said of it as a picture, [height, width, 3].

    Below each query example stand two bars: what was said before adaptation, and after all of it;
    green is right, red is wrong.

    Args:
        problems: the first one is drawn.
        predictions: of its query points.
        num_ways: N.
    """
    shown, asked = _sides(problems, num_ways)
    pitch = _CELL + _BAR
    page, left = _page(shown, asked, pitch)
    _paste(page, shown, _GAP, _SHOWN, pitch)
    _paste(page, asked, left, _FAINT, pitch)
    classes = problems.query_y[0]
    right = predictions.values[0, [0, -1]].argmax(axis=-1) == classes  # [2, Q]
    by_class = [_first(each, classes, num_ways) for each in right]
    draw, half = ImageDraw.Draw(page), _CELL // 2
    for row, column in np.ndindex(asked.shape[:2]):
        x, y = left + _CELL * column, _GAP + pitch * row + _CELL
        for number, is_right in enumerate(each[row, column] for each in by_class):
            start = x + number * half
            box = (start, y, start + half - 2, y + _BAR - 2)
            draw.rectangle(box, fill=_RIGHT if is_right else _WRONG)
    return _enlarged(page)


def _sides(problems: Problems, num_ways: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns the first support and query examples as grey, ink black, [N, examples, 28, 28]."""
    mask = problems.mask[0]
    shown = _first(problems.support_x[0][mask], problems.support_y[0][mask], num_ways)
    asked = _first(problems.query_x[0], problems.query_y[0], num_ways)
    return _grey(shown), _grey(asked)


def _grey(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255.0 * (1.0 - ink)).astype(np.uint8)


def _first(values: NDArray[_T], classes: NDArray[np.int64], num_ways: int) -> NDArray[_T]:
    """Returns the values of the first examples of each class, [N, examples, ...]."""
    return values[np.argsort(classes, kind="stable").reshape(num_ways, -1)[:, :_MOST]]


def _page(
    shown: NDArray[np.uint8], asked: NDArray[np.uint8], pitch: int
) -> tuple[Image.Image, int]:
    """Returns an empty page with rows of `pitch`, and where its right side begins."""
    widths = [_CELL * side.shape[1] for side in (shown, asked)]
    size = (sum(widths) + 3 * _GAP, pitch * len(shown) + 2 * _GAP)
    return Image.new("RGB", size, _PAPER), 2 * _GAP + widths[0]


def _paste(
    page: Image.Image,
    pictures: NDArray[np.uint8],
    left: int,
    colour: tuple[int, int, int],
    pitch: int,
) -> None:
    draw = ImageDraw.Draw(page)
    for row, column in np.ndindex(pictures.shape[:2]):
        x, y = left + _CELL * column, _GAP + pitch * row
        draw.rectangle((x, y, x + _CELL - 1, y + _CELL - 1), outline=colour)
        page.paste(Image.fromarray(pictures[row, column]), (x + 1, y + 1))


def _enlarged(page: Image.Image) -> NDArray[np.uint8]:
    size = (page.width * _SCALE, page.height * _SCALE)
    return np.asarray(page.resize(size, Image.Resampling.NEAREST), dtype=np.uint8)
