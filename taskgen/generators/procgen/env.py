"""One level as a `gymnasium.Env`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.procgen.engine import action_space, observation_space
from taskgen.generators.procgen.games import GAMES, flaw_of
from taskgen.generators.procgen.native import Buffers
from taskgen.generators.procgen.pinning import PinnedGame, kind_of, picture_in


class ProcgenEnv(gymnasium.Env[Any, Any]):
    """A level to play, the same one in every episode.

    Args:
        content: of a task of the family.
        render_mode: None, or "rgb_array".

    Raises:
        ValueError: if there is no such mode, or the content is no level.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(self, content: Mapping[str, Any], render_mode: str | None = None) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode must be None or 'rgb_array', got {render_mode!r}.")
        if flaw := flaw_of(content):
            raise ValueError(flaw)
        self.observation_space, self.action_space = observation_space(), action_space()
        self.render_mode = render_mode
        self._kind = kind_of(content)
        self._horizon = int(content["horizon"])
        self._timeout = GAMES[content["game"]].timeout
        self._buffers = Buffers(1)
        self._game = PinnedGame(self._kind, self._buffers)
        self._game.pin(content["level"])
        self._fresh = True
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Starts an episode; the seed changes nothing, the level is the task."""
        super().reset(seed=seed, options=options)
        if not self._fresh:
            self._game.restart()
        self._fresh = True
        self._steps = 0
        return self._buffers.frames[0].copy(), {"success": False}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Takes one step; where the game ended, what is seen is the next episode's first frame."""
        buffers = self._buffers
        self._game.act(int(action))
        self._steps += 1
        self._fresh = bool(buffers.first[0])
        success = self._fresh and bool(buffers.complete[0])
        terminated = self._fresh and (success or self._steps < self._timeout)
        truncated = not terminated and self._steps >= self._horizon
        reward = float(buffers.rewards[0])
        return buffers.frames[0].copy(), reward, terminated, truncated, {"success": success}

    def render(self) -> NDArray[np.uint8] | None:
        """Returns the frame drawn for people, [512, 512, 3]; after an end the next episode's."""
        if self.render_mode is None:
            return None
        return picture_in(self._kind, self._game.state())

    def close(self) -> None:
        """Frees the game."""
        self._game.close()
