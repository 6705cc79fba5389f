"""Pictures of tasks made small enough for pages that hold thousands of them, as data URIs.

A picture of few colours on a coarse grid (mazes, fields) becomes one pixel a cell and stays exact;
browsers enlarge it again. Any other one is scaled down until it takes few bytes.
"""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_BYTES = 1300
"""Of a thumbnail: two thousand of them stay below four megabytes as text."""

_SIDES = ((128, 60), (112, 50), (96, 40), (72, 35), (48, 25))
_MAX_COLOURS = 64
_PROBE = 13


def thumbnail(picture: NDArray[np.uint8], max_bytes: int = MAX_BYTES) -> str:
    """Returns a picture, [height, width, 3], as a data URI of a small PNG or WebP file.

    Args:
        picture: of any size.
        max_bytes: of the file; the smallest attempt stands where none stays below.
    """
    exact = _exact(picture)
    if exact is not None and len(exact) <= max_bytes:
        return _uri("png", exact)
    image = Image.fromarray(picture)
    packed = b""
    for side, quality in _SIDES:
        packed = _small(image, side, quality)
        if len(packed) <= max_bytes:
            break
    return _uri("webp", packed)


def without_blocks(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the picture with one pixel for each block of equal ones, as large as blocks can be.

    Example:
        >>> cells = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        >>> enlarged = cells.repeat(6, axis=0).repeat(4, axis=1)
        >>> without_blocks(enlarged).tolist() == cells.tolist()
        True
    """
    for axis in (0, 1):
        lines = np.moveaxis(picture, axis, 0)
        block = _block(lines[:, ::_PROBE])  # most pictures have none, which a few columns show
        if block > 1:
            picture = np.moveaxis(lines[:: _block(lines)], 0, axis)
    return picture


def _block(lines: NDArray[np.uint8]) -> int:
    """Returns how many lines in a row are always equal."""
    changes = 1 + np.flatnonzero((lines[1:] != lines[:-1]).any(axis=(1, 2)))
    return math.gcd(len(lines), *changes.tolist())


def _exact(picture: NDArray[np.uint8]) -> bytes | None:
    """Returns the picture bit for bit as PNG of a palette; None where it has too many colours."""
    image = Image.fromarray(np.ascontiguousarray(without_blocks(picture)))
    if max(image.size) > _SIDES[0][0] or image.getcolors(_MAX_COLOURS) is None:
        return None
    return _saved(image.quantize(_MAX_COLOURS, dither=Image.Dither.NONE), "PNG", optimize=True)


def _small(image: Image.Image, side: int, quality: int) -> bytes:
    smaller = image.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _saved(smaller, "WEBP", quality=quality, method=2)


def _saved(image: Image.Image, kind: str, **options: int | bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _uri(kind: str, packed: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(packed).decode()}"
