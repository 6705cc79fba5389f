"""A picture for tasks that have none of their own: their parameters as a card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.task import Task

_WIDTH, _LINE, _MARGIN = 224, 14, 8


def parameter_card(task: Task) -> NDArray[np.uint8]:
    """Returns the task's name, id and parameters as text on a card, [height, 224, 3]."""
    lines = [task.generator, task.id[:12], *(_line(k, v) for k, v in task.params.items())]
    card = Image.new("RGB", (_WIDTH, 2 * _MARGIN + _LINE * len(lines)), "white")
    draw = ImageDraw.Draw(card)
    for row, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + row * _LINE), line[:34], fill="black" if row else "#1f4e79")
    return np.asarray(card, dtype=np.uint8)


def _line(name: str, value: object) -> str:
    return f"{name} = {value:z.4g}" if isinstance(value, float) else f"{name} = {value}"
