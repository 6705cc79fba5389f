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

from taskgen.generators.procgen.games import GAMES
from taskgen.generators.procgen.native import Look, NativeGame
from taskgen.generators.procgen.states import Level, pinned, read_level, without_luck

Kind: TypeAlias = tuple[str, str, Look]
"""Game, mode and look."""

_CACHED_LEVELS = 512
_viewing = threading.Lock()


class PinnedGame:
    """One game on one level at a time.

    `native` is the game itself; `success` says whether the last step reached the goal.

    Args:
        name: of the game.
        mode: of its levels. Some games keep more than their state tells, of a size that belongs
            to the mode, so that no other mode's state may be loaded.
        look: how its levels are drawn.
        large: whether `NativeGame.draw_large` may be called on `native`.
    """

    def __init__(self, name: str, mode: str, look: Look, *, large: bool = False) -> None:
        self.native = NativeGame(name, mode, look, large=large)
        self.success = False
        self._template = _template(name, mode, look)
        self._timeout = GAMES[name].timeout
        self._fresh = False
        self._steps = 0

    @property
    def frame(self) -> NDArray[np.uint8]:
        """What the player sees; after an episode's end the next one's first frame."""
        return self.native.frame

    def pin(self, level: int) -> None:
        """Shows the first frame of a level, and stays on it."""
        self.native.load(pinned(self._template, level))
        self._fresh = False
        self.begin()

    def begin(self) -> None:
        """Starts an episode, unless the frame is an episode's first already."""
        if not self._fresh:
            self.native.restart()
            self._fresh = True
        self._steps = 0

    def act(self, action: int) -> tuple[float, bool]:
        """Takes one step, and returns its reward and whether it terminated the episode.

        An episode that the library cuts for its length is not terminated; `success` says whether
        the step reached the goal.
        """
        native = self.native
        native.act(action)
        self._steps += 1
        self._fresh, self.success = native.first, native.complete
        return native.reward, self._fresh and (self.success or self._steps < self._timeout)

    @property
    def over(self) -> bool:
        """Whether the last step ended the episode, for whatever reason."""
        return self._fresh

    def close(self) -> None:
        """Frees the game."""
        self.native.close()


def kind_of(content: Mapping[str, Any]) -> Kind:
    """Returns what must be the same for two tasks to be played by one instance."""
    return content["game"], content["mode"], Look(**content["look"])


@functools.lru_cache(maxsize=_CACHED_LEVELS)
def level_of(game: str, mode: str, level: int) -> Level:
    """Returns the layout of a level, whatever it is drawn like."""
    with _viewing:
        viewer = _viewer(game, mode, Look(), large=False)
        viewer.pin(level)
        return read_level(viewer.native.state())


def picture_of(content: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Returns the first frame of a task, drawn for people, [512, 512, 3]."""
    with _viewing:
        viewer = _viewer(*kind_of(content), large=True)
        viewer.pin(content["level"])
        return viewer.native.draw_large()


def picture_in(kind: Kind, state: bytes) -> NDArray[np.uint8]:
    """Returns the frame of a game's state, drawn for people, [512, 512, 3]."""
    with _viewing:
        viewer = _viewer(*kind, large=True)
        viewer.native.load(state)
        return viewer.native.draw_large()


@functools.lru_cache(maxsize=32)
def _viewer(game: str, mode: str, look: Look, *, large: bool) -> PinnedGame:
    return PinnedGame(game, mode, look, large=large)


@functools.cache
def _template(game: str, mode: str, look: Look) -> bytes:
    """Returns what `pinned` writes levels into, for a game in a mode."""
    return without_luck(NativeGame(game, mode, look).state())
