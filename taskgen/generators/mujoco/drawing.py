"""Pictures of tasks and of play: a scene where there is OpenGL, lines and text where there is not.

A picture that cannot be drawn is no failure: a task is then the card of its parameters, and a body
at play is the way of its tracked point.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.cards import parameter_card
from taskgen.generators.mujoco.camera import HEIGHT, WIDTH, Camera
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.generators.mujoco.arena import Arena
    from taskgen.generators.mujoco.generator import MuJoCoFamily

_LOG = logging.getLogger(__name__)
_MARGIN = 24
_WAY, _GOAL = "#1f4e79", "#2ea043"


def picture(family: MuJoCoFamily, task: Task) -> NDArray[np.uint8]:
    """Returns the picture of a task, [height, width, 3]."""
    from taskgen.generators.mujoco.env import MuJoCoEnv

    env = MuJoCoEnv(task, family.body, family.rules)
    env.reset(seed=0)
    try:
        return frame(env.arena)
    except Exception as error:  # whatever a driver may raise
        _LOG.debug("no OpenGL, so a card instead of a picture: %r", error)
        return parameter_card(task)


def frame(arena: Arena, slot: int = 0) -> NDArray[np.uint8]:
    """Returns what slot's body looks like now, [240, 320, 3].

    Raises:
        Exception: of many kinds, if there is no EGL.
    """
    with closing(Camera(arena, slot)) as camera:
        return camera.picture()


class Shooting:
    """Frames of a slot at play, from a camera if there is one.

    Args:
        arena: what is looked at; its task stays the same.
    """

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._camera: Camera | None = None
        self._blind = False

    def frame(self, way: Sequence[NDArray[np.float64]]) -> NDArray[np.uint8]:
        """Returns the scene as it is now, or else the way of the tracked point, [240, 320, 3].

        Args:
            way: where the tracked point was, a step an item, from the episode's start on.
        """
        if not self._blind:
            try:
                self._camera = self._camera or Camera(self._arena)
                return self._camera.picture()
            except Exception as error:  # whatever a driver may raise
                _LOG.debug("no OpenGL, so a line instead of a scene: %r", error)
                self._blind = True
        return way_picture(self._arena, np.array(way))

    def close(self) -> None:
        """Lets the camera go."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()


def way_picture(arena: Arena, way: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Returns where the tracked point of slot 0 went, [240, 320, 3].

    Seen from above, or along x over time where it has no y; in green what is asked for: a place,
    a direction, or a speed.

    Args:
        arena: of the body.
        way: [steps + 1, coordinates].
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    points, asked = _lines(arena, way)
    everything = np.concatenate([points, asked])
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = (np.array([WIDTH, HEIGHT]) - 2 * _MARGIN) / np.maximum(high - low, 1e-9)
    if way.shape[1] > 1:  # a map has one scale
        scale[:] = scale.min()
    for line, colour in ((asked, _GOAL), (points, _WAY)):
        pixels = _MARGIN + (line - low) * scale
        pixels[:, 1] = HEIGHT - pixels[:, 1]
        draw.line([tuple(place) for place in pixels], fill=colour, width=2)
        draw.circle(tuple(pixels[-1]), 4, fill=colour)
    text = "seen from above" if way.shape[1] > 1 else "way over time"
    draw.text((6, 4), f"{text}, green: asked for", fill="black")
    return np.asarray(image, dtype=np.uint8)


def _lines(
    arena: Arena, way: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the way and what is asked for as points of the plane, [n, 2] each."""
    kind, goal = arena.rules.goal, arena.goals[0]
    if way.shape[1] > 1:
        to = goal[:2] if kind != "none" else way[0, :2]
        return way[:, :2], np.array([to if kind == "disc" else way[0, :2], to])
    times = np.arange(len(way)) * arena.simulation.dt
    speed = goal[0] if kind != "none" else 0.0
    straight = way[0, 0] + speed * times
    return np.column_stack([times, way[:, 0]]), np.column_stack([times, straight])
