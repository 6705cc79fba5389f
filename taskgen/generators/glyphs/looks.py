"""How alike glyphs look: distances between blurred, coarse pictures of them.

The same measure chose the classes (`selection`) and describes tasks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from taskgen.generators.glyphs.rendering import GRID, UNITS

WIDTH = 144
"""Numbers of a look: twelve by twelve squares of two pixels."""


def looks_of(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns glyphs [P, 24, 24], 1 where there is ink, blurred by one pixel, as [P, 144]."""
    blurred = gaussian_filter(pixels, (0, 1, 1), mode="constant")
    return blurred.reshape(-1, 12, 2, 12, 2).mean(axis=(2, 4)).reshape(-1, WIDTH)


def pixels_of_rasters(rasters: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns rasters [P, 96, 96] by pixel, [P, 24, 24]."""
    return rasters.reshape(-1, 24, 4, 24, 4).mean(axis=(2, 4), dtype=np.float32)


def pixels_of_fields(fields: NDArray[np.int8]) -> NDArray[np.float32]:
    """Returns the ink of distance fields [P, 48, 48] by pixel, [P, 24, 24]."""
    ink = np.clip(0.5 - fields.astype(np.float32) * (GRID / UNITS), 0.0, 1.0)
    return ink.reshape(-1, 24, GRID, 24, GRID).mean(axis=(2, 4))


def distances(here: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns |x − y|² / (|x|² + |y|²) of looks [P, 144] and [R, 144], [P, R], in [0, 1].

    Example:
        >>> x, y = np.eye(2, 144, dtype=np.float32)
        >>> distances(np.array([x]), np.array([x, y, x + 2 * y])).tolist()
        [[0.0, 1.0, 0.666...]]
    """
    squares = (here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1)
    return 1.0 - 2.0 * (here @ there.T) / squares


def turned(looks: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Returns looks [P, 144] as they are after 0, 1, 2 and 3 quarter turns."""
    square = looks.reshape(-1, 12, 12)
    return [np.rot90(square, turn, axes=(1, 2)).reshape(-1, WIDTH) for turn in range(4)]
