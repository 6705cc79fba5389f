"""Pictures of tasks: the body on its ground with its goal, and what differs from the default.

Pictures are drawn by MuJoCo without a window (EGL). Where no OpenGL is to be had the picture is
the card of the task's parameters: a picture that cannot be drawn is no failure.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from taskgen.cards import parameter_card
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.generators.mujoco.arena import Arena
    from taskgen.generators.mujoco.generator import MuJoCoFamily

_LOG = logging.getLogger(__name__)
_WIDTH, _HEIGHT, _LINE = 320, 240, 13
_MAX_GEOMS = 500
_SKY = (222, 235, 247)
_GOAL_COLOUR = np.array([0.1, 0.7, 0.2, 0.9], dtype=np.float32)


def picture(family: MuJoCoFamily, task: Task) -> NDArray[np.uint8]:
    """Returns the picture of a task, [height, width, 3]."""
    from taskgen.generators.mujoco.env import MuJoCoEnv

    env = MuJoCoEnv(task, family.body, family.rules)
    env.reset(seed=0)
    try:
        scene = frame(env.arena)
    except Exception as error:  # whatever a driver may raise
        _LOG.debug("no OpenGL, so a card instead of a picture: %r", error)
        return parameter_card(task)
    return np.concatenate([scene, _caption(family, task)], axis=0)


def frame(arena: Arena, slot: int = 0) -> NDArray[np.uint8]:
    """Returns what slot's body looks like now, [240, 320, 3].

    Raises:
        Exception: of many kinds, if there is no EGL.
    """
    from mujoco.egl import GLContext

    simulation = arena.simulation
    model, data = simulation.batch.get_model(slot), simulation.batch.get_data(slot)
    model.vis.global_.offwidth, model.vis.global_.offheight = _WIDTH, _HEIGHT
    if arena.rules.ground != "pier":
        model.geom_rgba[model.geom_bodyid == 0] = (0.75, 0.78, 0.75, 1.0)
    if simulation.uneven:  # slopes are told apart by light from the side alone
        model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = 0.1, 0.2
        model.light_dir[:] = (0.8, 0.3, -0.5)
    mujoco.mj_forward(model, data)
    context = GLContext(_WIDTH, _HEIGHT)
    try:
        context.make_current()
        return _drawn(model, data, arena, slot)
    finally:
        context.free()


def _drawn(model: Any, data: Any, arena: Arena, slot: int) -> NDArray[np.uint8]:
    scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
    camera, option = _camera(arena, data), mujoco.MjvOption()
    every = mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(model, data, option, None, camera, every, scene)
    if arena.simulation.uneven:  # the shadow of hills on hills hides their shape
        scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
    if arena.rules.goal != "none":
        _add_goal(scene, arena, slot, data)
    device = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, device)
    view = mujoco.MjrRect(0, 0, _WIDTH, _HEIGHT)
    mujoco.mjr_render(view, scene, device)
    pixels = np.empty((_HEIGHT, _WIDTH, 3), dtype=np.uint8)
    mujoco.mjr_readPixels(pixels, None, view, device)
    device.free()
    pixels[(pixels == 0).all(axis=2)] = _SKY
    return np.ascontiguousarray(pixels[::-1])


def _camera(arena: Arena, data: Any) -> mujoco.MjvCamera:
    """Returns a view from the side; of uneven ground one from farther off and above."""
    body = arena.body
    distance, rise = body.camera
    azimuth = 90.0
    if arena.simulation.uneven:
        distance, rise, azimuth = 2.0 * distance, 0.7 * distance, 125.0
    camera = mujoco.MjvCamera()
    camera.type = int(mujoco.mjtCamera.mjCAMERA_FREE)
    camera.lookat[:] = data.xpos[1] if body.height is not None else 0.0
    camera.distance, camera.azimuth = distance, azimuth
    camera.elevation = -np.degrees(np.arcsin(min(rise / distance, 1.0)))
    return camera


def _add_goal(scene: Any, arena: Arena, slot: int, data: Any) -> None:
    """Adds a ball where the body should be, or an arrow where it should go."""
    root = data.xpos[1] if arena.body.height is not None else np.zeros(3)
    goal = np.zeros(3)
    goal[: arena.body.coordinates] = arena.goals[slot]
    geom = scene.geoms[scene.ngeom]
    size, centre = np.full(3, 0.03 * arena.body.camera[0]), goal
    kind = mujoco.mjtGeom.mjGEOM_SPHERE
    mujoco.mjv_initGeom(geom, kind, size, centre, np.eye(3).ravel(), _GOAL_COLOUR)
    if arena.rules.goal != "disc":
        above = root + np.array([0.0, 0.0, 0.5])
        kind = mujoco.mjtGeom.mjGEOM_ARROW
        mujoco.mjv_connector(geom, kind, 0.02 * arena.body.camera[0], above, above + goal)
    scene.ngeom += 1


def _caption(family: MuJoCoFamily, task: Task) -> NDArray[np.uint8]:
    """Returns the parameters that are not at their default, as lines of text."""
    default = family.space.complete({})
    lines = [
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in task.params.items()
        if value != default[name] and family.space.is_active(name, task.params)
    ]
    columns = [lines[0::2] or ["the body as it is"], lines[1::2]]
    caption = Image.new("RGB", (_WIDTH, _LINE * max(map(len, columns)) + 8), "white")
    draw = ImageDraw.Draw(caption)
    for k, column in enumerate(columns):
        for row, line in enumerate(column):
            draw.text((6 + k * _WIDTH // 2, 4 + row * _LINE), line[:26], fill="black")
    return np.asarray(caption, dtype=np.uint8)
