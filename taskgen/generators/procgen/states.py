"""What a game tells of itself: the bytes that the native library saves a state as.

A state is a row of little-endian 32-bit numbers, with texts (a length, then so many bytes) for the
name and the random generators. `pinned` writes the level that the next episodes have; `read_level`
takes the layout out: the grid of cells, and what stands or moves in it.

Source: the classes Game, BasicAbstractGame and Entity of the game library, version 0 of its states.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WALL, FREE = 51, 100
"""What stands for a wall and for nothing in the grids of most games."""
PLAYER = 0

_VERSION = 0
_LEVEL_AT = 52
"""Where the range of levels lies, in bytes after the name."""
_NUMBERS_BEFORE_GENERATORS, _NUMBERS_AFTER_GENERATORS = 17, 16
_NUMBERS_AFTER_THINGS, _NUMBERS_BEFORE_GRID = 19, 9
_THING = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("vx", "<f4"),
        ("vy", "<f4"),
        ("rx", "<f4"),
        ("ry", "<f4"),
        ("type", "<i4"),
        ("image_type", "<i4"),
        ("image_theme", "<i4"),
        ("rest", "<i4", 22),
    ]
)


@dataclass(frozen=True)
class Level:
    """The layout of a level, as its first frame has it.

    Args:
        grid: what fills each cell, the first row at the bottom of the picture, [rows, columns].
        things: what is not of the grid, the player among them: places, sizes (half-widths), kinds.
    """

    grid: NDArray[np.int32]
    things: NDArray[np.void]

    def look(self, *, colours: bool = False) -> bytes:
        """Returns what tells this level from others: cells, and places, sizes and kinds of things.

        Backgrounds and pictures are no part of it, as they change nothing but the picture.

        Args:
            colours: take in which picture each thing has, where that decides how it plays.
        """
        names = ("x", "y", "rx", "ry", "type", *(("image_theme",) if colours else ()))
        columns = [np.round(self.things[name], 3) for name in names]
        shape = np.array(self.grid.shape, dtype="<i4")
        return b"".join(part.tobytes() for part in (shape, self.grid, *columns))

    def cell_of(self, kind: int) -> tuple[int, int]:
        """Returns (row, column) of the one thing of a kind."""
        thing = self.things[self.things["type"] == kind][0]
        return int(thing["y"]), int(thing["x"])


def pinned(state: bytes, level: int) -> bytes:
    """Returns a state whose next episodes are all of one level.

    Args:
        state: of any level of the game in the mode that it shall have.
        level: its number.
    """
    changed = bytearray(state)
    start = 8 + struct.unpack_from("<i", state, 4)[0]
    struct.pack_into("<ii", changed, start + _LEVEL_AT, level, level + 1)
    return bytes(changed)


def without_luck(state: bytes) -> bytes:
    """Returns a state without the random generators' texts, for who starts an episode next.

    Reading those texts is most of what loading a state costs; a game that finds none keeps the
    generators that it has. One of them is seeded with the level when an episode starts, another
    picks a level, of one when pinned, and the third is for pictures that are never made here.
    """
    reader = _Reader(state)
    kept, start = b"", 0
    for begin, end in reader.texts_of_luck():
        kept += state[start : begin - 4] + struct.pack("<i", 0)
        start = end
    return kept + state[start:]


def read_level(state: bytes) -> Level:
    """Returns the layout in a state.

    Raises:
        ValueError: if the state is of another version of the game library.
    """
    reader = _Reader(state)
    reader.to_things()
    things = reader.array(_THING, reader.number())
    reader.to_grid()
    width, height, size = reader.number(), reader.number(), reader.number()
    if size != width * height:
        raise ValueError(f"a grid of {width} × {height} cells must have so many, got {size}.")
    return Level(reader.array(np.dtype("<i4"), size).reshape(height, width), things)


class _Reader:
    """Walks through a state from its beginning."""

    def __init__(self, state: bytes) -> None:
        self._state = state
        self._at = 0
        version = self.number()
        if version != _VERSION:
            raise ValueError(f"states must be of version {_VERSION}, got {version}.")
        self._texts: list[tuple[int, int]] = []

    def number(self) -> int:
        self._at += 4
        return int(struct.unpack_from("<i", self._state, self._at - 4)[0])

    def array(self, kind: np.dtype[Any], size: int) -> NDArray[Any]:
        start = self._at
        self._at += size * kind.itemsize
        return np.frombuffer(self._state, kind, size, start)

    def to_things(self) -> None:
        """Goes from the version to the number of things."""
        length = self.number()
        self._at += length
        self._skip(_NUMBERS_BEFORE_GENERATORS)
        self._generator()
        self._generator()
        self._skip(_NUMBERS_AFTER_GENERATORS)

    def to_grid(self) -> None:
        """Goes from the last thing to the width of the grid."""
        self._skip(_NUMBERS_AFTER_THINGS)
        self._generator()
        self._skip(_NUMBERS_BEFORE_GRID)

    def texts_of_luck(self) -> list[tuple[int, int]]:
        """Returns where the texts of the three generators begin and end."""
        self.to_things()
        self.array(_THING, self.number())
        self.to_grid()
        return self._texts

    def _skip(self, numbers: int) -> None:
        self._at += 4 * numbers

    def _generator(self) -> None:
        self._skip(1)
        size = self.number()
        self._texts.append((self._at, self._at + size))
        self._at += size
