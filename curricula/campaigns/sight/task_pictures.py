"""What tasks look like: a contact sheet with captions, drawn by their generator, or as cards.

Pillow for pictures made of pictures. Foreign code draws and describes, so each has its time, and a
card of parameters stands in where it fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from curricula.campaigns.sight.words import edits_text
from taskgen.cards import parameter_card
from taskgen.generator import TaskGenerator
from taskgen.task import Task
from taskgen.watchdog import answers

SHEET_WIDTH = 600
PATIENCE_S = 20.0
"""How long a generator may take to draw or describe one task, in seconds."""

_GAP, _LINE, _FONT_SIZE = 8, 13, 11
_MAX_TOLD = 3


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], width: int = SHEET_WIDTH
) -> Image.Image:
    """Returns the pictures on a white grid, each with its index and caption below.

    Args:
        pictures: [height, width, 3] each, of any sizes.
        captions: one for each; what is too long for its cell is cut.
        width: pixels of the sheet.

    Raises:
        ValueError: if there is no picture, or not one caption for each.
    """
    if not pictures or len(pictures) != len(captions):
        raise ValueError(
            f"a contact sheet needs pictures and a caption for each, "
            f"got {len(pictures)} and {len(captions)}."
        )
    columns = min(max(math.isqrt(len(pictures) - 1) + 1, 2), 5)
    rows = -(-len(pictures) // columns)
    cell = (width - _GAP * (columns + 1)) // columns
    pitch = cell + 2 * _LINE + _GAP
    sheet = Image.new("RGB", (width, rows * pitch + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x = _GAP + (index % columns) * (cell + _GAP)
        y = _GAP + (index // columns) * pitch
        fitted = _fitted(picture, cell)
        sheet.paste(fitted, (x + (cell - fitted.width) // 2, y + (cell - fitted.height) // 2))
        _write_caption(draw, x, y + cell, cell, f"{index} · {caption}" if caption else str(index))
    return sheet


def task_pictures(generator: TaskGenerator, tasks: Sequence[Task]) -> list[NDArray[np.uint8]]:
    """Returns a picture of each task; a card of its parameters where drawing it fails.

    One that hangs is given up after `PATIENCE_S`, and the tasks after it have cards too.
    """
    drawn = answers(lambda task: np.asarray(generator.render(task)), tasks, PATIENCE_S)
    return [_picture_or_card(picture, task) for picture, task in zip(drawn, tasks, strict=True)]


def task_captions(
    generator: TaskGenerator, tasks: Sequence[Task], names: Sequence[str], num_features: int = 1
) -> list[str]:
    """Returns a line for each task: in what it differs from the others.

    The named parameters first, then what else describes it, then what it is an edit of; what is the
    same for all tasks is told of none. A task alone differs in everything.

    Args:
        generator: of the tasks.
        tasks: to be told apart.
        names: of parameters worth a word.
        num_features: how many of the other features are told, at most.
    """
    columns = _different([task.params for task in tasks], names)[:_MAX_TOLD]
    features = task_features(generator, tasks) if num_features else []
    keys = dict.fromkeys(key for row in features for key in row if key not in tasks[0].params)
    told = [shown for _, shown in columns]
    more = [column for column in _different(features, keys) if column[1] not in told]
    telling = [column for column in more if 2 * len(set(column[1])) >= len(tasks)]
    columns += (telling or more)[:num_features]
    return [
        ", ".join(
            [
                *(f"{name} {shown[i]}".strip() for name, shown in columns if shown[i]),
                *_came_by(task),
            ]
        )
        for i, task in enumerate(tasks)
    ]


def _came_by(task: Task) -> list[str]:
    """Returns what a task is an edit of, nothing where it is none."""
    parents = "/".join(parent[:6] for parent in task.parents)
    return [f"{edits_text(task.operator)} of {parents}"] if parents else []


def task_features(generator: TaskGenerator, tasks: Sequence[Task]) -> list[dict[str, float]]:
    """Returns what describes each task in finite numbers; nothing where that fails or hangs."""

    def finite(task: Task) -> dict[str, float]:
        found = {str(name): float(value) for name, value in generator.describe(task).items()}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    return [features or {} for features in answers(finite, tasks, PATIENCE_S)]


def _fitted(picture: NDArray[np.uint8], cell: int) -> Image.Image:
    """The picture as large as its cell allows: whole-number zoom up, smooth down."""
    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.uint8)).convert("RGB")
    largest = max(image.size)
    if largest <= cell:
        zoom = cell // largest
        return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
    size = tuple(max(round(side * cell / largest), 1) for side in image.size)
    return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _write_caption(draw: ImageDraw.ImageDraw, x: int, y: int, width: int, text: str) -> None:
    """Two lines at most, broken between words and cut at the cell's width."""
    font = ImageFont.load_default(_FONT_SIZE)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    for row, line in enumerate(lines[:2]):
        while line and draw.textlength(line, font) > width:
            line = line[:-1]
        draw.text((x, y + row * _LINE), line.rstrip(","), fill="#333333", font=font)


def _picture_or_card(picture: NDArray[Any] | None, task: Task) -> NDArray[np.uint8]:
    if picture is None or picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
        return parameter_card(task)
    return picture.astype(np.uint8)


def _different(
    rows: Sequence[Mapping[str, Any]], keys: Iterable[str]
) -> list[tuple[str, list[str]]]:
    """Returns in what rows differ, as it is shown: the name, and what each has, "" for nothing.

    A choice speaks for itself, a number needs its name.
    """
    found = []
    for key in keys:
        values = [row.get(key) for row in rows]
        shown = [_shown(value) for value in values]
        if any(shown) and (len(rows) == 1 or len(set(shown)) > 1):
            is_choice = any(isinstance(value, str) for value in values)
            found.append(("" if is_choice else key.replace("_", " "), shown))
    return found


def _shown(value: Any) -> str:
    if value is None or isinstance(value, str):
        return (value or "").replace("_", " ")
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:z.2g}" if isinstance(value, float) and abs(value) < 10 else f"{value:z.4g}"
