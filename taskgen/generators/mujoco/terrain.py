"""Ground that is not flat: height fields made from a recipe.

A recipe is a kind, a height, a length and, for rough ground, a seed; it is what stands in a task's
content, and it gives the same ground everywhere. Near the start all ground is level, so that no
body begins inside of a hill.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

KINDS = ("flat", "hills", "rough", "stairs", "platforms")
MAX_HEIGHT = 0.5
"""Of any ground, m."""
_LEVEL, _RAMP = 0.3, 0.7
"""Around the start, m: level ground, and how far it takes to reach full height."""
_NUM_STEPS = 4
_GAP_SHARE = 0.3
_OCTAVES, _WAVES = 3, 8


@dataclass(frozen=True)
class Grid:
    """Where heights are given.

    Args:
        half: half the extent along x and y, m.
        centre: of the grid along x, m.
        shape: points along y and along x.
    """

    half: tuple[float, float]
    centre: float
    shape: tuple[int, int]

    @cached_property
    def points(self) -> tuple[Floats, Floats]:
        """The points' x and y, [rows, columns] each, m."""
        rows, columns = self.shape
        x = self.centre + np.linspace(-self.half[0], self.half[0], columns)
        y = np.linspace(-self.half[1], self.half[1], rows)
        across, along = np.meshgrid(x, y)
        return across, along

    def nearest(self, x: Floats, y: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns row and column of the grid's points that are nearest to places."""
        rows, columns = self.shape
        column = (x - self.centre + self.half[0]) / (2 * self.half[0]) * (columns - 1)
        row = (y + self.half[1]) / (2 * self.half[1]) * (rows - 1)
        # What is beyond the grid, or nowhere, counts as its edge.
        index = [
            np.clip(np.nan_to_num(k), 0, num - 1).round().astype(np.int64)
            for k, num in ((row, rows), (column, columns))
        ]
        return index[0], index[1]


STRIP = Grid(half=(25.0, 1.0), centre=10.0, shape=(2, 501))
"""For bodies that move in a plane: 50 m along x."""
FIELD = Grid(half=(8.0, 8.0), centre=0.0, shape=(81, 81))
"""For bodies that move everywhere: 16 m by 16 m."""


def heights(grid: Grid, kind: str, height: float, length: float, seed: int) -> Floats:
    """Returns the ground's height at the grid's points, [rows, columns], m.

    Args:
        grid: where.
        kind: of `KINDS`.
        height: of the highest point, m.
        length: of a hill, a step, a platform with its gap, or the longest wave of rough ground, m.
        seed: of rough ground.
    """
    x, y = grid.points
    away = np.hypot(x, y) if grid.shape[0] > 2 else np.abs(x)
    if kind == "flat":
        return np.zeros(grid.shape)
    if kind == "platforms":  # the start is in the middle of one
        place = np.mod(away / length + 0.5 * (1.0 - _GAP_SHARE), 1.0)
        return height * (place < 1.0 - _GAP_SHARE).astype(float)
    share = np.clip((away - _LEVEL) / _RAMP, 0.0, 1.0)
    if kind == "hills":
        return height * share * 0.5 * (1.0 - np.cos(2 * np.pi * away / length))
    if kind == "stairs":  # up, then down again, a landing at each end
        step = np.floor(np.maximum(away - _LEVEL, 0.0) / length)
        return height / _NUM_STEPS * (_NUM_STEPS - np.abs(_NUM_STEPS - step % (2 * _NUM_STEPS)))
    return height * share * _noise(x, y, length, np.random.default_rng(seed))


def _noise(x: Floats, y: Floats, length: float, rng: np.random.Generator) -> Floats:
    """Returns noise in [0, 1]: waves of random directions, each octave half as long and high."""
    total = np.zeros(x.shape)
    for octave in range(_OCTAVES):
        angle, phase = rng.uniform(0.0, 2 * np.pi, size=(2, _WAVES))
        wave = 2 * np.pi * 2.0**octave / length
        along = np.multiply.outer(x, np.cos(angle)) + np.multiply.outer(y, np.sin(angle))
        total += np.cos(wave * along + phase).sum(axis=-1) / 2.0**octave
    spread = np.sqrt(0.5 * _WAVES * sum(0.25**octave for octave in range(_OCTAVES)))
    return 0.5 + 0.5 * np.clip(total / (2.0 * spread), -1.0, 1.0)
