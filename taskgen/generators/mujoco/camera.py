"""What a body looks like now, drawn by MuJoCo without a window (EGL).

A `Camera` keeps its context for as many pictures as are wanted; where no OpenGL is to be had,
making one raises whatever the driver says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from taskgen.generators.mujoco.arena import Arena

WIDTH, HEIGHT = 320, 240
_MAX_GEOMS = 500
_SKY = (222, 235, 247)
_GROUND = (0.75, 0.78, 0.75, 1.0)
_GOAL_COLOUR = np.array([0.1, 0.7, 0.2, 0.45], dtype=np.float32)
"""Who stands in the goal is still to be seen."""

_MARK_COLOUR = np.array([0.55, 0.6, 0.55, 1.0], dtype=np.float32)
_MARKS, _MARK_HALF = 10, (0.01, 6.0, 0.001)
"""Lines across level ground, one a metre, so many each way: without them nothing seems to move."""


class Camera:
    """Pictures of one slot of an arena, whose task stays the same.

    Args:
        arena: what is looked at.
        slot: which of its bodies.

    Raises:
        Exception: of many kinds, if there is no EGL.
    """

    def __init__(self, arena: Arena, slot: int = 0) -> None:
        from mujoco.egl import GLContext

        self._arena, self._slot = arena, slot
        self._model = _prepared(arena.simulation.batch.get_model(slot), arena)
        self._data = mujoco.MjData(self._model)
        self._scene = mujoco.MjvScene(self._model, maxgeom=_MAX_GEOMS)
        self._context = GLContext(WIDTH, HEIGHT)
        try:
            self._context.make_current()
            self._device = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._device)
        except Exception:
            self._context.free()
            raise

    def picture(self) -> NDArray[np.uint8]:
        """Returns what the body looks like now, [240, 320, 3]."""
        self._arena.simulation.batch.get_data(self._slot, self._data)
        mujoco.mj_forward(self._model, self._data)
        self._context.make_current()
        self._arrange()
        view = mujoco.MjrRect(0, 0, WIDTH, HEIGHT)
        mujoco.mjr_render(view, self._scene, self._device)
        pixels = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(pixels, None, view, self._device)
        pixels[(pixels == 0).all(axis=2)] = _SKY
        return np.ascontiguousarray(pixels[::-1])

    def close(self) -> None:
        """Gives the context back."""
        self._context.make_current()
        self._device.free()
        self._context.free()

    def _arrange(self) -> None:
        """Puts the body, marks on its ground and its goal into the scene."""
        arena, scene = self._arena, self._scene
        look, option = _look(arena, self._data), mujoco.MjvOption()
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, self._data, option, None, look, every, scene)
        scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0  # that of hills on hills hides their shape
        if arena.body.height is not None and not arena.simulation.uneven:
            _add_marks(scene, arena, self._data)
        if arena.rules.goal != "none":
            _add_goal(scene, arena, self._slot, self._data)


def _prepared(model: mujoco.MjModel, arena: Arena) -> mujoco.MjModel:
    model.vis.global_.offwidth, model.vis.global_.offheight = WIDTH, HEIGHT
    if arena.rules.ground != "pier":
        model.geom_rgba[model.geom_bodyid == 0] = _GROUND
    # Drawn without an edge: a cheetah at 4 m/s comes to the end of its model's floor.
    model.geom_size[model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE, :2] = 0.0
    if arena.simulation.uneven:  # slopes are told apart by light from the side alone
        model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = 0.1, 0.2
        model.light_dir[:] = (0.8, 0.3, -0.5)
    return model


def _look(arena: Arena, data: Any) -> mujoco.MjvCamera:
    """Returns a view from the side; of uneven ground one from farther off and above."""
    body = arena.body
    distance, rise = body.camera
    azimuth = 90.0
    if arena.simulation.uneven:
        distance, rise, azimuth = 2.0 * distance, 0.7 * distance, 125.0
    look = mujoco.MjvCamera()
    look.type = int(mujoco.mjtCamera.mjCAMERA_FREE)
    look.lookat[:] = data.xpos[1] if body.height is not None else 0.0
    look.distance, look.azimuth = distance, azimuth
    look.elevation = -np.degrees(np.arcsin(min(rise / distance, 1.0)))
    return look


def _add_marks(scene: Any, arena: Arena, data: Any) -> None:
    """Adds lines on level ground around the body: across its way, and along where it may turn."""
    for axis in range(arena.body.coordinates):
        half = np.array(_MARK_HALF)
        half[:2] = np.roll(half[:2], axis)
        for mark in np.round(data.xpos[1, axis]) + np.arange(-_MARKS, _MARKS + 1):
            place = np.array([*data.xpos[1, :2], 0.0])
            place[axis] = mark
            _add(scene, mujoco.mjtGeom.mjGEOM_BOX, half, place, _MARK_COLOUR)


def _add_goal(scene: Any, arena: Arena, slot: int, data: Any) -> None:
    """Adds a ball where the body should be, or an arrow where it should go."""
    root = data.xpos[1] if arena.body.height is not None else np.zeros(3)
    goal = np.zeros(3)
    goal[: arena.body.coordinates] = arena.goals[slot]
    size = np.full(3, 0.03 * arena.body.camera[0])
    geom = _add(scene, mujoco.mjtGeom.mjGEOM_SPHERE, size, goal, _GOAL_COLOUR)
    if arena.rules.goal != "disc":
        above = root + np.array([0.0, 0.0, 0.5])
        kind = mujoco.mjtGeom.mjGEOM_ARROW
        geom.rgba[3], geom.transparent = 1.0, 0
        mujoco.mjv_connector(geom, kind, 0.02 * arena.body.camera[0], above, above + goal)


def _add(scene: Any, kind: Any, size: Any, place: Any, colour: Any) -> Any:
    geom = scene.geoms[scene.ngeom]
    mujoco.mjv_initGeom(geom, kind, size, place, np.eye(3).ravel(), colour)
    geom.transparent = colour[3] < 1.0
    scene.ngeom += 1
    return geom
