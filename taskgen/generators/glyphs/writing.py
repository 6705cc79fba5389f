"""Examples of classes as different hands write them: which font, how turned, how bold.

`Hand` is what varies from example to example; `draw` makes the pictures, of all examples of all
tasks in one go. Every number comes from the key of the example alone.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.glyphs.catalogue import Catalogue
from taskgen.generators.glyphs.rendering import FIELD, GRID, SIDE, UNITS
from taskgen.randomness import fold, uniforms

WRITERS = ("font_variety", "rotation", "shear", "scaling", "shift", "thickness", "noise")
"""What a task says about its writers; see the family's space for what each means."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Hand:
    """How each of P examples is written.

    Args:
        pairs: class and font, as numbered in the catalogue, [P].
        maps: from a place in the picture to one in the glyph, both from their middles in pixels:
            the rows of [P, 2, 3] give (row, column) of (row, column, 1).
        zooms: pixels of the picture that a pixel of the glyph takes, [P].
        bolder: by how many pixels the edges of the ink lie farther out, [P].
        noise: deviation of the noise of a pixel, [P].
        keys: of the noise, [P].
    """

    pairs: NDArray[np.int64]
    maps: NDArray[np.float64]
    zooms: NDArray[np.float64]
    bolder: NDArray[np.float64]
    noise: NDArray[np.float64]
    keys: NDArray[np.uint64]


def hands_of(
    catalogue: Catalogue,
    classes: NDArray[np.int64],
    turns: NDArray[np.int64],
    writers: NDArray[np.float64],
    keys: NDArray[np.uint64],
) -> Hand:
    """Returns how P examples are written.

    Args:
        catalogue: of the classes.
        classes: of the examples, [P].
        turns: quarter turns of their classes, anticlockwise, [P].
        writers: the parameters of their tasks, in the order of `WRITERS`, [P, 7].
        keys: one an example, [P].
    """
    variety, rotation, shear, scaling, shift, thickness, noise = writers.T
    luck = uniforms(keys, 8)
    either_way = 2.0 * luck - 1.0
    other = np.floor(luck[:, 1] * catalogue.pair_counts[classes]).astype(np.int64)
    fonts = np.where(luck[:, 0] < variety, other, 0)
    zooms = (1.0 + scaling) ** either_way[:, 4]
    angles = np.deg2rad(rotation) * either_way[:, 2] + 0.5 * np.pi * turns
    moved = shift[:, None] * either_way[:, 5:7]
    return Hand(
        pairs=catalogue.pair_starts[classes] + fonts,
        maps=_maps(angles, shear * either_way[:, 3], zooms, moved),
        zooms=zooms,
        bolder=thickness * luck[:, 7],
        noise=noise,
        keys=fold(keys, 8),
    )


def draw(hand: Hand, fields: NDArray[np.int8]) -> NDArray[np.float32]:
    """Returns the pictures of P examples, [P, SIDE, SIDE]; 1 is ink, 0 is paper.

    Args:
        hand: how they are written.
        fields: the distance field of every pair, [pairs, FIELD, FIELD].
    """
    pictures = np.empty((len(hand.pairs), SIDE, SIDE), dtype=np.float32)
    _draw(
        hand.pairs,
        hand.maps,
        hand.zooms,
        hand.bolder,
        hand.noise,
        hand.keys,
        fields,
        pictures,
    )
    return pictures


def _maps(
    angles: NDArray[np.float64],
    shears: NDArray[np.float64],
    zooms: NDArray[np.float64],
    moved: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns the way back from the picture to the glyph, [P, 2, 3].

    A place g of the glyph, (row, column), is sheared, turned anticlockwise, scaled and moved:

        p = zoom · R · H · g + moved,   so   g = H⁻¹ · Rᵀ · (p − moved) / zoom,

    H adds shear · row to the column.
    """
    cos, sin = np.cos(angles) / zooms, np.sin(angles) / zooms
    # Rows count downwards: an anticlockwise turn by a quarter takes (0, 1) to (−1, 0).
    back = np.empty((len(angles), 2, 3))
    back[:, 0, 0], back[:, 0, 1] = cos, sin
    back[:, 1, 0], back[:, 1, 1] = -sin, cos
    back[:, 1, :2] -= shears[:, None] * back[:, 0, :2]
    back[:, :, 2] = -(back[:, :, :2] @ moved[:, :, None])[:, :, 0]
    return back


@numba.njit(cache=True)
def _draw(pairs, maps, zooms, bolder, noise, keys, fields, pictures):
    middle = 0.5 * (SIDE - 1)
    for p in range(len(pairs)):
        field, back = fields[pairs[p]], maps[p]
        per_unit = zooms[p] / UNITS
        for row in range(SIDE):
            for column in range(SIDE):
                y, x = row - middle, column - middle
                away = per_unit * _field_at(
                    field,
                    back[0, 0] * y + back[0, 1] * x + back[0, 2],
                    back[1, 0] * y + back[1, 1] * x + back[1, 2],
                )
                ink = min(max(0.5 + bolder[p] - away, 0.0), 1.0)
                if noise[p] > 0.0:
                    luck = _nearly_normal(keys[p], row * SIDE + column)
                    ink = min(max(ink + noise[p] * luck, 0.0), 1.0)
                pictures[p, row, column] = ink


@numba.njit(cache=True, inline="always")
def _field_at(field, y, x):
    """Returns the field at a place from its middle in pixels, between samples in proportion."""
    row, column = GRID * y + 0.5 * (FIELD - 1), GRID * x + 0.5 * (FIELD - 1)
    if not (0.0 <= row < FIELD - 1 and 0.0 <= column < FIELD - 1):
        return 127.0
    r, c = int(row), int(column)
    down, right = row - r, column - c
    above = field[r, c] + right * (field[r, c + 1] - field[r, c])
    below = field[r + 1, c] + right * (field[r + 1, c + 1] - field[r + 1, c])
    return above + down * (below - above)


@numba.njit(cache=True, inline="always")
def _nearly_normal(key, counter):
    """Returns the sum of four uniform numbers, of mean 0 and deviation 1, within ±3.46.

    They are the four parts of the number that `taskgen.randomness` has at this counter.
    """
    value = key + np.uint64(counter + 1) * _GAMMA
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    value ^= value >> np.uint64(31)
    part = np.uint64(0xFFFF)
    total = (value & part) + (value >> np.uint64(16) & part)
    total += (value >> np.uint64(32) & part) + (value >> np.uint64(48))
    return (float(total) - 131070.0) / 37837.2  # √(4/12) · 65536
