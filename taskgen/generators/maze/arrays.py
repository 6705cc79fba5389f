"""B mazes as arrays, and their form as a task's content.

Everything batched in this package works on `MazeArrays`: grids of bytes (1 wall, 0 free) with a
frame of walls wide enough that no kernel has to check bounds. A maze has `height` × `width`
interior cells; what surrounds them is wall. Cells are (row, column), row 0 on top. Headings are
0 up, 1 right, 2 down, 3 left.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

# Numba's own pool of threads. Its OpenMP layer shares the runtime of torch, where it would undo
# `torch.set_num_threads` and leave threads spinning: two trainings side by side on two cores then
# run ten times slower. Must be set before the first kernel with threads runs.
if numba.config.THREADING_LAYER == "default":
    numba.config.THREADING_LAYER = "workqueue"

MARGIN = 4
"""Cells of wall around the interior: how far the view reaches."""
MAX_SIDE = 255
MAX_HORIZON = 2**31 - 1
NUM_CHUNKS = 32
"""Pieces that a batch is cut into where threads share it."""
MIN_PARALLEL_BYTES = 2**19
"""Grids, in bytes, from which making or comparing them is shared by threads."""
_KEYS = {"goal", "heading", "height", "horizon", "start", "walls", "width"}
_JSON = (
    b'{"goal":[%d,%d],"heading":%d,"height":%d,"horizon":%d,'
    b'"start":[%d,%d],"walls":"%s","width":%d}'
)


class MalformedMaze(ValueError):
    """A content that is not a maze; the message says what is wrong with it."""


@dataclass(frozen=True)
class MazeArrays:
    """B mazes, padded with walls to the largest of them; G is its side with the frame.

    Args:
        grids: 1 wall, 0 free, uint8 [B, G, G]; the interior starts at (MARGIN, MARGIN).
        heights: interior rows, int64 [B].
        widths: interior columns, int64 [B].
        starts: interior (row, column) of the start, int64 [B, 2].
        goals: the same of the goal, int64 [B, 2].
        headings: heading at the start, int64 [B].
        horizons: the longest episode in env steps, int64 [B].
    """

    grids: NDArray[np.uint8]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    starts: NDArray[np.int64]
    goals: NDArray[np.int64]
    headings: NDArray[np.int64]
    horizons: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.heights)

    @property
    def stride(self) -> int:
        """The side G of a grid with its frame."""
        return int(self.grids.shape[1])

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> MazeArrays:
        """Returns the mazes at these indices, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        return MazeArrays(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def interior(self, index: int) -> NDArray[np.uint8]:
        """Returns the walls of one maze without the frame, a view [height, width]."""
        height, width = int(self.heights[index]), int(self.widths[index])
        return self.grids[index, MARGIN : MARGIN + height, MARGIN : MARGIN + width]

    def walls(self) -> list[bytes]:
        """Returns each maze's walls as base64 of its packed bits, row by row, [B]."""
        num_bytes = (self.heights * self.widths + 7) // 8
        packed = np.zeros((len(self), int(num_bytes.max(initial=0))), dtype=np.uint8)
        _pack(self.grids, self.heights, self.widths, packed)
        lengths = num_bytes.tolist()
        return [
            binascii.b2a_base64(row[:length], newline=False)
            for row, length in zip(packed, lengths, strict=True)
        ]

    def contents_json(self) -> list[bytes]:
        """Returns the canonical JSON of each maze's content, [B]."""
        columns = (
            self.goals[:, 0],
            self.goals[:, 1],
            self.headings,
            self.heights,
            self.horizons,
            self.starts[:, 0],
            self.starts[:, 1],
        )
        lists = [column.tolist() for column in columns]
        rows = zip(*lists, self.walls(), self.widths.tolist(), strict=True)
        return [_JSON % row for row in rows]

    def content(self, index: int) -> dict[str, Any]:
        """Returns what a task keeps of one maze."""
        return {
            "goal": self.goals[index].tolist(),
            "heading": int(self.headings[index]),
            "height": int(self.heights[index]),
            "horizon": int(self.horizons[index]),
            "start": self.starts[index].tolist(),
            "walls": self.select([index]).walls()[0].decode(),
            "width": int(self.widths[index]),
        }


def worth_threads(work: int, at_least: int) -> bool:
    """Whether a kernel has enough work to wake other threads for it.

    Where other programs (or torch's own threads) keep the cores busy, entering a parallel region
    costs milliseconds: small batches never do, nor does a process with one thread.
    """
    return work >= at_least and numba.get_num_threads() > 1


def single(
    walls: NDArray[Any], start: Sequence[int], heading: int, goal: Sequence[int], horizon: int
) -> MazeArrays:
    """Returns one maze from its interior walls, [height, width]."""
    height, width = walls.shape
    side = max(height, width) + 2 * MARGIN
    grids = np.ones((1, side, side), dtype=np.uint8)
    grids[0, MARGIN : MARGIN + height, MARGIN : MARGIN + width] = walls
    return MazeArrays(
        grids=grids,
        heights=np.array([height]),
        widths=np.array([width]),
        starts=np.array([start], dtype=np.int64),
        goals=np.array([goal], dtype=np.int64),
        headings=np.array([heading], dtype=np.int64),
        horizons=np.array([horizon], dtype=np.int64),
    )


def decode(content: Any) -> MazeArrays:
    """Returns the maze of a task's content.

    Raises:
        MalformedMaze: if a field is missing or out of bounds, or the walls do not fit the sides.
    """
    if not isinstance(content, Mapping) or set(content) != _KEYS:
        raise MalformedMaze(f"a maze has exactly the fields {', '.join(sorted(_KEYS))}.")
    height = _whole(content["height"], "height", 1, MAX_SIDE)
    width = _whole(content["width"], "width", 1, MAX_SIDE)
    return single(
        _unpack(content["walls"], height, width),
        _cell(content["start"], "start", height, width),
        _whole(content["heading"], "heading", 0, 3),
        _cell(content["goal"], "goal", height, width),
        _whole(content["horizon"], "horizon", 1, MAX_HORIZON),
    )


def stack(mazes: Sequence[MazeArrays]) -> MazeArrays:
    """Returns batches of mazes as one, padded to the largest."""
    side = max(maze.stride for maze in mazes)
    padded = [
        np.pad(maze.grids, [(0, 0), *[(0, side - maze.stride)] * 2], constant_values=1)
        for maze in mazes
    ]
    rest = list(MazeArrays.__dataclass_fields__)[1:]
    columns = (np.concatenate([getattr(maze, name) for maze in mazes]) for name in rest)
    return MazeArrays(np.concatenate(padded), *columns)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise MalformedMaze(f"{name} must be a whole number in [{low}, {high}], got {value!r}.")
    return value


def _cell(value: Any, name: str, height: int, width: int) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise MalformedMaze(f"{name} must be [row, column], got {value!r}.")
    row = _whole(value[0], f"{name}'s row", 0, height - 1)
    return row, _whole(value[1], f"{name}'s column", 0, width - 1)


def _unpack(walls: Any, height: int, width: int) -> NDArray[np.uint8]:
    count = height * width
    try:
        packed = binascii.a2b_base64(walls, strict_mode=True)
    except (TypeError, ValueError) as error:
        raise MalformedMaze(f"walls must be base64 of packed bits: {error}.") from error
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8))
    if len(packed) != (count + 7) // 8 or bits[count:].any():
        raise MalformedMaze(f"walls must hold {count} bits, zeros after them; got {len(bits)}.")
    return bits[:count].reshape(height, width)


@numba.njit(cache=True)
def _pack(grids, heights, widths, packed):
    """Writes each interior's bits row by row, the first in a byte's highest place."""
    for b in range(len(heights)):
        bit = 0
        for row in range(MARGIN, MARGIN + heights[b]):
            for column in range(MARGIN, MARGIN + widths[b]):
                packed[b, bit >> 3] |= grids[b, row, column] << (7 - (bit & 7))
                bit += 1
