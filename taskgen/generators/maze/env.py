"""One maze as a `gymnasium.Env`: a one-slot view of the batched engine."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.maze.arrays import MARGIN, decode
from taskgen.generators.maze.drawing import picture
from taskgen.generators.maze.engine import Arena, action_space, observation_space
from taskgen.task import Task

_SLOT = np.zeros(1, dtype=np.int64)
_PLAYING = np.ones(1, dtype=bool)


class MazeEnv(gymnasium.Env[Any, Any]):
    """A maze to walk in; see `engine` for what is seen, done and earned.

    Args:
        task: of the generator "maze-v1".

    Raises:
        MalformedMaze: if the content is not a maze.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, task: Task, render_mode: str | None = None) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode must be None or 'rgb_array', got {render_mode!r}.")
        self.observation_space = observation_space()
        self.action_space = action_space()
        self.render_mode = render_mode
        self._maze = decode(task.content)
        self._arena = Arena(1)
        self._arena.load(self._maze, _SLOT)
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Puts the agent on the start; the seed changes nothing, the maze is the task."""
        super().reset(seed=seed, options=options)
        self._arena.begin(_SLOT)
        self._playing = True
        return self._arena.observations[0].copy(), {"success": False}

    def step(self, action: Any) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Takes one action.

        Raises:
            ValueError: if the action is not 0, 1 or 2, or no episode is running.
        """
        if not self.action_space.contains(action):
            raise ValueError(f"an action is 0 (left), 1 (right) or 2 (forward), got {action!r}.")
        if not self._playing:
            raise ValueError("the episode is over (or never began); call reset() first.")
        arena = self._arena
        reward, at_goal = np.zeros(1), np.zeros(1, dtype=bool)
        arena.advance(np.array([action]), _PLAYING, arena.steps_taken, reward, at_goal)
        arena.steps_taken += 1
        terminated = bool(at_goal[0])
        truncated = not terminated and bool(arena.steps_taken[0] >= arena.horizons[0])
        self._playing = not (terminated or truncated)
        info = {"success": terminated}
        return arena.observations[0].copy(), float(reward[0]), terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Returns the picture of the maze with the agent where it is."""
        if self.render_mode is None:
            return None
        row, column = divmod(int(self._arena.positions[0]), self._arena.stride)
        agent = (row - MARGIN, column - MARGIN, int(self._arena.headings[0]))
        return picture(self._maze, 0, agent)
