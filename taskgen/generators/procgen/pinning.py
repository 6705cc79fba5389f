"""A game that stays on one level: the state is told which level comes next, for good.

The library draws the level of each episode from a range of numbers that is part of its state. A
range of one number, written into a saved state and loaded again, pins the game: every episode that
follows is the same level, whether it ended by itself or was started over.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.procgen.native import Buffers, Look, NativeGame
from taskgen.generators.procgen.states import Level, pinned, read_level, without_luck

Kind: TypeAlias = tuple[str, str, Look]
"""Game, mode and look."""

_CACHED_LEVELS = 512
_viewing = threading.Lock()


class PinnedGame(NativeGame):
    """A game that plays one level at a time, in one slot of the buffers.

    Some games keep more than their state tells, of a size that belongs to the mode: an instance
    never takes the state of another mode.

    Args:
        kind: its game, mode and look.
        buffers: where it reads its action and writes what it shows.
        slot: its place in them.
    """

    def __init__(self, kind: Kind, buffers: Buffers, slot: int = 0) -> None:
        super().__init__(*kind, buffers, slot)
        self._template = _template(*kind)

    def pin(self, level: int) -> None:
        """Shows the first frame of a level, and stays on it."""
        self.load(pinned(self._template, level))
        self.restart()


def kind_of(content: Mapping[str, Any]) -> Kind:
    """Returns what must be the same for two tasks to be played by one instance."""
    return content["game"], content["mode"], Look(**content["look"])


@functools.lru_cache(maxsize=_CACHED_LEVELS)
def level_of(game: str, mode: str, level: int) -> Level:
    """Returns the layout of a level, whatever it is drawn like."""
    with _viewing:
        viewer = _viewer((game, mode, Look()), large=False)
        viewer.pin(level)
        return read_level(viewer.state())


def picture_of(content: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Returns the first frame of a task, drawn for people, [512, 512, 3]."""
    with _viewing:
        viewer = _viewer(kind_of(content), large=True)
        viewer.pin(content["level"])
        return viewer.draw_large()


def picture_in(kind: Kind, state: bytes) -> NDArray[np.uint8]:
    """Returns the frame of a game's state, drawn for people, [512, 512, 3]."""
    with _viewing:
        viewer = _viewer(kind, large=True)
        viewer.load(state)
        return viewer.draw_large()


@functools.lru_cache(maxsize=32)
def _viewer(kind: Kind, *, large: bool) -> PinnedGame:
    return PinnedGame(kind, Buffers(1, large=large))


@functools.cache
def _template(game: str, mode: str, look: Look) -> bytes:
    """Returns what `pinned` writes levels into, for a game in a mode."""
    return without_luck(NativeGame(game, mode, look, Buffers(1)).state())
