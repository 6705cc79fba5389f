"""One body with one task as a `gymnasium.Env`: a one-slot view of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generators.mujoco.arena import DIVERGED, Arena
from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.engine import contents_of, spaces_of
from taskgen.generators.mujoco.rules import Rules
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.generators.mujoco.drawing import Shooting

_SLOT = np.zeros(1, dtype=np.int64)
_PLAYING = np.ones(1, dtype=bool)


class Diverged(RuntimeError):
    """The simulation grew without bound; the task cannot be played on."""


class MuJoCoEnv(gymnasium.Env[NDArray[np.float64], NDArray[np.float32]]):
    """A body to move; what the task changes in mid-lifetime counts from when this was made.

    Args:
        task: of the family.
        body: the row.
        rules: what is rewarded.
        render_mode: None, or "rgb_array".

    Raises:
        ValueError: if there is no such mode.
    """

    def __init__(
        self, task: Task, body: Body, rules: Rules, render_mode: str | None = None
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode must be None or 'rgb_array', got {render_mode!r}.")
        self.render_mode = render_mode
        self.arena = Arena(body, rules, num_slots=1, num_threads=1)
        self.observation_space, self.action_space = spaces_of(self.arena)
        self.arena.load(contents_of([task]))
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": round(1.0 / self.arena.simulation.dt),
        }
        self._episode_steps, self._lifetime_steps = np.zeros((2, 1), dtype=np.int64)
        self._way: list[NDArray[np.float64]] = []
        self._shooting: Shooting | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Starts an episode whose noise depends on the seed alone."""
        super().reset(seed=seed, options=options)
        key = int(self.np_random.integers(2**31)) if seed is None else seed
        self.arena.begin(_SLOT, np.array([key], dtype=np.int64))
        self._episode_steps[:] = 0
        self._way = [self._place()]
        return self.arena.observations[0].copy(), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Takes one env step.

        Raises:
            Diverged: if the simulation did.
        """
        arena = self.arena
        steps = self._episode_steps, self._lifetime_steps
        if len(arena.advance(np.asarray(action)[None], _PLAYING, *steps)):
            raise Diverged(DIVERGED)
        for counter in steps:
            counter += 1
        if self.render_mode is not None:
            self._way.append(self._place())
        fallen = bool(arena.fallen[0])
        truncated = not fallen and bool(self._episode_steps[0] >= arena.rules.horizon)
        return arena.observations[0].copy(), float(arena.rewards[0]), fallen, truncated, {}

    def render(self) -> NDArray[np.uint8] | None:
        """Returns the body as it is now, or the way of its tracked point without OpenGL."""
        if self.render_mode is None:
            return None
        if self._shooting is None:
            from taskgen.generators.mujoco.drawing import Shooting

            self._shooting = Shooting(self.arena)
        return self._shooting.frame(self._way)

    def close(self) -> None:
        """Lets the camera go, if there was one."""
        if self._shooting is not None:
            self._shooting.close()

    def _place(self) -> NDArray[np.float64]:
        return self.arena.simulation.tracked()[0]
