"""Pictures of goals that are hidden from whoever plays, and of the ways that were taken to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

PIXELS = 320
_OVERSAMPLING = 3
_LINE = 18
_PAPER, _INK, _FAINT = (255, 255, 255), (38, 50, 56), (214, 219, 223)
_GOAL, _REWARD, _PLACES = (46, 160, 67), (200, 230, 201), (120, 144, 156)
_BARRED = (236, 239, 241)
_EPISODES = ((216, 96, 18), (25, 118, 210), (123, 31, 162), (0, 121, 107), (194, 24, 91))
_EARLY, _LATE = np.array([255.0, 183.0, 77.0]), np.array([183.0, 28.0, 28.0])

Point = tuple[float, float] | NDArray[np.float64]


@dataclass(frozen=True)
class Walk:
    """An episode as it is drawn.

    Args:
        path: x and y at every step, [H + 1, 2].
        total: what it returned.
        number: of the episode in its lifetime, from 1.
    """

    path: NDArray[np.number[Any]]
    total: float
    number: int

    @property
    def title(self) -> str:
        """Which episode it is, and what it returned."""
        return f"episode {self.number}: {self.total:.1f}"


class Canvas:
    """A square picture of a part of the plane, drawn larger than it will be, so edges are smooth.

    Args:
        low: x and y of the lower left corner.
        high: x and y of the upper right corner.
        pixels: of a side.
    """

    def __init__(self, low: float, high: float, pixels: int = PIXELS) -> None:
        self.pixels = pixels
        self._low, self._scale = low, _OVERSAMPLING * pixels / (high - low)
        self._image = Image.new("RGB", (_OVERSAMPLING * pixels,) * 2, _PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def box(
        self, low: Point, high: Point, fill: tuple[int, ...] | None, line: bool = False
    ) -> None:
        """Draws a rectangle between two corners."""
        (x0, y1), (x1, y0) = self._at(low), self._at(high)
        outline, width = (_PLACES, _OVERSAMPLING) if line else (None, 0)
        self._draw.rectangle((x0, y0, x1, y1), fill, outline, width)

    def disc(self, centre: Point, radius: float, fill: tuple[int, ...]) -> None:
        """Draws a disc of a radius in the plane's units."""
        self._round(centre, radius * self._scale, fill)

    def dot(self, centre: Point, fill: tuple[int, ...], pixels: float = 4.0) -> None:
        """Draws a disc of a radius in pixels."""
        self._round(centre, pixels * _OVERSAMPLING, fill)

    def way(self, points: Iterable[Point], fill: tuple[int, ...], pixels: float = 1.0) -> None:
        """Draws a line through points."""
        width = max(round(pixels * _OVERSAMPLING), 1)
        self._draw.line([self._at(p) for p in points], fill, width, joint="curve")

    def picture(self) -> Image.Image:
        """Returns the picture at its own size."""
        return self._image.resize((self.pixels, self.pixels), Image.Resampling.LANCZOS)

    def _round(self, centre: Point, radius: float, fill: tuple[int, ...]) -> None:
        x, y = self._at(centre)
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def _at(self, point: Point) -> tuple[float, float]:
        """Pixels from the upper left corner, y downwards."""
        x, y = (float(value) - self._low for value in point)
        return x * self._scale, self._image.height - y * self._scale


def grid_picture(size: int, goal: Sequence[int], pixels: int = PIXELS) -> NDArray[np.uint8]:
    """Returns a grid with its start (dark), its goal (green) and cells that hold none (grey)."""
    return np.asarray(_grid(size, goal, pixels).picture(), dtype=np.uint8)


def grid_lifetime(size: int, goal: Sequence[int], walks: Sequence[Walk]) -> NDArray[np.uint8]:
    """Returns a grid for each episode, two a row, with the way that was walked from bright to dark.

    Args:
        size: cells a side.
        goal: its x and y.
        walks: one an episode.
    """
    panels = []
    for walk in walks:
        canvas = _grid(size, goal, PIXELS // 2)
        _draw_walk(canvas, walk.path)
        panels.append(_titled(canvas.picture(), [(walk.title, _INK)]))
    return _side_by_side(panels, columns=min(len(panels), 2))


@dataclass(frozen=True)
class Scene:
    """A goal in the plane, as it is drawn.

    Args:
        goal: x and y.
        reward_radius: of the disc outside of which nothing is earned; 0: there is none.
        places: lines around where goals of the published distribution are, or points, [n, 2].
        reach: half of a side of the picture.
    """

    goal: Point
    reward_radius: float
    places: Sequence[NDArray[np.float64]]
    reach: float


def plane_picture(scene: Scene) -> NDArray[np.uint8]:
    """Returns the plane with start and goal, where it pays, and where goals are drawn from."""
    return np.asarray(_plane(scene).picture(), dtype=np.uint8)


def plane_lifetime(scene: Scene, walks: Sequence[Walk]) -> NDArray[np.uint8]:
    """Returns the plane with the way of each episode in a colour of its own.

    Args:
        scene: what was played.
        walks: one an episode.
    """
    canvas = _plane(scene)
    lines = []
    for walk in walks:
        colour = _EPISODES[(walk.number - 1) % len(_EPISODES)]
        canvas.way(walk.path, colour, 1.5)
        for point in walk.path[1:]:
            canvas.dot(point, colour, 2.0)
        lines.append((walk.title, colour))
    return np.asarray(_titled(canvas.picture(), lines), dtype=np.uint8)


def _grid(size: int, goal: Sequence[int], pixels: int) -> Canvas:
    canvas = Canvas(-0.55, size - 0.45, pixels)
    canvas.box((-0.5, -0.5), (1.5, 1.5), _BARRED)
    canvas.box((goal[0] - 0.5, goal[1] - 0.5), (goal[0] + 0.5, goal[1] + 0.5), _GOAL)
    for edge in np.arange(size + 1) - 0.5:
        canvas.way([(edge, -0.5), (edge, size - 0.5)], _FAINT)
        canvas.way([(-0.5, edge), (size - 0.5, edge)], _FAINT)
    canvas.dot((0.0, 0.0), _INK, 0.012 * pixels)
    return canvas


def _draw_walk(canvas: Canvas, path: NDArray[np.number[Any]]) -> None:
    """Draws a way that may cross itself: later parts are darker, and lie a little to the side."""
    share = np.linspace(0.0, 1.0, len(path))[:, None]
    colours = _EARLY + share * (_LATE - _EARLY)
    shifted = path + 0.2 * (share - 0.5)
    for start, end, colour in zip(shifted[:-1], shifted[1:], colours[1:], strict=True):
        fill = tuple(int(part) for part in colour)
        canvas.way([start, end], fill, 2.0)
        canvas.dot(end, fill, 2.5)


def _plane(scene: Scene) -> Canvas:
    reach = scene.reach
    canvas = Canvas(-reach, reach)
    if scene.reward_radius > 0:
        canvas.disc(scene.goal, scene.reward_radius, _REWARD)
    canvas.way([(-reach, 0.0), (reach, 0.0)], _FAINT)
    canvas.way([(0.0, -reach), (0.0, reach)], _FAINT)
    for line in scene.places:
        if len(line) > 1:
            canvas.way(line, _PLACES)
        else:
            canvas.dot(line[0], _PLACES, 3.0)
    canvas.dot((0.0, 0.0), _INK)
    canvas.dot(scene.goal, _GOAL, 5.0)
    return canvas


def _titled(image: Image.Image, lines: Sequence[tuple[str, tuple[int, ...]]]) -> Image.Image:
    """Returns the picture with lines of text below it."""
    titled = Image.new("RGB", (image.width, image.height + _LINE * len(lines) + 4), _PAPER)
    titled.paste(image, (0, 0))
    draw, font = ImageDraw.Draw(titled), ImageFont.load_default(13)
    for row, (text, colour) in enumerate(lines):
        draw.text((6, image.height + 2 + row * _LINE), text, colour, font)
    return titled


def _side_by_side(panels: Sequence[Image.Image], columns: int) -> NDArray[np.uint8]:
    width, height = panels[0].size
    rows = math.ceil(len(panels) / columns)
    sheet = Image.new("RGB", (columns * width, rows * height), _PAPER)
    for index, panel in enumerate(panels):
        sheet.paste(panel, (index % columns * width, index // columns * height))
    return np.asarray(sheet, dtype=np.uint8)
