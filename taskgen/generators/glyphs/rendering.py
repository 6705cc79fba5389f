"""From a font and a character to a distance field, which can be drawn at any angle and weight.

A glyph is scaled until the longer side of its ink is 20 pixels and centred, so that neither size
nor place tells glyphs apart. Its field holds the signed distance to the edge of the ink on a grid
twice as fine as the picture's: moving the threshold makes strokes bolder, and sampling the field
at turned and sheared points draws the glyph without a font.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import functools
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIDE = 28
"""Pixels a side of a picture."""
INK = 20
"""Pixels of the longer side of a glyph's ink."""
MARGIN = 2
"""Pixels around the ink that a field covers; farther out there is no ink at any weight."""
GRID = 2
"""Samples of a field along a pixel."""
FIELD = (INK + 2 * MARGIN) * GRID
"""Samples a side of a field."""
UNITS = 48
"""Steps of a field's values along a pixel."""

_DOTS = 2
"""Dots of a raster along a sample; its distances are measured to them."""
_EM = 96
_FAR = 1e6
_IS_INK = [0] * 128 + [255] * 128
_REACH = 128 / UNITS * GRID * _DOTS + 1
"""Dots beyond which distances are cut."""


class NoInk(ValueError):
    """A font that draws nothing for a character."""


def font_folder() -> Path:
    """Returns where matplotlib keeps its fonts."""
    import matplotlib  # takes a while, and is needed where glyphs are drawn alone

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@functools.cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    path = font_folder() / f"{name}.ttf"
    return ImageFont.truetype(str(path), _EM, layout_engine=ImageFont.Layout.BASIC)


def raster(font: str, character: str) -> NDArray[np.bool_]:
    """Returns the dots of a glyph, [FIELD · 2, FIELD · 2], its ink centred.

    Args:
        font: file name without its ending, in matplotlib's folder.
        character: one character that the font has.

    Raises:
        NoInk: if the glyph is blank.
    """
    left, top, right, bottom = _font(font).getbbox(character)
    page = Image.new("L", (max(int(right - left), 1), max(int(bottom - top), 1)))
    ImageDraw.Draw(page).text((-left, -top), character, font=_font(font), fill=255)
    box = page.point(_IS_INK).getbbox()  # what is fainter would be magnified, and is no ink then
    if box is None:
        raise NoInk(f"{font} draws nothing for {character!r}; choose another font.")
    ink = page.crop(box)
    zoom = INK * GRID * _DOTS / max(ink.size)
    width, height = (max(round(zoom * length), 1) for length in ink.size)
    scaled = ink.resize((width, height), Image.Resampling.BILINEAR)
    dots = np.zeros((FIELD * _DOTS, FIELD * _DOTS), dtype=np.bool_)
    y, x = (len(dots) - height) // 2, (len(dots) - width) // 2
    dots[y : y + height, x : x + width] = np.asarray(scaled) >= 128
    return dots


def fields(rasters: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Returns the distance fields of rasters, [P, FIELD, FIELD].

    The distance from the middle of each sample to the nearest dot of ink less the one to the
    nearest dot without, in 1/48 pixels, positive outside of the ink and cut at ±127.
    """
    out = np.empty((len(rasters), FIELD, FIELD), dtype=np.int8)
    _measure(rasters, out)
    return out


@numba.njit(cache=True)
def _measure(rasters, out):
    away = np.empty((2, FIELD, rasters.shape[1]))
    for p in range(len(rasters)):
        for kind in range(2):
            _along_columns(rasters[p], kind == 1, away[kind])
        for row in range(FIELD):
            for column in range(FIELD):
                far = _along_row(away[1, row], column) - _along_row(away[0, row], column)
                units = np.round(far * UNITS / (GRID * _DOTS))
                out[p, row, column] = min(max(units, -127.0), 127.0)


@numba.njit(cache=True)
def _along_columns(dots, kind, away):
    """Writes the squared distance from each sample's row to the nearest dot of a kind, by column.

    A sample lies between the dots 2·row and 2·row + 1.
    """
    num_rows = len(away)
    for column in range(dots.shape[1]):
        far = _FAR
        for row in range(num_rows):
            far = 0.5 if dots[2 * row, column] == kind else far + 1.0
            away[row, column] = far
            far = -0.5 if dots[2 * row + 1, column] == kind else far
            far += 1.0
        far = _FAR
        for row in range(num_rows - 1, -1, -1):
            far = 0.5 if dots[2 * row + 1, column] == kind else far + 1.0
            away[row, column] = min(away[row, column], far) ** 2
            far = -0.5 if dots[2 * row, column] == kind else far
            far += 1.0


@numba.njit(cache=True)
def _along_row(away, column):
    """Returns the distance to the nearest dot, from those in the columns to both sides."""
    nearest = _REACH**2
    for step in range(int(_REACH) + 1):
        beside = (step + 0.5) ** 2
        if beside >= nearest:
            break
        left, right = 2 * column - step, 2 * column + 1 + step
        if left >= 0:
            nearest = min(nearest, beside + away[left])
        if right < len(away):
            nearest = min(nearest, beside + away[right])
    return np.sqrt(nearest)
